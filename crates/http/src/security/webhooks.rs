//! Webhooks (contract 5.11).

mod body;
mod errors;
pub(crate) mod handlers;
