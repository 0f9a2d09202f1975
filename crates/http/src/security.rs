//! The Security API, a folder for each resource: its handlers, its bodies and its errors.

pub(crate) mod api_keys;
pub(crate) mod children;
pub(crate) mod groups;
pub(crate) mod identities;
pub(crate) mod listing;
pub(crate) mod members;
pub(crate) mod memberships;
pub(crate) mod users;
