//! A handler per route: parse, call, answer.

pub(crate) mod children;
pub(crate) mod docs;
pub(crate) mod groups;
pub(crate) mod health;
pub(crate) mod members;
pub(crate) mod memberships;
pub(crate) mod root;
pub(crate) mod users;
