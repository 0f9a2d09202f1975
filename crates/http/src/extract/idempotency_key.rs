//! The header `Idempotency-Key` (docs/api-conventions.md, "Idempotency keys").

use actix_web::http::header::{HeaderMap, HeaderName};
use guildhall_domain::idempotency_key::IdempotencyKey;

use crate::respond::problem::Problem;

/// The header's name.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The key in `headers`. One that cannot be read is refused (400): to drop it would make the change without it.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(refused("is given more than once"));
    }
    let text = value.to_str().ok().and_then(unquoted);
    let key = text.and_then(|text| IdempotencyKey::try_from(text).ok());
    key.map(Some).ok_or_else(|| refused("must be 1 to 255 visible ASCII characters, in double quotes or not"))
}

fn refused(fault: &str) -> Problem {
    Problem::bad_request(format!("The header 'Idempotency-Key' {fault}"))
}

/// The text of a value that is a string of RFC 9651, or that is not in quotes.
fn unquoted(value: &str) -> Option<String> {
    let value = value.trim();
    let Some(quoted) = value.strip_prefix('"') else { return Some(value.to_owned()) };
    let mut text = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return characters.next().is_none().then_some(text),
            '\\' => text.push(characters.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
            character => text.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderMap, HeaderValue};

    use super::{IDEMPOTENCY_KEY, idempotency_key};

    fn read(values: &[&[u8]]) -> Result<Option<String>, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IDEMPOTENCY_KEY, HeaderValue::from_bytes(value).unwrap());
        }
        let key = idempotency_key(&headers).map_err(|problem| problem.to_string())?;
        Ok(key.map(|key| key.as_str().to_owned()))
    }

    #[test]
    fn a_key_is_read_in_quotes_and_without() {
        let longest = "x".repeat(255);
        for (value, key) in [
            ("abc", "abc"),
            (" abc ", "abc"),
            ("\"abc\"", "abc"),
            ("ab\"c", "ab\"c"),
            ("a\\b", "a\\b"),
            ("\"a\\\"b\\\\c\"", "a\"b\\c"),
            (&longest, &longest),
            (&format!("\"{longest}\""), &longest),
        ] {
            assert_eq!(read(&[value.as_bytes()]), Ok(Some(key.to_owned())), "{value}");
        }
        assert_eq!(read(&[]), Ok(None));
    }

    #[test]
    fn what_is_no_key_is_refused_by_name() {
        let long = "x".repeat(256);
        for value in [
            "",
            "\"\"",
            "\"",
            "\"abc",
            "\"abc\"d",
            "\"abc\";a=1",
            "\"a\\c\"",
            "\"a b\"",
            "a b",
            "a\tb",
            "\u{e9}",
            "\"abc\\",
            &long,
            &format!("\"{long}\""),
        ] {
            assert!(read(&[value.as_bytes()]).is_err_and(|message| message.contains("'Idempotency-Key'")), "{value}");
        }
        assert!(read(&[b"\xff"]).is_err());
        assert!(read(&[b"a", b"a"]).is_err_and(|message| message.contains("more than once")));
    }
}
