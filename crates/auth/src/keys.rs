//! The keys that sign and verify this service's own tokens.
//!
//! | Module | What |
//! |---|---|
//! | `signing` | a private key or shared secret |
//! | `verifying` | a public key or shared secret, its `kid`, and its form as a JWK |
//! | `set` | the key that signs, with the retired keys that still verify |
//! | `pem` | keys as PEM text |
//! | `file` | a key set in a file: created, loaded, rotated |
//! | `file_system` | reading, locking and replacing that file |
//! | `watcher` | the thread that reloads the key set when the file changes |
//! | `watcher_schedule` | when the file is looked at |
//! | `watched_file` | looks at the file |
//! | `generation` | counts the changes of keys |
//! | `limits` | the smallest keys that are accepted |
//! | `error` | why a key is refused |

pub(crate) mod error;
pub(crate) mod file;
mod file_system;
pub(crate) mod generation;
pub(crate) mod limits;
mod pem;
pub(crate) mod set;
pub(crate) mod signing;
pub(crate) mod verifying;
mod watched_file;
pub(crate) mod watcher;
mod watcher_schedule;
