//! Bearer tokens, passwords and secrets: the adapter for the domain's ports [`Tokens`](guildhall_domain::ports::Tokens) (JSON
//! Web Tokens), [`Passwords`](guildhall_domain::ports::Passwords) (Argon2id) and
//! [`Secrets`](guildhall_domain::ports::Secrets) (the operating system's randomness).
//!
//! | Folder or file | What | Public types |
//! |---|---|---|
//! | `jwt` | issues tokens, verifies them, caches verified ones | [`JwtTokens`], [`TokenSettings`] |
//! | `keys` | the keys of this service: sign, verify, load from a file, rotate, reload | [`KeySet`], [`KeyFile`], [`SigningKey`] |
//! | `oidc` | external issuers: fetch their keys, verify their tokens, map their claims | [`ExternalIssuer`], [`SignatureAlgorithm`] |
//! | `passwords` | hashes and generates passwords, verifies hashes of other programs | [`Argon2Passwords`], [`generate_password`], [`foreign`] |
//! | `secrets` | random secrets, and digests of secrets | [`RandomSecrets`] |
//! | `seal` | seals what clients keep, such as cursors | |
//! | `metrics` | what is counted of tokens and passwords | |
//! | `random`, `digest` | random bytes and text; SHA-256 | [`NoRandomness`] |
//! | `error_chain` | an error and its sources as text for the log | |
//!
//! A token is verified from `jwt::tokens`: by the key set of `keys` if this service issued it, else by the issuer in `oidc`.

mod digest;
mod error_chain;
mod jwt;
mod keys;
#[cfg(test)]
mod log_lines;
mod metrics;
mod oidc;
mod passwords;
mod random;
mod seal;
mod secrets;

pub use jwt::tokens::{JwtTokens, TokenSettings};
pub use keys::error::KeyError;
pub use keys::file::{KeyFile, KeyFileError, KeyRotation};
pub use keys::set::KeySet;
pub use keys::signing::SigningKey;
pub use oidc::{
    ExternalIssuer, ExternalIssuerError, IssuerFault, SignatureAlgorithm, UnknownAlgorithm, check_external_issuers,
};
pub use passwords::{Argon2Passwords, foreign, generate_password};
pub use random::NoRandomness;
pub use secrets::RandomSecrets;

/// Compiles the example in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
