//! URLs without the passwords in them.

use serde::{Serialize as _, Serializer};

use super::values::{MASK, Secret};

/// The parameters of a URL of PostgreSQL that are no secrets. Of any other, the value is masked.
const HARMLESS: [&str; 14] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "gssencmode",
    "host",
    "hostaddr",
    "options",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

/// Serializes the URL of a database.
pub(super) fn secret_url<S: Serializer>(url: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    without_passwords(url.reveal()).serialize(serializer)
}

/// Serializes another URL.
pub(super) fn url<S: Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    without_user_information(url).serialize(serializer)
}

/// Serializes another URL that may be absent.
#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
pub(super) fn optional_url<S: Serializer>(url: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    url.as_deref().map(without_user_information).serialize(serializer)
}

/// The URL of a database, with its password and all parameters masked that might be one.
fn without_passwords(url: &str) -> String {
    let url = without_user_information(url);
    let Some((path, query)) = url.split_once('?') else { return url };
    let masked = query.split('&').map(|parameter| match parameter.split_once('=') {
        Some((name, _)) if !HARMLESS.contains(&name) => format!("{name}={MASK}"),
        _ => parameter.to_owned(),
    });
    format!("{path}?{}", masked.collect::<Vec<_>>().join("&"))
}

/// A URL with what stands between the first colon and the last `@` masked, which is the password, and more if the URL is malformed.
fn without_user_information(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((user, _)) => format!("{scheme}://{user}:{MASK}@{host}"),
            None => url.to_owned(),
        },
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::without_passwords;

    #[test]
    fn no_password_in_a_url_is_shown() {
        for (url, expected) in [
            ("sqlite://data/guildhall.db", "sqlite://data/guildhall.db"),
            ("postgres://h/d", "postgres://h/d"),
            ("postgres://u@h/d", "postgres://u@h/d"),
            ("postgres://u:s3cr3t@h:5432/d?sslmode=require", "postgres://u:********@h:5432/d?sslmode=require"),
            ("postgres://u:s3@cr/3t@h/d", "postgres://u:********@h/d"),
            ("postgres://u:s3cr3t?x=@h/d", "postgres://u:********@h/d"),
            ("postgres://h/d?user=u&password=s3cr3t", "postgres://h/d?user=u&password=********"),
            (
                "postgres://h/d?PASSWORD=s3cr3t&sslpassword=s3cr3t",
                "postgres://h/d?PASSWORD=********&sslpassword=********",
            ),
            ("postgres://h/d?%70assword=s3cr3t&", "postgres://h/d?%70assword=********&"),
            ("postgres://u:s3cr3t@[::1]/d", "postgres://u:********@[::1]/d"),
        ] {
            assert_eq!(without_passwords(url), expected);
        }
    }
}
