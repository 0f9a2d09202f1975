//! Secrets from the operating system's randomness, and digests.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand;
use guildhall_domain::ports::{Secrets, SecretsError};
use guildhall_domain::secret::{RANDOM_BYTES, SecretDigest};

use crate::keys::set::KeyRing;
use crate::random::NoRandomness;

/// Secrets from the operating system's randomness, kept as SHA-256. What could be guessed is kept as HMAC-SHA-256.
#[derive(Clone, Debug)]
pub struct RandomSecrets {
    key: hmac::Key,
}

impl RandomSecrets {
    /// Keyed digests are made with a key derived from the key that signs tokens. After that one has changed, they are others.
    #[must_use]
    pub fn keyed_by(keys: &KeyRing) -> Self {
        Self { key: keys.signing.digests.clone() }
    }

    /// Keyed digests are made with a key that nobody else has: for programs that keep none.
    pub fn with_random_key() -> Result<Self, NoRandomness> {
        let mut key = [0; 32];
        rand::fill(&mut key).map_err(|_| NoRandomness)?;
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key) })
    }
}

impl Secrets for RandomSecrets {
    fn random(&self) -> Result<[u8; RANDOM_BYTES], SecretsError> {
        let mut bytes = [0; RANDOM_BYTES];
        rand::fill(&mut bytes).map_err(|_| SecretsError(Box::new(NoRandomness)))?;
        Ok(bytes)
    }

    fn digest(&self, secret: &str) -> SecretDigest {
        SecretDigest(sha256(secret.as_bytes()))
    }

    fn keyed_digest(&self, text: &str) -> SecretDigest {
        let tag = hmac::sign(&self.key, text.as_bytes());
        SecretDigest(<[u8; 32]>::try_from(tag.as_ref()).unwrap_or_default())
    }
}

/// The key of keyed digests, from the secret part of a key that signs tokens.
pub(crate) fn digest_key(signing: &[u8]) -> hmac::Key {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, signing), b"guildhall keyed digests");
    hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref())
}

/// FIPS 180-4, section 6.2.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    <[u8; 32]>::try_from(digest(&SHA256, bytes).as_ref()).unwrap_or_default()
}
