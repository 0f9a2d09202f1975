//! Password hashes that other programs made.

use guildhall_domain::password::PasswordHash;

use super::stored::StoredHash;

/// A hash that [`Argon2Passwords`](crate::Argon2Passwords) can verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The hash as it is stored.
    pub hash: PasswordHash,
    /// Why the hash protects its password worse than it should, if it does.
    pub weakness: Option<Weakness>,
}

/// Why whoever reads a hash finds its password sooner than they should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// One round of a fast hash function.
    #[error("the password hash is a single round of a fast hash function")]
    SingleRound,
    /// A cost parameter that is lower than recommended.
    #[error("the {parameter} of the password hash is {value}, and {recommended} or more is recommended")]
    LowCost {
        /// What the parameter is called.
        parameter: &'static str,
        /// Its value.
        value: u32,
        /// The lowest value that is recommended.
        recommended: u32,
    },
}

/// Why a hash is not accepted. The text of the hash is not part of it, so that it can be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedHash {
    /// No format that can be verified begins like this.
    #[error("the format of the password hash is not supported")]
    Unsupported,
    /// Passwords are found from hashes of this format, or a hash without a salt, in too short a time.
    #[error("password hashes by {0} are too weak")]
    TooWeak(&'static str),
    /// Parts of the hash are missing, have a wrong length or cannot be decoded.
    #[error("the text is not a complete password hash by {0}")]
    Malformed(&'static str),
    /// A cost parameter is out of bounds: verifying would take too much time or memory, or the hash is too weak.
    #[error("the {parameter} of the password hash is {value}, and {least} to {most} are accepted")]
    OutOfBounds {
        /// What the parameter is called.
        parameter: &'static str,
        /// Its value.
        value: u32,
        /// The lowest value that is accepted.
        least: u32,
        /// The highest value that is accepted.
        most: u32,
    },
}

/// Whether a hash that another program made can be verified, and how it is stored. Verifying an accepted hash does not fail, unless
/// memory runs out.
///
/// | Program | Format |
/// |---|---|
/// | any | `$argon2id$…`, `$argon2i$…`, `$argon2d$…` (PHC string format); `$2a$…`, `$2b$…`, `$2y$…` (bcrypt) |
/// | Keycloak | `$pbkdf2-sha256$i=27500,l=64$salt$hash`, `$pbkdf2-sha512$…` (PHC string format) |
/// | Unix | `$5$…` (SHA-256-crypt), `$6$…` (SHA-512-crypt) |
/// | LDAP | `{SSHA256}…`, `{SSHA512}…`; `{CRYPT}` before bcrypt and those of Unix; `{ARGON2}` before those of Argon2 |
///
/// ```
/// use guildhall_auth::foreign::{self, RefusedHash};
///
/// let accepted = foreign::accept("{CRYPT}$2y$10$dXvbw/KtqB/YziXDPpq4xuxDYunjIvkr2pKGfpEdP.T4mfZQHsTAS").unwrap();
/// assert_eq!(accepted.hash.0, "$2y$10$dXvbw/KtqB/YziXDPpq4xuxDYunjIvkr2pKGfpEdP.T4mfZQHsTAS");
/// assert_eq!(accepted.weakness, None);
/// let refused = foreign::accept("{SSHA}p8nkoaTbLVP2bBg11SeanVCkCSlvBydK").unwrap_err();
/// assert_eq!(refused, RefusedHash::TooWeak("salted SHA-1"));
/// ```
///
/// # Errors
///
/// When it can never be verified, or only at the expense of others.
pub fn accept(text: &str) -> Result<Accepted, RefusedHash> {
    let stored = StoredHash::parse(text)?;
    Ok(Accepted { hash: PasswordHash(stored.text()), weakness: stored.weakness() })
}
