//! Why somebody is in a group: handler and bodies.

pub(crate) mod body;
pub(crate) mod handlers;
