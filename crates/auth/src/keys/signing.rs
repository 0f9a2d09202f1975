//! Keys that sign tokens.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use pem::Pem;

use crate::keys::pem as pem_text;
use crate::keys::verifying::{SHORTEST_RSA_MODULUS, VerifyingKey, base64url};
use crate::secrets::digest_key;

/// A key that signs tokens, and the one algorithm it is used with (RFC 8725, section 3.1).
#[derive(Clone, Debug)]
pub struct SigningKey {
    pub(crate) encoding: EncodingKey,
    pub(crate) verifying: VerifyingKey,
    /// For digests of what could be guessed.
    pub(crate) digests: hmac::Key,
}

/// Why something is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The secret is shorter than the hash it feeds (RFC 7518, section 3.2).
    #[error("a secret for HS256 must have {least} or more bytes, and this one has {0}", least = SigningKey::SHORTEST_SECRET)]
    SecretTooShort(usize),
    /// There is no PEM in the text.
    #[error("there is no private key in PEM form, which starts with -----BEGIN PRIVATE KEY-----")]
    NotPem,
    /// There is PEM in the text, but of something else.
    #[error(
        "{0:?} found where an unencrypted private key in PKCS#8 form belongs, which starts with -----BEGIN PRIVATE KEY-----"
    )]
    NotPkcs8(String),
    /// It is a key, but for no algorithm in use here.
    #[error("a key must be of Ed25519, of ECDSA on P-256, or of RSA with 2048 bits or more")]
    Unsupported,
    /// A key in the text has no end.
    #[error("a key in PEM form is cut off")]
    CutOff,
    /// The operating system did not make a key.
    #[error("no key could be generated")]
    NotGenerated,
}

impl SigningKey {
    /// The fewest bytes of a secret for HS256.
    pub const SHORTEST_SECRET: usize = 32;

    /// The first private key in `text`, in PKCS#8 and PEM. It decides the algorithm: `EdDSA` for Ed25519, ES256 for P-256,
    /// RS256 for RSA.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let found = pem_text::blocks(text)?;
        let Some(private) = found.iter().find(|pem| pem.tag() == pem_text::PRIVATE_KEY) else {
            return Err(found.first().map_or(KeyError::NotPem, |pem| KeyError::NotPkcs8(pem.tag().to_owned())));
        };
        Self::from_block(private)
    }

    /// The private key in a block of PEM.
    pub(crate) fn from_block(private: &Pem) -> Result<Self, KeyError> {
        ed25519(private.contents())
            .or_else(|| p256(private.contents()))
            .or_else(|| rsa(private))
            .ok_or(KeyError::Unsupported)
    }

    /// A secret for HS256, shared with whoever else issues tokens.
    pub fn from_secret(secret: &str) -> Result<Self, KeyError> {
        let secret = secret.as_bytes();
        if secret.len() < Self::SHORTEST_SECRET {
            return Err(KeyError::SecretTooShort(secret.len()));
        }
        // Every token shows its key's id: it is an HMAC, from which nobody finds the secret.
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), b"guildhall key id");
        let verifying = VerifyingKey {
            id: base64url(tag.as_ref().get(..16).unwrap_or_default()),
            algorithm: Algorithm::HS256,
            decoding: DecodingKey::from_secret(secret),
            published: None,
        };
        Ok(Self { encoding: EncodingKey::from_secret(secret), verifying, digests: digest_key(secret) })
    }

    /// A new Ed25519 key, in PKCS#8 and PEM.
    pub fn generate_pem() -> Result<String, KeyError> {
        // Version 1 of PKCS#8, because OpenSSL does not read version 2 of an Ed25519 key.
        let document =
            Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1()).map_err(|_| KeyError::NotGenerated)?;
        Ok(pem_text::block(pem_text::PRIVATE_KEY, document.as_ref()))
    }

    /// What tokens call the key in their `kid` header. It comes from the key and is always the same.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.verifying.id
    }
}

fn ed25519(pkcs8: &[u8]) -> Option<SigningKey> {
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8).ok()?;
    let verifying = public_half(pair.public_key())?;
    Some(SigningKey { encoding: EncodingKey::from_ed_der(pkcs8), verifying, digests: digest_key(pkcs8) })
}

fn p256(pkcs8: &[u8]) -> Option<SigningKey> {
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).ok()?;
    let verifying = public_half(pair.public_key())?;
    Some(SigningKey { encoding: EncodingKey::from_ec_der(pkcs8), verifying, digests: digest_key(pkcs8) })
}

fn rsa(private: &Pem) -> Option<SigningKey> {
    let pair = RsaKeyPair::from_pkcs8(private.contents()).ok()?;
    if pair.public_modulus_len() < SHORTEST_RSA_MODULUS {
        return None;
    }
    // Of the constructors for RSA, this one takes PKCS#8; the one for DER wants PKCS#1.
    let encoding = EncodingKey::from_rsa_pem(pem::encode(private).as_bytes()).ok()?;
    let verifying = public_half(pair.public_key())?;
    Some(SigningKey { encoding, verifying, digests: digest_key(private.contents()) })
}

fn public_half<'a>(public: &impl AsDer<PublicKeyX509Der<'a>>) -> Option<VerifyingKey> {
    VerifyingKey::from_spki(public.as_der().ok()?.as_ref())
}
