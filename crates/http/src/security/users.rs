//! Users (contract 4.1 to 4.10).

pub(crate) mod body;
mod errors;
pub(crate) mod handlers;
pub(crate) mod requests;
pub(crate) mod search;
