//! The key set of this service: the key that signs, and those that still verify.

use guildhall_domain::ports::PublicKey;
use pem::Pem;

use super::error::KeyError;
use super::pem::{PRIVATE_KEY, PUBLIC_KEY, parse_blocks};
use super::signing::SigningKey;
use super::verifying::VerifyingKey;
use crate::seal::SealKey;

/// The key that signs tokens, and retired keys that only verify. Users stay signed in across a change of keys if the old key is
/// retired until the last token that it signed has expired.
#[derive(Clone, Debug)]
pub struct KeySet {
    pub(crate) signing: SigningKey,
    pub(crate) retired: Vec<VerifyingKey>,
    /// Those of private keys and secrets that are retired: what was sealed with them is still opened.
    retired_seals: Vec<SealKey>,
}

impl KeySet {
    /// Reads the keys of a PEM text: the first private key (PKCS#8) signs; other private keys, and public ones
    /// (`SubjectPublicKeyInfo`), verify.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let signing = SigningKey::from_pem(text)?;
        let retired = parse_blocks(text)?.iter().filter_map(verifying_key).collect::<Result<Vec<_>, _>>()?;
        let keys = retired.into_iter().fold(Self::new(signing), Self::with_retired);
        let retired_seals = parse_blocks(text)?.into_iter().filter(|block| block.tag() == PRIVATE_KEY).skip(1);
        let retired_seals = retired_seals.map(|block| SigningKey::from_block(&block).map(|key| key.seal_key));
        Ok(Self { retired_seals: retired_seals.collect::<Result<_, _>>()?, ..keys })
    }

    /// Secrets for HS256: `current` signs, the `previous` ones verify.
    pub fn from_secrets<'a>(current: &str, previous: impl IntoIterator<Item = &'a str>) -> Result<Self, KeyError> {
        previous.into_iter().try_fold(Self::new(SigningKey::from_secret(current)?), |mut keys, secret| {
            let SigningKey { verifying, seal_key, .. } = SigningKey::from_secret(secret)?;
            keys.retired_seals.push(seal_key);
            Ok(keys.with_retired(verifying))
        })
    }

    /// The ids (`kid`) of all keys, the signing key's first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.all().map(|key| key.id.as_str())
    }

    /// The id (`kid`) of the key that signs.
    pub fn signing_id(&self) -> &str {
        self.signing.id()
    }

    pub(crate) fn new(signing: SigningKey) -> Self {
        Self { signing, retired: Vec::new(), retired_seals: Vec::new() }
    }

    /// Adds a retired key, unless it is in the set already.
    pub(crate) fn with_retired(mut self, retired: VerifyingKey) -> Self {
        if self.find(Some(&retired.id)).is_none() {
            self.retired.push(retired);
        }
        self
    }

    /// The key for a token with this `kid`. A token without one is verified only if the set has a single key.
    pub(crate) fn find(&self, id: Option<&str>) -> Option<&VerifyingKey> {
        match id {
            Some(id) => self.all().find(|key| key.id == id),
            None => self.retired.is_empty().then_some(&self.signing.verifying),
        }
    }

    /// What was sealed for `binding` by the key that signs, or by one that is retired.
    pub(crate) fn open(&self, sealed: &[u8], binding: &[u8]) -> Option<Vec<u8>> {
        std::iter::once(&self.signing.seal_key).chain(&self.retired_seals).find_map(|key| key.open(sealed, binding))
    }

    /// All public keys, the signing key's first. Shared secrets have none.
    pub(crate) fn public_keys(&self) -> Vec<PublicKey> {
        self.all().filter_map(VerifyingKey::public_key).collect()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &VerifyingKey> {
        std::iter::once(&self.signing.verifying).chain(&self.retired)
    }
}

/// The key in a PEM block; `None` if the block holds something else, such as a certificate.
fn verifying_key(block: &Pem) -> Option<Result<VerifyingKey, KeyError>> {
    match block.tag() {
        PRIVATE_KEY => Some(SigningKey::from_block(block).map(|key| key.verifying)),
        PUBLIC_KEY => Some(VerifyingKey::from_spki(block.contents()).ok_or(KeyError::Unsupported)),
        _ => None,
    }
}
