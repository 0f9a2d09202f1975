//! Access tokens: the token endpoint, its grants and limits, and discovery (contract 2).

pub(crate) mod discovery;
mod errors;
pub(crate) mod grant;
pub(crate) mod throttle;
pub(crate) mod token;

use crate::routes::Route;

/// The routes of access tokens.
pub(crate) fn routes() -> Vec<Route> {
    [token::routes(), discovery::routes()].into_iter().flatten().collect()
}
