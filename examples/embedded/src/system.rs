//! The other ports: time, ids, passwords and secrets.

use std::time::{SystemTime, UNIX_EPOCH};

use guildhall_domain::password::{Password, PasswordHash};
use guildhall_domain::ports::{Clock, Ids, Passwords, PasswordsError, Secrets, SecretsError};
use guildhall_domain::secret::{RANDOM_BYTES, SecretDigest};
use guildhall_domain::time::Timestamp;
use uuid::Uuid;

/// The clock of the machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the rest of the program takes the time from this port")]
    fn now(&self) -> Timestamp {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_milliseconds(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Ids that sort by the time of their creation (RFC 9562, section 5.7).
#[derive(Clone, Copy, Debug)]
pub struct UuidV7;

impl Ids for UuidV7 {
    #[expect(clippy::disallowed_methods, reason = "the rest of the program takes its ids from this port")]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// Keeps no passwords, because the users of this program do not sign in to it: no password matches the hash that is stored. A
/// program with a sign-in uses a password hash function such as Argon2 here.
#[derive(Clone, Copy, Debug)]
pub struct NoPasswords;

impl Passwords for NoPasswords {
    fn hash(&self, _: &Password) -> Result<PasswordHash, PasswordsError> {
        Ok(PasswordHash("*".to_owned()))
    }

    fn verify(&self, _: &Password, _: &PasswordHash) -> Result<bool, PasswordsError> {
        Ok(false)
    }

    fn is_outdated(&self, _: &PasswordHash) -> bool {
        false
    }
}

/// Random bytes of the operating system, and digests by BLAKE3.
#[derive(Clone, Debug)]
pub struct SystemSecrets {
    key: [u8; 32],
}

impl SystemSecrets {
    /// Secrets with this key for keyed digests. Digests made with different keys cannot be compared, so a program that signs
    /// users in keeps its key in its configuration, outside the store.
    pub fn with_key(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// Secrets with a random key, for a program that needs no keyed digest of an earlier run.
    pub fn with_random_key() -> Result<Self, SecretsError> {
        let mut key = [0; 32];
        fill(&mut key)?;
        Ok(Self::with_key(key))
    }
}

impl Secrets for SystemSecrets {
    fn random(&self) -> Result<[u8; RANDOM_BYTES], SecretsError> {
        let mut bytes = [0; RANDOM_BYTES];
        fill(&mut bytes)?;
        Ok(bytes)
    }

    fn digest(&self, secret: &str) -> SecretDigest {
        SecretDigest(blake3::hash(secret.as_bytes()).into())
    }

    fn keyed_digest(&self, text: &str) -> SecretDigest {
        SecretDigest(blake3::keyed_hash(&self.key, text.as_bytes()).into())
    }
}

fn fill(bytes: &mut [u8]) -> Result<(), SecretsError> {
    getrandom::fill(bytes).map_err(|error| SecretsError(error.into()))
}
