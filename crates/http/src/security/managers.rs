//! Managers of groups: handlers, bodies and errors.

pub(crate) mod body;
mod errors;
pub(crate) mod handlers;
