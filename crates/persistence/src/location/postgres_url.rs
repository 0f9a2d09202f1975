//! Checks a `postgres://` URL. libpq checks it too, but its messages repeat what they are about, which may be a password.

use super::{UrlError, decoded};

/// Checks what follows `postgres://`: as libpq reads it, credentials end at the first `@`.
pub(super) fn check(text: &str) -> Result<(), UrlError> {
    if text.chars().any(|next| next.is_control() || next.is_whitespace()) {
        return Err(UrlError("has a space or a control character in it: write %20 for a space"));
    }
    let (credentials, rest) = match text.find(['@', '/']) {
        Some(at) if text[at..].starts_with('@') => (&text[..at], &text[at + 1..]),
        _ => ("", text),
    };
    escaped(credentials)?;
    let hosts_end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (hosts, rest) = rest.split_at(hosts_end);
    if hosts.contains('@') || rest.contains('@') {
        return Err(UrlError(
            "has an @ after the host: in the user name and the password, write %40 for @, %2F for /, %3A for : and %3F for ?",
        ));
    }
    for host in hosts.split(',') {
        check_host(host)?;
    }
    let (database, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    escaped(database)?;
    if hosts.is_empty() && !has_host(parameters) {
        return Err(UrlError("names no host"));
    }
    parameters.split('&').filter(|parameter| !parameter.is_empty()).try_for_each(|parameter| {
        let Some((name, value)) = parameter.split_once('=') else {
            return Err(UrlError("has a parameter without a value after the ?"));
        };
        if value.contains('=') {
            return Err(UrlError("has a parameter with two = signs: write %3D for the second one"));
        }
        escaped(name).and_then(|()| escaped(value))
    })
}

/// A host may also be a parameter, such as the folder of a socket.
fn has_host(parameters: &str) -> bool {
    parameters
        .split('&')
        .any(|parameter| ["host=", "hostaddr=", "service="].iter().any(|name| parameter.starts_with(name)))
}

fn check_host(text: &str) -> Result<(), UrlError> {
    let port = if let Some(address) = text.strip_prefix('[') {
        let (address, port) = address.split_once(']').ok_or(UrlError("has an IPv6 address without its ]"))?;
        let is_plain = |next: char| next.is_ascii_hexdigit() || ":.%".contains(next);
        // A zone, such as eth0, follows a percent sign.
        if address.is_empty() || !address.split('%').next().unwrap_or_default().chars().all(is_plain) {
            return Err(UrlError("has a bad IPv6 address"));
        }
        if !port.is_empty() && !port.starts_with(':') {
            return Err(UrlError("has something between the ] of an IPv6 address and the port"));
        }
        port.strip_prefix(':')
    } else {
        let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
        escaped(host)?;
        port
    };
    match port {
        None | Some("") => Ok(()),
        Some(port)
            if port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0) =>
        {
            Ok(())
        }
        Some(_) => Err(UrlError(
            "has a bad port: a number from 1 to 65535 follows the host; in the user name and the password, write %2F for /, %3A for : and %40 for @",
        )),
    }
}

fn escaped(text: &str) -> Result<(), UrlError> {
    match decoded(text) {
        Some(text) if text.contains('\0') => Err(UrlError("has a null character in it")),
        Some(_) => Ok(()),
        None => Err(UrlError("has a bad percent escape: write %25 for %")),
    }
}

/// Starts of libpq's messages about what it met, as opposed to those about the text of the URL, which repeat parts of it.
const ABOUT_THE_CONNECTION: [&str; 10] = [
    "connection to server",
    "could not connect",
    "could not translate host name",
    "could not open",
    "root certificate",
    "could not read",
    "could not load",
    "certificate",
    "private key",
    "SSL ",
];

/// A message of libpq, without what may hold a secret.
pub(crate) fn without_secrets(message: &str) -> &str {
    let is_about_a_value = message.contains("invalid ") || message.contains("connection option");
    if !is_about_a_value && ABOUT_THE_CONNECTION.iter().any(|start| message.starts_with(start)) {
        message.trim_end()
    } else {
        "the URL has a parameter that libpq does not know, or a value that it does not take"
    }
}

#[cfg(test)]
mod tests {
    use super::{check, without_secrets};

    #[test]
    fn what_libpq_takes_is_taken() {
        for url in [
            "h/d",
            "h",
            "u@h/d",
            "u:p@h:5432/d",
            "u:p%40%2F%3A@h/d?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            "u:p?q#r:s@h/d",
            "u@one:5432,two:5433/d?target_session_attrs=read-write",
            "u@[::1]:5432/d",
            "u@[fe80::1%25eth0]/d",
            "/d?host=/run/postgresql",
            "?service=guildhall",
            "%2Frun%2Fpostgresql/d",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_without_repeating_it() {
        for (url, reason) in [
            ("u:open-sesame@h:port/d", "port"),
            ("u:open-sesame@h:0/d", "port"),
            ("u:open-sesame@h:65536/d", "port"),
            ("u:open-sesame/x@h/d", "@"),
            ("u:open-sesame@x@h/d", "@"),
            ("u:open-sesame/x", "port"),
            ("u:open-sesame%@h/d", "percent"),
            ("u:open-sesame%zz@h/d", "percent"),
            ("u:open-sesame%00@h/d", "null"),
            ("u:open sesame@h/d", "space"),
            ("u:open-sesame@h/d\n", "control"),
            ("u:open-sesame@/d", "host"),
            ("", "host"),
            ("u:open-sesame@[::1/d", "IPv6"),
            ("u:open-sesame@[]/d", "IPv6"),
            ("u:open-sesame@[::1]5432/d", "between"),
            ("h/d?password", "parameter"),
            ("h/d?password=open=sesame", "parameter"),
            ("h/d?password=open%sesame", "percent"),
        ] {
            let error = check(url).unwrap_err().to_string();
            assert!(error.contains(reason) && !error.contains("sesame"), "{url}: {error}");
        }
    }

    #[test]
    fn messages_about_the_url_are_not_repeated() {
        for message in [
            "invalid URI query parameter: \"sesame\"",
            "connection to server at \"h\" failed: invalid integer value \"sesame\" for connection option \"connect_timeout\"",
        ] {
            assert!(!without_secrets(message).contains("sesame"), "{message}");
        }
        let message = "connection to server at \"h\" (::1), port 5432 failed: Connection refused";
        assert_eq!(without_secrets(message), message);
    }
}
