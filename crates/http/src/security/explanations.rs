//! Why somebody is in a group: handler and bodies.

mod body;
pub(crate) mod handlers;
