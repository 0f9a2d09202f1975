//! Access tokens: the token endpoint, its grants and limits, and discovery (contract 2).

pub(crate) mod discovery;
mod errors;
pub(crate) mod grant;
pub(crate) mod throttle;
pub(crate) mod token;
