//! Managers of groups: handlers, bodies and errors.

mod body;
mod errors;
pub(crate) mod handlers;
