//! Passwords: hashing and generating them.

pub(crate) mod hashing;
