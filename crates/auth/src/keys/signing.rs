//! Keys that sign tokens.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use jsonwebtoken::EncodingKey;
use pem::Pem;

use super::error::KeyError;
use super::limits::{MIN_HS256_SECRET_BYTES, MIN_RSA_MODULUS_BYTES};
use super::pem::{PRIVATE_KEY, encode_block, parse_blocks};
use super::verifying::VerifyingKey;
use crate::seal::SealKey;

/// A key that signs tokens, always with the same algorithm (RFC 8725, section 3.1).
#[derive(Clone, Debug)]
pub struct SigningKey {
    pub(crate) encoding: EncodingKey,
    pub(crate) verifying: VerifyingKey,
    /// The HMAC key of [`RandomSecrets`](crate::RandomSecrets), derived from the private key or secret.
    pub(crate) digest_key: hmac::Key,
    /// The key that seals, derived in the same way.
    pub(crate) seal_key: SealKey,
}

impl SigningKey {
    /// Reads the first private key (PKCS#8) of a PEM text. Its kind decides the algorithm: `EdDSA` for Ed25519, ES256 for P-256,
    /// RS256 for RSA.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let blocks = parse_blocks(text)?;
        let Some(private) = blocks.iter().find(|block| block.tag() == PRIVATE_KEY) else {
            return Err(blocks.first().map_or(KeyError::NotPem, |block| KeyError::NotPkcs8(block.tag().to_owned())));
        };
        Self::from_block(private)
    }

    /// Reads a PEM block that holds a private key.
    pub(crate) fn from_block(private: &Pem) -> Result<Self, KeyError> {
        ed25519(private.contents())
            .or_else(|| p256(private.contents()))
            .or_else(|| rsa(private))
            .ok_or(KeyError::Unsupported)
    }

    /// A secret for HS256, shared with every other issuer of this service's tokens.
    pub(crate) fn from_secret(secret: &str) -> Result<Self, KeyError> {
        let secret = secret.as_bytes();
        if secret.len() < MIN_HS256_SECRET_BYTES {
            return Err(KeyError::SecretTooShort(secret.len()));
        }
        Ok(Self {
            encoding: EncodingKey::from_secret(secret),
            verifying: VerifyingKey::from_secret(secret),
            digest_key: derive_digest_key(secret),
            seal_key: SealKey::derived_from(secret),
        })
    }

    /// Generates an Ed25519 key, as PEM text (PKCS#8).
    pub fn generate_pem() -> Result<String, KeyError> {
        // Version 1 of PKCS#8, because OpenSSL does not read version 2 of an Ed25519 key.
        let document =
            Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1()).map_err(|_| KeyError::NotGenerated)?;
        Ok(encode_block(PRIVATE_KEY, document.as_ref()))
    }

    /// The key's `kid` in token headers. It is derived from the key and never changes.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.verifying.id
    }
}

fn ed25519(pkcs8: &[u8]) -> Option<SigningKey> {
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8).ok()?;
    let verifying = verifying_key(pair.public_key())?;
    Some(SigningKey {
        encoding: EncodingKey::from_ed_der(pkcs8),
        verifying,
        digest_key: derive_digest_key(pkcs8),
        seal_key: SealKey::derived_from(pkcs8),
    })
}

fn p256(pkcs8: &[u8]) -> Option<SigningKey> {
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).ok()?;
    let verifying = verifying_key(pair.public_key())?;
    Some(SigningKey {
        encoding: EncodingKey::from_ec_der(pkcs8),
        verifying,
        digest_key: derive_digest_key(pkcs8),
        seal_key: SealKey::derived_from(pkcs8),
    })
}

fn rsa(private: &Pem) -> Option<SigningKey> {
    let pair = RsaKeyPair::from_pkcs8(private.contents()).ok()?;
    if pair.public_modulus_len() < MIN_RSA_MODULUS_BYTES {
        return None;
    }
    // `EncodingKey::from_rsa_der` expects PKCS#1; only the constructor from PEM reads PKCS#8.
    let encoding = EncodingKey::from_rsa_pem(pem::encode(private).as_bytes()).ok()?;
    let verifying = verifying_key(pair.public_key())?;
    Some(SigningKey {
        encoding,
        verifying,
        digest_key: derive_digest_key(private.contents()),
        seal_key: SealKey::derived_from(private.contents()),
    })
}

fn verifying_key<'a>(public: &impl AsDer<PublicKeyX509Der<'a>>) -> Option<VerifyingKey> {
    VerifyingKey::from_spki(public.as_der().ok()?.as_ref())
}

/// Derives the key of keyed digests from a private key or secret.
fn derive_digest_key(secret: &[u8]) -> hmac::Key {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), b"guildhall keyed digests");
    hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref())
}
