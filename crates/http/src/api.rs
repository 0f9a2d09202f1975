//! A handler per route: parse, call, answer.

pub(crate) mod api_keys;
pub(crate) mod children;
pub(crate) mod discovery;
pub(crate) mod docs;
pub(crate) mod groups;
pub(crate) mod health;
pub(crate) mod identities;
pub(crate) mod members;
pub(crate) mod memberships;
pub(crate) mod root;
pub(crate) mod tokens;
pub(crate) mod user_search;
pub(crate) mod users;
