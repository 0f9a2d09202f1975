//! The keys that sign and verify this service's own tokens.

pub(crate) mod file;
pub(crate) mod generation;
pub(crate) mod pem;
pub(crate) mod set;
pub(crate) mod signing;
pub(crate) mod verifying;
pub(crate) mod watcher;
