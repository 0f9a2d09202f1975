//! Passwords: hashing them, verifying the hashes of other programs, and generating them.

pub mod foreign;
mod generator;
mod hashing;
mod slots;
mod stored;

pub use generator::generate_password;
pub use hashing::Argon2Passwords;
