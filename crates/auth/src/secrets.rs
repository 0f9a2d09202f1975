//! Secrets from the operating system's randomness.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use guildhall_domain::ports::{Secrets, SecretsError};
use guildhall_domain::secret::{RANDOM_BYTES, SecretDigest};

use crate::generated::NoRandomness;

/// Secrets from the operating system's randomness, kept as SHA-256.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomSecrets;

impl Secrets for RandomSecrets {
    fn random(&self) -> Result<[u8; RANDOM_BYTES], SecretsError> {
        let mut bytes = [0; RANDOM_BYTES];
        rand::fill(&mut bytes).map_err(|_| SecretsError(Box::new(NoRandomness)))?;
        Ok(bytes)
    }

    fn digest(&self, secret: &str) -> SecretDigest {
        SecretDigest(sha256(secret.as_bytes()))
    }
}

/// FIPS 180-4, section 6.2.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    <[u8; 32]>::try_from(digest(&SHA256, bytes).as_ref()).unwrap_or_default()
}
