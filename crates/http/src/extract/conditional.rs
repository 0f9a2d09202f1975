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

/// The entity tags in the conditional headers of a request.
pub(crate) struct ConditionalHeaders {
    must_match: Vec<String>,
    must_not_match: Vec<String>,
}

impl FromRequest for ConditionalHeaders {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let headers = request.headers();
        ready(Ok(Self {
            must_match: tags(headers, &header::IF_MATCH),
            must_not_match: tags(headers, &header::IF_NONE_MATCH),
        }))
    }
}

impl ConditionalHeaders {
    /// The precondition of a change by `If-Match`. `*` requires that the item exists, which a change does anyway. A weak tag never
    /// matches (RFC 9110, section 13.1.1).
    pub(crate) fn precondition(&self) -> Precondition {
        if self.must_match.is_empty() || self.must_match.iter().any(|tag| tag == "*") {
            return Precondition::None;
        }
        let version = |tag: &String| {
            let text = tag.strip_prefix('"')?.strip_suffix('"')?.split('.').next()?;
            text.parse().ok().map(Version)
        };
        Precondition::OneOf(self.must_match.iter().filter_map(version).collect::<BTreeSet<_>>())
    }

    /// `body` with its entity tag, or 304 if `If-None-Match` has the tag.
    pub(crate) fn respond(&self, tag: &str, body: &impl Serialize) -> Result<PreparedResponse, Problem> {
        let is_known = |known: &String| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag;
        if self.must_not_match.iter().any(is_known) {
            return with_etag(empty(StatusCode::NOT_MODIFIED), tag);
        }
        with_etag(json(StatusCode::OK, body)?, tag)
    }
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let values = headers.get_all(name).filter_map(|value| value.to_str().ok());
    let listed = values.flat_map(|value| value.split(',')).map(str::trim).filter(|tag| !tag.is_empty());
    listed.map(str::to_owned).collect()
}
