//! Bearer tokens and password hashes: the domain's [`Tokens`](guildhall_domain::ports::Tokens) by JSON Web Tokens, its
//! [`Passwords`](guildhall_domain::ports::Passwords) by Argon2id.
//!
//! | Where | What |
//! |---|---|
//! | [`SigningKey`] | a key and the one algorithm it is used with |
//! | [`JwtTokens`] | issues tokens and reads them |
//! | [`Argon2Passwords`] | hashes passwords, a bounded number at a time |
//! | [`generate_password`] | a password for an account that nobody chose one for |

mod claims;
mod generated;
mod key_file;
mod keys;
mod passwords;
mod tokens;

pub use generated::{NoRandomness, generate_password};
pub use key_file::KeyFileError;
pub use keys::{KeyError, SigningKey};
pub use passwords::Argon2Passwords;
pub use tokens::{JwtTokens, Refusal, TokenSettings};
