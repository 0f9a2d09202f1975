//! Secrets that a machine makes and a machine presents: of API keys and of refresh tokens.
//!
//! They are long and random, so a plain digest of them tells nothing; passwords, which people choose, need more
//! ([`crate::password`]).

use std::fmt::{self, Write as _};

/// Random bytes of a secret.
pub const RANDOM_BYTES: usize = 48;

/// A secret in clear. It is shown once to whom it is made for, and never written to a store or a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret of an API key: three parts of 32 hexadecimal digits, joined by hyphens (contract 2.2).
    #[must_use]
    pub fn of_client(random: &[u8; RANDOM_BYTES]) -> Self {
        let parts: Vec<String> = random.chunks(16).map(hexadecimal).collect();
        Self(parts.join("-"))
    }

    /// A refresh token: 96 hexadecimal digits.
    #[must_use]
    pub fn of_session(random: &[u8; RANDOM_BYTES]) -> Self {
        Self(hexadecimal(random))
    }

    /// A secret that somebody else chose, or presents.
    #[must_use]
    pub fn given(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for its owner and for its digest.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

/// The digest of a secret, which the store keeps in its place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretDigest(pub [u8; 32]);

impl fmt::Debug for SecretDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretDigest(..)")
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{RANDOM_BYTES, Secret};

    #[test]
    fn a_clients_secret_has_the_form_by_which_clients_tell_it_from_a_password() {
        let secret =
            Secret::of_client(&std::array::from_fn::<u8, RANDOM_BYTES, _>(|index| u8::try_from(index).unwrap()));
        let parts: Vec<&str> = secret.reveal().split('-').collect();
        assert_eq!(secret.reveal().len(), 98);
        assert_eq!(parts.len(), 3);
        assert_eq!(parts[1], "101112131415161718191a1b1c1d1e1f");
        assert_eq!(format!("{secret:?}"), "Secret(..)");
    }
}
