//! The log of all changes: handlers, parameters, bodies, and those who wait for the next event.

mod body;
mod errors;
pub(crate) mod handlers;
mod query;
mod shared;
mod stream;
mod watch;

pub(crate) use watch::EventWatch;
