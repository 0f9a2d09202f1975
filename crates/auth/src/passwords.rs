//! Passwords: hashing them and generating them.

mod generator;
mod hashing;

pub use generator::generate_password;
pub use hashing::Argon2Passwords;
