//! Entity tags of users and groups (contract 10 row 23).
//!
//! A tag is the version of an item and, after a dot, what else its JSON depends on: for a user, the status at the time; for a
//! group, its counts. `If-None-Match` compares the whole tag, `If-Match` only the version: a change of members must not make a change
//! of the name fail.

use actix_web::http::header::{self, HeaderValue};
use guildhall_domain::group::Group;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::User;

use crate::respond::json::PreparedResponse;
use crate::respond::problem::Problem;

/// The entity tag of a user at `now`.
pub(crate) fn user_etag(user: &User, now: Timestamp) -> String {
    let flags = u8::from(user.is_suspended(now))
        + 2 * u8::from(user.must_reset_password(now))
        + 4 * u8::from(user.is_locked(now));
    format!("\"{}.{flags}\"", user.version.0)
}

/// The entity tag of a group.
pub(crate) fn group_etag(group: &Group) -> String {
    format!("\"{}.{}-{}\"", group.version.0, group.user_count, group.child_group_count)
}

/// Adds `ETag`.
pub(crate) fn with_etag(response: PreparedResponse, tag: &str) -> Result<PreparedResponse, Problem> {
    Ok(response.with_header(header::ETAG, HeaderValue::try_from(tag).map_err(Problem::unexpected)?))
}
