//! Questions about a moment in the past (contract 5.12): the parameter `asOf` of routes that answer of the present without it.

pub(crate) mod body;
mod errors;
pub(crate) mod query;
