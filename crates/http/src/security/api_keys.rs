//! API keys (contract 11).

pub(crate) mod body;
mod errors;
pub(crate) mod handlers;
