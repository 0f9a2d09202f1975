//! Random secrets, and digests of secrets.

use aws_lc_rs::hmac;
use guildhall_domain::ports::{Secrets, SecretsError};
use guildhall_domain::secret::{RANDOM_BYTES, SecretDigest};

use crate::digest::sha256;
use crate::keys::set::KeySet;
use crate::random::{self, NoRandomness};

/// Makes secrets from the operating system's randomness, and digests them with SHA-256. Values that could be guessed are digested
/// with HMAC-SHA-256.
#[derive(Clone, Debug)]
pub struct RandomSecrets {
    key: hmac::Key,
}

impl RandomSecrets {
    /// Derives the key of keyed digests from the key that signs tokens. A new signing key changes all keyed digests.
    #[must_use]
    pub fn keyed_by(keys: &KeySet) -> Self {
        Self { key: keys.signing.digest_key.clone() }
    }

    /// Takes a random key for keyed digests, for programs that store none.
    pub fn with_random_key() -> Result<Self, NoRandomness> {
        let mut key = [0; 32];
        random::fill(&mut key)?;
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key) })
    }
}

impl Secrets for RandomSecrets {
    fn random(&self) -> Result<[u8; RANDOM_BYTES], SecretsError> {
        let mut bytes = [0; RANDOM_BYTES];
        random::fill(&mut bytes).map_err(|error| SecretsError(Box::new(error)))?;
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
