//! The keys of this service: the one that signs, and those that still verify.

use guildhall_domain::ports::PublicKey;
use pem::Pem;

use crate::keys::pem::{self as pem_text, PRIVATE_KEY, PUBLIC_KEY};
use crate::keys::signing::{KeyError, SigningKey};
use crate::keys::verifying::VerifyingKey;

/// The key that signs tokens, and retired ones that verify what they have signed. Keys change without anybody signing in anew
/// when the old one stays until its last token has expired.
#[derive(Clone, Debug)]
pub struct KeyRing {
    pub(crate) signing: SigningKey,
    pub(crate) retired: Vec<VerifyingKey>,
}

impl KeyRing {
    /// A ring of one key.
    #[must_use]
    pub fn new(signing: SigningKey) -> Self {
        Self { signing, retired: Vec::new() }
    }

    /// The keys in `text`, in PEM: the first private key (PKCS#8) signs; other private keys, and public ones (SPKI), verify.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let signing = SigningKey::from_pem(text)?;
        let retired = pem_text::blocks(text)?.iter().filter_map(verifying).collect::<Result<Vec<_>, _>>()?;
        Ok(retired.into_iter().fold(Self::new(signing), Self::with))
    }

    /// Secrets for HS256: `current` signs, those of before verify.
    pub fn from_secrets<'a>(current: &str, previous: impl IntoIterator<Item = &'a str>) -> Result<Self, KeyError> {
        previous.into_iter().try_fold(Self::new(SigningKey::from_secret(current)?), Self::with_retired_secret)
    }

    fn with_retired_secret(self, secret: &str) -> Result<Self, KeyError> {
        Ok(self.with_retired(SigningKey::from_secret(secret)?))
    }

    /// The same, and `retired` verifies too.
    #[must_use]
    pub fn with_retired(self, retired: SigningKey) -> Self {
        self.with(retired.verifying)
    }

    fn with(mut self, retired: VerifyingKey) -> Self {
        if self.find(Some(&retired.id)).is_none() {
            self.retired.push(retired);
        }
        self
    }

    /// The ids of all keys, the signing one first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.all().map(|key| key.id.as_str())
    }

    /// The key that a token names. One that names none is verified where there is only one key.
    pub(crate) fn find(&self, id: Option<&str>) -> Option<&VerifyingKey> {
        match id {
            Some(id) => self.all().find(|key| key.id == id),
            None => self.retired.is_empty().then_some(&self.signing.verifying),
        }
    }

    /// All keys that are no secrets, the signing one first.
    pub(crate) fn public_keys(&self) -> Vec<PublicKey> {
        self.all().filter_map(VerifyingKey::public_key).collect()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &VerifyingKey> {
        std::iter::once(&self.signing.verifying).chain(&self.retired)
    }
}

/// The key in a block, if it is one.
fn verifying(block: &Pem) -> Option<Result<VerifyingKey, KeyError>> {
    match block.tag() {
        PRIVATE_KEY => Some(SigningKey::from_block(block).map(|key| key.verifying)),
        PUBLIC_KEY => Some(VerifyingKey::from_spki(block.contents()).ok_or(KeyError::Unsupported)),
        _ => None,
    }
}
