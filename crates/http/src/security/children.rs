//! Groups below groups (contract 5.k to 5.n).

mod body;
mod errors;
pub(crate) mod handlers;

pub(crate) use errors::UnknownGroups;
