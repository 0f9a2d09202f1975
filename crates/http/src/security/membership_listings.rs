//! Direct memberships and edges with their dates: handlers and bodies.

mod body;
pub(crate) mod handlers;
