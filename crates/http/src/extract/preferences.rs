//! What a client would rather have: `Prefer` (RFC 7240).

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::{FromRequest, HttpRequest};

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The preferences of a request that are supported somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Preferences {
    /// `return`.
    pub(crate) returned: Option<Returned>,
}

/// What the answer to a change is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Returned {
    /// `minimal`: that it was made.
    Minimal,
    /// `representation`: what it came to.
    Representation,
}

impl FromRequest for Preferences {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::read(request.headers())))
    }
}

impl Preferences {
    /// The first preference of a name counts. What is not known or not well-formed is ignored, because preferences are advice.
    fn read(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(PREFER).filter_map(|value| value.to_str().ok());
        let mut preferences = lines.flat_map(|line| split(line, ',')).map(preference);
        let returned = preferences.find(|(name, _)| name.eq_ignore_ascii_case("return"));
        let returned = returned.and_then(|(_, value)| match value.to_ascii_lowercase().as_str() {
            "minimal" => Some(Returned::Minimal),
            "representation" => Some(Returned::Representation),
            _ => None,
        });
        Self { returned }
    }
}

/// The name and the value of a preference, without its parameters and without quotes.
fn preference(text: &str) -> (&str, &str) {
    let own = split(text, ';').next().unwrap_or_default();
    let (name, value) = own.split_once('=').unwrap_or((own, ""));
    let value = value.trim();
    (name.trim(), value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value))
}

/// The parts of `text` between separators that are not in quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |character| {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => return character == separator && !is_quoted,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderMap, HeaderValue};

    use super::{PREFER, Preferences, Returned};

    #[test]
    fn the_first_preference_of_a_name_counts() {
        let (minimal, representation) = (Some(Returned::Minimal), Some(Returned::Representation));
        for (lines, expected) in [
            (vec![], None),
            (vec!["return=representation"], representation),
            (vec!["return=minimal"], minimal),
            (vec!["RETURN = \"representation\" ; a=b"], representation),
            (vec!["respond-async, wait=10", "return=minimal; foo=\"a, return=representation\""], minimal),
            (vec!["foo=\"a\\\", return=minimal\", return=representation"], representation),
            (vec!["return=minimal, return=representation"], minimal),
            (vec!["return=minimal", "return=representation"], minimal),
            (vec!["return=x, return=representation"], None),
            (vec!["return"], None),
            (vec!["return=\"minimal"], None),
            (vec![",,;=,\"", "return=minimal"], minimal),
            (vec!["x=\u{e9}, return=minimal"], None),
            (vec!["handling=strict;return=minimal"], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in &lines {
                headers.append(PREFER, HeaderValue::from_bytes(line.as_bytes()).unwrap());
            }
            assert_eq!(Preferences::read(&headers).returned, expected, "{lines:?}");
        }
    }
}
