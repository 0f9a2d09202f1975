//! Members of groups (contract 5.f to 5.j).

mod errors;
pub(crate) mod handlers;
