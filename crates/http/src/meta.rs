//! The service itself: health, documentation, and the root.

pub(crate) mod docs;
pub(crate) mod health;
pub(crate) mod root;
