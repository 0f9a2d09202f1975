//! Where a database is, read from its URL.

mod postgres_url;
mod sqlite_url;

use std::fmt;
use std::path::PathBuf;

pub(crate) use postgres_url::without_secrets;

/// The location of a database.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// A `postgres://` URL as libpq takes it.
    Postgres(String),
    /// The path of a file.
    Sqlite(PathBuf),
}

/// What is wrong with a database URL. It never repeats the URL, in which a password may stand anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UrlError(&'static str);

impl Location {
    /// Parses a URL by its scheme. SQLite would accept any text as a path, for example a mistyped PostgreSQL URL.
    pub(crate) fn parse(url: &str) -> Result<Self, UrlError> {
        if let Some(rest) = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://")) {
            postgres_url::check(rest)?;
            return Ok(Self::Postgres(with_default_parameters(url)));
        }
        match url.strip_prefix("sqlite://") {
            Some(path) => sqlite_url::path(path).map(Self::Sqlite),
            None => Err(UrlError("must start with sqlite:// or postgres://")),
        }
    }
}

/// Without the URL, which may hold a password.
impl fmt::Debug for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres(_) => formatter.write_str("Postgres(..)"),
            Self::Sqlite(path) => formatter.debug_tuple("Sqlite").field(path).finish(),
        }
    }
}

/// Parameters of a PostgreSQL URL, unless it has them itself: seconds, milliseconds, and a name. Without time limits libpq waits for
/// an unreachable server as long as the kernel does, which is minutes.
const DEFAULT_PARAMETERS: [(&str, &str); 3] =
    [("connect_timeout", "5"), ("tcp_user_timeout", "30000"), ("application_name", "guildhall")];

fn with_default_parameters(url: &str) -> String {
    let mut url = url.to_owned();
    for (name, value) in DEFAULT_PARAMETERS {
        if !url.contains(&format!("{name}=")) {
            let separator = if url.contains('?') { '&' } else { '?' };
            url = format!("{url}{separator}{name}={value}");
        }
    }
    url
}

/// Decodes percent escapes. `None`: one of them is malformed, or the text is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        let decoded = match byte {
            b'%' => u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()?,
            _ => byte,
        };
        bytes.push(decoded);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::{Location, decoded};

    #[test]
    fn the_scheme_decides_which_database_it_is() {
        assert_eq!(Location::parse("sqlite://data/g.db"), Ok(Location::Sqlite("data/g.db".into())));
        assert_eq!(Location::parse("sqlite:///var/lib/g.db"), Ok(Location::Sqlite("/var/lib/g.db".into())));
        assert_eq!(
            Location::parse("postgres://u@h/d?connect_timeout=1"),
            Ok(Location::Postgres(
                "postgres://u@h/d?connect_timeout=1&tcp_user_timeout=30000&application_name=guildhall".to_owned()
            ))
        );
        for url in ["", "data/g.db", "postgers://u@h/d", "mysql://h/d", "host=h password=p", "sqlite:g.db", "file:g.db"]
        {
            assert!(Location::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn percent_escapes_are_decoded_or_refused() {
        assert_eq!(decoded("a%20b%C3%A9").as_deref(), Some("a b\u{e9}"));
        for text in ["%", "%2", "%zz", "%+1", "a%ff"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }

    #[test]
    fn a_location_is_shown_without_its_password() {
        let location = Location::parse("postgres://u:open-sesame@h/d").unwrap();
        assert_eq!(format!("{location:?}"), "Postgres(..)");
    }
}
