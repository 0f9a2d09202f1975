//! Many checks of memberships in one request.

mod body;
pub(crate) mod handlers;
