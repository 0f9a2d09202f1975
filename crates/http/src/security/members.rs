//! Members of groups (contract 5.f to 5.j).

mod body;
mod errors;
pub(crate) mod handlers;

pub(crate) use errors::UnknownUsers;
