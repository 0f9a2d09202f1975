//! Versions of users and groups in headers (contract 10 row 23).
//!
//! A tag is the version of a thing's own properties and, after a dot, what else its JSON shows: of a user, what depends on the
//! time; of a group, its counts. `If-None-Match` looks at all of it. `If-Match` looks at the version alone: a change of
//! somebody else's membership is no reason to refuse a new name.

use std::collections::BTreeSet;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest};
use guildhall_domain::group::Group;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::User;
use guildhall_domain::version::{Precondition, Version};
use serde::Serialize;

use crate::respond::json::{PreparedResponse, empty, json};
use crate::respond::problem::Problem;

/// The tag of a user as they are at `now`.
pub(crate) fn user_etag(user: &User, now: Timestamp) -> String {
    let flags = u8::from(user.is_suspended(now))
        + 2 * u8::from(user.must_reset_password(now))
        + 4 * u8::from(user.is_locked(now));
    format!("\"{}.{flags}\"", user.version.0)
}

/// The tag of a group.
pub(crate) fn group_etag(group: &Group) -> String {
    format!("\"{}.{}-{}\"", group.version.0, group.user_count, group.child_group_count)
}

/// `response` with the tag of what it shows.
pub(crate) fn with_etag(response: PreparedResponse, tag: &str) -> Result<PreparedResponse, Problem> {
    Ok(response.with_header(header::ETAG, HeaderValue::try_from(tag).map_err(Problem::unexpected)?))
}

/// What a request's headers say of versions.
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
    /// What a change asks of the version it finds. `*` asks that there be one, which a change does anyway. A weak tag names
    /// none (RFC 9110, section 13.1.1).
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

    /// `body` with its tag, or 304 where the client has it already.
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
