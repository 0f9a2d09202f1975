//! The adapters of a program that embeds Guildhall's domain: a store in a file, and the program's time, ids and randomness.

pub mod store;
pub mod system;
