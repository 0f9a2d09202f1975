//! A handler per route: parse, call, answer.

pub(crate) mod children;
pub(crate) mod groups;
pub(crate) mod health;
pub(crate) mod members;
pub(crate) mod users;
