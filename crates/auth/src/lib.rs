//! Bearer tokens, passwords and secrets: the domain's [`Tokens`](guildhall_domain::ports::Tokens) by JSON Web Tokens, its
//! [`Passwords`](guildhall_domain::ports::Passwords) by Argon2id, its [`Secrets`](guildhall_domain::ports::Secrets) by the
//! operating system's randomness.
//!
//! | Where | What |
//! |---|---|
//! | [`SigningKey`] | a key that signs, and the one algorithm it is used with |
//! | [`KeyRing`] | the key that signs, and those that still verify |
//! | [`KeyFile`] | a key ring in a file: made, read, rotated |
//! | [`JwtTokens`] | issues tokens and reads them, and remembers those it has verified |
//! | [`ForeignIssuer`] | an outside issuer whose tokens are read too, with keys fetched in the background |
//! | [`Argon2Passwords`] | hashes passwords, a bounded number at a time |
//! | [`RandomSecrets`] | secrets that nobody can guess, and what is kept of them |
//! | [`generate_password`] | a password for an account that nobody chose one for |

mod error_chain;
mod jwt;
mod keys;
#[cfg(test)]
mod log_lines;
mod oidc;
mod passwords;
mod random;
mod secrets;

pub use jwt::error::Refusal;
pub use jwt::tokens::{JwtTokens, TokenSettings};
pub use keys::file::{KeyFile, KeyFileError, Rotated};
pub use keys::set::KeyRing;
pub use keys::signing::{KeyError, SigningKey};
pub use oidc::{ForeignIssuer, ForeignIssuerError, IssuerFault, SignatureAlgorithm, UnknownAlgorithm};
pub use passwords::hashing::Argon2Passwords;
pub use random::{NoRandomness, generate_password};
pub use secrets::RandomSecrets;
