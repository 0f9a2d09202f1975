//! Keys that verify tokens.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use guildhall_domain::ports::PublicKey;
use jsonwebtoken::{Algorithm, DecodingKey};

/// The shortest RSA modulus, in bytes (RFC 7518, section 3.3: 2,048 bits).
pub(crate) const SHORTEST_RSA_MODULUS: usize = 256;

/// A key that verifies tokens, and the one algorithm it is used with, which no token can change (RFC 8725, section 3.1).
#[derive(Clone, Debug)]
pub(crate) struct VerifyingKey {
    pub(crate) id: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) decoding: DecodingKey,
    pub(crate) published: Option<Published>,
}

/// What anybody may know of a key. A shared secret has nothing of the kind.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    /// The public key as `SubjectPublicKeyInfo` (RFC 5280, section 4.1.2.7).
    pub(crate) spki: Vec<u8>,
    algorithm: &'static str,
    parameters: Vec<(&'static str, String)>,
}

impl VerifyingKey {
    /// The public key in `spki`, if it is one that this service could sign with.
    pub(crate) fn from_spki(spki: &[u8]) -> Option<Self> {
        ed25519(spki).or_else(|| p256(spki)).or_else(|| rsa(spki))
    }

    /// The key as it is published (RFC 7517, section 4).
    pub(crate) fn public_key(&self) -> Option<PublicKey> {
        let published = self.published.as_ref()?;
        let (algorithm, parameters) = (published.algorithm, published.parameters.clone());
        Some(PublicKey { id: self.id.clone(), algorithm, parameters })
    }
}

/// RFC 8037, section 2.
fn ed25519(spki: &[u8]) -> Option<VerifyingKey> {
    let spki = ParsedPublicKey::new(&ED25519, spki).ok()?.as_der().ok()?;
    let x: &[u8; 32] = spki.as_ref().last_chunk()?;
    let parameters = vec![("kty", "OKP".to_owned()), ("crv", "Ed25519".to_owned()), ("x", base64url(x))];
    let published = Published { spki: spki.as_ref().to_vec(), algorithm: "EdDSA", parameters };
    Some(public(Algorithm::EdDSA, DecodingKey::from_ed_der(x), published))
}

/// RFC 7518, section 6.2.1.
fn p256(spki: &[u8]) -> Option<VerifyingKey> {
    let spki = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, spki).ok()?.as_der().ok()?;
    let point: &[u8; 65] = spki.as_ref().last_chunk()?;
    let (form, coordinates) = point.split_first()?;
    let (x, y) = coordinates.split_at_checked(32)?;
    // Any other form is a compressed point.
    if *form != 4 {
        return None;
    }
    let parameters =
        vec![("kty", "EC".to_owned()), ("crv", "P-256".to_owned()), ("x", base64url(x)), ("y", base64url(y))];
    let published = Published { spki: spki.as_ref().to_vec(), algorithm: "ES256", parameters };
    Some(public(Algorithm::ES256, DecodingKey::from_ec_der(point), published))
}

/// RFC 7518, section 6.3.1.
fn rsa(spki: &[u8]) -> Option<VerifyingKey> {
    let key = rsa::PublicKey::from_der(spki).ok()?;
    if key.modulus_len() < SHORTEST_RSA_MODULUS {
        return None;
    }
    let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(&key);
    let parameters = vec![("kty", "RSA".to_owned()), ("n", base64url(&n)), ("e", base64url(&e))];
    let published = Published { spki: key.as_der().ok()?.as_ref().to_vec(), algorithm: "RS256", parameters };
    Some(public(Algorithm::RS256, DecodingKey::from_rsa_der(key.as_ref()), published))
}

fn public(algorithm: Algorithm, decoding: DecodingKey, published: Published) -> VerifyingKey {
    let id = base64url(digest(&SHA256, &published.spki).as_ref());
    VerifyingKey { id, algorithm, decoding, published: Some(published) }
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
