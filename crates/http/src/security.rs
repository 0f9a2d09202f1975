//! The Security API. Each resource has a module with its handlers, its bodies and its errors.

pub(crate) mod api_keys;
pub(crate) mod as_of;
pub(crate) mod children;
pub(crate) mod events;
pub(crate) mod explanations;
pub(crate) mod groups;
pub(crate) mod identities;
pub(crate) mod listing;
pub(crate) mod managers;
pub(crate) mod members;
pub(crate) mod membership_checks;
pub(crate) mod membership_listings;
pub(crate) mod memberships;
pub(crate) mod patches;
pub(crate) mod users;
pub(crate) mod validity;
pub(crate) mod webhooks;

use crate::routes::Route;

/// The routes of the Security API.
pub(crate) fn routes() -> Vec<Route> {
    let resources = [
        users::search::routes(),
        users::handlers::routes(),
        memberships::routes(),
        membership_listings::handlers::routes(),
        identities::routes(),
        groups::handlers::routes(),
        members::handlers::routes(),
        children::handlers::routes(),
        managers::handlers::routes(),
        explanations::handlers::routes(),
        membership_checks::handlers::routes(),
        api_keys::handlers::routes(),
        events::handlers::routes(),
        webhooks::handlers::routes(),
    ];
    resources.into_iter().flatten().collect()
}
