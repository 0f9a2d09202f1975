//! Conditional requests: `If-Match` and `If-None-Match` (contract 10 row 23).

use std::collections::BTreeSet;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::{FromRequest, HttpRequest};
use guildhall_domain::version::{Precondition, Version};
use serde::Serialize;

use crate::respond::etag::with_etag;
use crate::respond::json::{PreparedResponse, empty, json};
use crate::respond::problem::Problem;

/// The conditional headers of a request, not yet parsed.
pub(crate) struct ConditionalHeaders(HeaderMap);

impl FromRequest for ConditionalHeaders {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(request.headers().clone())))
    }
}

impl ConditionalHeaders {
    /// Parses both headers. A condition that cannot be parsed is refused (400): to drop it would make the change without it.
    pub(crate) fn parse(&self) -> Result<Conditions, Problem> {
        let (if_match, if_none_match) = (tags(&self.0, &header::IF_MATCH)?, tags(&self.0, &header::IF_NONE_MATCH)?);
        Ok(Conditions { if_match, if_none_match })
    }
}

/// The conditions of a request.
pub(crate) struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

/// The value of a conditional header.
#[derive(Debug, PartialEq, Eq)]
enum Tags {
    /// `*`: any entity tag.
    Any,
    /// Entity tags, each with its quotes and without `W/`.
    List(Vec<String>),
}

impl Tags {
    /// The versions that the tags name. Tags that are not ours name none.
    fn versions(&self) -> BTreeSet<Version> {
        let Self::List(tags) = self else { return BTreeSet::new() };
        let version = |tag: &String| tag.trim_matches('"').split('.').next()?.parse().ok().map(Version);
        tags.iter().filter_map(version).collect()
    }
}

impl Conditions {
    /// The precondition of a change of an item that exists, for which `If-Match: *` always holds.
    pub(crate) fn precondition(&self) -> Precondition {
        Precondition {
            one_of: self.if_match.as_ref().filter(|tags| **tags != Tags::Any).map(Tags::versions),
            none_of: self.if_none_match.as_ref().map(Tags::versions).unwrap_or_default(),
            must_not_exist: self.if_none_match == Some(Tags::Any),
        }
    }

    /// `body` with its entity tag, or 304 if `If-None-Match` has the tag.
    pub(crate) fn respond(&self, tag: &str, body: &impl Serialize) -> Result<PreparedResponse, Problem> {
        let is_known = self.if_none_match.as_ref().is_some_and(|known| match known {
            Tags::Any => true,
            Tags::List(tags) => tags.iter().any(|known| known == tag),
        });
        if is_known {
            return with_etag(empty(StatusCode::NOT_MODIFIED), tag);
        }
        with_etag(json(StatusCode::OK, body)?, tag)
    }
}

/// The entity tags in all header fields of this name (RFC 9110, section 13.1).
///
/// `W/` before a tag is disregarded, against that section: proxies that compress a response make its tag weak, and it still names
/// the version that the client has read.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Problem> {
    let refused =
        || Problem::bad_request(format!("The header '{name}' must be '*' or a list of entity tags in double quotes"));
    let mut listed = Vec::new();
    let mut is_any = false;
    for value in headers.get_all(name) {
        let mut rest = value.to_str().map_err(|_| refused())?.trim();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('*') {
                is_any = true;
                rest = after;
            } else if !rest.starts_with(',') {
                let tag = rest.strip_prefix("W/").unwrap_or(rest);
                let (opaque, after) = tag.strip_prefix('"').and_then(|tag| tag.split_once('"')).ok_or_else(refused)?;
                if opaque.chars().any(|character| character == ' ' || character.is_control()) {
                    return Err(refused());
                }
                listed.push(format!("\"{opaque}\""));
                rest = after;
            }
            rest = rest.trim_start();
            rest = match rest.strip_prefix(',') {
                Some(after) => after.trim_start(),
                None if rest.is_empty() => rest,
                None => return Err(refused()),
            };
        }
    }
    match (headers.contains_key(name), is_any, listed.is_empty()) {
        (false, ..) => Ok(None),
        (true, true, true) => Ok(Some(Tags::Any)),
        (true, false, false) => Ok(Some(Tags::List(listed))),
        // Nothing, or `*` beside tags.
        (true, ..) => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderMap, HeaderValue, IF_MATCH};

    use super::{Tags, tags};

    fn read(values: &[&str]) -> Result<Option<Tags>, ()> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IF_MATCH, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        tags(&headers, &IF_MATCH).map_err(drop)
    }

    #[test]
    fn lists_of_entity_tags_are_read_and_nothing_else() {
        let list = |tags: &[&str]| Ok(Some(Tags::List(tags.iter().map(|tag| (*tag).to_owned()).collect())));
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["*"]), Ok(Some(Tags::Any)));
        assert_eq!(read(&["\"1.0\""]), list(&["\"1.0\""]));
        assert_eq!(read(&["W/\"1.0\" , \"a,b\"", ",\"\""]), list(&["\"1.0\"", "\"a,b\"", "\"\""]));
        for wrong in
            ["", "1.0", "\"1.0", "\"1.0\" \"2.0\"", "*, \"1.0\"", "w/\"1.0\"", "\"a b\"", "\"1.0\"x", ",", "\u{e9}"]
        {
            assert_eq!(read(&[wrong]), Err(()), "{wrong}");
        }
    }
}
