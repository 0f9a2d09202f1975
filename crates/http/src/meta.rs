//! The service itself: health, documentation, and the root.

pub(crate) mod docs;
pub(crate) mod health;
pub(crate) mod root;

use crate::routes::Route;

/// The routes of the service itself.
pub(crate) fn routes() -> Vec<Route> {
    [root::routes(), docs::routes(), health::routes()].into_iter().flatten().collect()
}
