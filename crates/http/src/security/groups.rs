//! Groups (contract 5.a to 5.e).

pub(crate) mod body;
mod errors;
pub(crate) mod handlers;
