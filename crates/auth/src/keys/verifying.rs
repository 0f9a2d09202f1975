//! Keys that verify this service's own tokens.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use guildhall_domain::ports::PublicKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey};

use super::limits::MIN_RSA_MODULUS_BYTES;
use crate::digest::sha256;

/// How many bytes of an HMAC the `kid` of a shared secret has.
const SECRET_ID_BYTES: usize = 16;

/// A key that verifies tokens, with the one algorithm it is used with. The `alg` of a token never changes it (RFC 8725, section
/// 3.1).
#[derive(Clone, Debug)]
pub(crate) struct VerifyingKey {
    /// The `kid`.
    ///
    /// A public key's is the SHA-256 of its `SubjectPublicKeyInfo`. `Jwk::thumbprint` (RFC 7638) is not used, because it differs:
    /// tokens that name the key by this id would not be verified any more.
    pub(crate) id: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) decoding: DecodingKey,
    /// `None` for a shared secret, which is never published.
    public: Option<PublicPart>,
}

/// The forms of a public key in which it is written to a file and published.
#[derive(Clone, Debug)]
struct PublicPart {
    /// `SubjectPublicKeyInfo` in DER (RFC 5280, section 4.1.2.7).
    spki: Vec<u8>,
    /// The members of the JWK that depend on the kind of key.
    jwk: AlgorithmParameters,
}

impl VerifyingKey {
    /// Reads a `SubjectPublicKeyInfo` in DER. Returns `None` for a kind of key that this service cannot sign with.
    pub(crate) fn from_spki(spki: &[u8]) -> Option<Self> {
        ed25519(spki).or_else(|| p256(spki)).or_else(|| rsa(spki))
    }

    /// A shared secret for HS256.
    pub(crate) fn from_secret(secret: &[u8]) -> Self {
        // The id is in the header of every token. The secret cannot be computed from an HMAC.
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), b"guildhall key id");
        Self {
            id: URL_SAFE_NO_PAD.encode(tag.as_ref().get(..SECRET_ID_BYTES).unwrap_or_default()),
            algorithm: Algorithm::HS256,
            decoding: DecodingKey::from_secret(secret),
            public: None,
        }
    }

    /// The public key as `SubjectPublicKeyInfo` in DER.
    pub(crate) fn spki(&self) -> Option<&[u8]> {
        self.public.as_ref().map(|public| public.spki.as_slice())
    }

    /// The key as it is published in the JWK set (RFC 7517, section 4).
    pub(crate) fn public_key(&self) -> Option<PublicKey> {
        let (algorithm, parameters) = match &self.public.as_ref()?.jwk {
            AlgorithmParameters::OctetKeyPair(key) => {
                ("EdDSA", vec![("kty", "OKP".to_owned()), ("crv", "Ed25519".to_owned()), ("x", key.x.clone())])
            }
            AlgorithmParameters::EllipticCurve(key) => {
                let (kty, crv) = ("EC".to_owned(), "P-256".to_owned());
                ("ES256", vec![("kty", kty), ("crv", crv), ("x", key.x.clone()), ("y", key.y.clone())])
            }
            AlgorithmParameters::RSA(key) => {
                ("RS256", vec![("kty", "RSA".to_owned()), ("n", key.n.clone()), ("e", key.e.clone())])
            }
            // `from_spki` makes no other kinds.
            _ => return None,
        };
        Some(PublicKey { id: self.id.clone(), algorithm, parameters })
    }
}

/// RFC 8037, section 2.
fn ed25519(spki: &[u8]) -> Option<VerifyingKey> {
    let spki = ParsedPublicKey::new(&ED25519, spki).ok()?.as_der().ok()?;
    let key: &[u8; 32] = spki.as_ref().last_chunk()?;
    from_public(Algorithm::EdDSA, DecodingKey::from_ed_der(key), spki.as_ref())
}

/// RFC 7518, section 6.2.1.
fn p256(spki: &[u8]) -> Option<VerifyingKey> {
    let spki = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, spki).ok()?.as_der().ok()?;
    // An uncompressed point. `Jwk::from_decoding_key` refuses any other form.
    let point: &[u8; 65] = spki.as_ref().last_chunk()?;
    from_public(Algorithm::ES256, DecodingKey::from_ec_der(point), spki.as_ref())
}

/// RFC 7518, section 6.3.1.
fn rsa(spki: &[u8]) -> Option<VerifyingKey> {
    let key = rsa::PublicKey::from_der(spki).ok()?;
    if key.modulus_len() < MIN_RSA_MODULUS_BYTES {
        return None;
    }
    from_public(Algorithm::RS256, DecodingKey::from_rsa_der(key.as_ref()), key.as_der().ok()?.as_ref())
}

fn from_public(algorithm: Algorithm, decoding: DecodingKey, spki: &[u8]) -> Option<VerifyingKey> {
    let jwk = Jwk::from_decoding_key(&decoding, Some(algorithm)).ok()?.algorithm;
    let id = URL_SAFE_NO_PAD.encode(sha256(spki));
    Some(VerifyingKey { id, algorithm, decoding, public: Some(PublicPart { spki: spki.to_vec(), jwk }) })
}
