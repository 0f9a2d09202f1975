//! Groups below groups (contract 5.k to 5.n).

mod errors;
pub(crate) mod handlers;
