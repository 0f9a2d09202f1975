//! The keys of an outside issuer, as it publishes them (RFC 7517).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use crate::keys::verifying::SHORTEST_RSA_MODULUS;

const RSA: [Algorithm; 6] =
    [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];

/// The keys of an issuer that can verify signatures.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeySet(Vec<ForeignKey>);

/// One of them.
#[derive(Debug)]
pub(crate) struct ForeignKey {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    material: Material,
    pub(crate) decoding: DecodingKey,
}

/// What was found for a token.
#[derive(Debug)]
pub(crate) enum Sought<'a> {
    /// The key it must be signed with.
    Found(&'a ForeignKey),
    /// The key it names is for other algorithms.
    OtherAlgorithm,
    /// It names none, and there is not just one.
    Several,
    /// The key it names is not known.
    Missing,
}

/// RFC 7517, section 5.
#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

/// RFC 7517, section 4.
#[derive(Deserialize)]
struct Jwk {
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    #[serde(flatten)]
    material: Material,
}

/// What a key is made of, by its type: RFC 7518, sections 6.2.1 and 6.3.1, and RFC 8037, section 2.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kty")]
enum Material {
    #[serde(rename = "RSA")]
    Rsa { n: String, e: String },
    #[serde(rename = "EC")]
    Ec { crv: String, x: String, y: String },
    #[serde(rename = "OKP")]
    Okp { crv: String, x: String },
}

impl KeySet {
    /// The keys in a document. Those that are for something else, or that nobody here understands, are left out (RFC 7517,
    /// section 5).
    pub(crate) fn parse(document: &[u8]) -> Result<Self, serde_json::Error> {
        let Published { keys } = serde_json::from_slice(document)?;
        Ok(Self(keys.into_iter().filter_map(ForeignKey::read).collect()))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The key for a token with this `kid` and `alg`.
    pub(crate) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Sought<'_> {
        let named = || self.0.iter().filter(|key| id.is_none() || key.id.as_deref() == id);
        if id.is_none() && self.0.len() > 1 {
            return Sought::Several;
        }
        match named().find(|key| key.algorithms.contains(&algorithm)) {
            Some(key) => Sought::Found(key),
            None if named().next().is_some() => Sought::OtherAlgorithm,
            None => Sought::Missing,
        }
    }
}

impl ForeignKey {
    fn read(value: Value) -> Option<Self> {
        let Jwk { kid: id, purpose, key_ops, alg, material } = serde_json::from_value(value).ok()?;
        if purpose.is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        if key_ops.is_some_and(|uses| uses.iter().all(|name| name != "verify")) {
            return None;
        }
        let (decoding, fitting) = material.read()?;
        let algorithms = match alg {
            None => fitting,
            Some(name) => {
                fitting.into_iter().filter(|fit| name.parse().is_ok_and(|named: Algorithm| named == *fit)).collect()
            }
        };
        (!algorithms.is_empty()).then_some(Self { id, algorithms, material, decoding })
    }
}

impl PartialEq for ForeignKey {
    fn eq(&self, other: &Self) -> bool {
        (&self.id, &self.algorithms, &self.material) == (&other.id, &other.algorithms, &other.material)
    }
}

impl Eq for ForeignKey {}

impl Material {
    /// The key, and the algorithms that fit it.
    fn read(&self) -> Option<(DecodingKey, Vec<Algorithm>)> {
        match self {
            Self::Rsa { n, e } => {
                let (n, e) = (bytes(n)?, bytes(e)?);
                let length = n.iter().skip_while(|byte| **byte == 0).count();
                let key = DecodingKey::from_rsa_raw_components(&n, &e);
                (length >= SHORTEST_RSA_MODULUS).then(|| (key, RSA.to_vec()))
            }
            Self::Ec { crv, x, y } => {
                let (length, algorithm) = match crv.as_str() {
                    "P-256" => (32, Algorithm::ES256),
                    "P-384" => (48, Algorithm::ES384),
                    _ => return None,
                };
                let (x, y) = (bytes(x)?, bytes(y)?);
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                (x.len() == length && y.len() == length).then(|| (DecodingKey::from_ec_der(&point), vec![algorithm]))
            }
            Self::Okp { crv, x } => {
                let x = bytes(x)?;
                let is_known = crv == "Ed25519" && x.len() == 32;
                is_known.then(|| (DecodingKey::from_ed_der(&x), vec![Algorithm::EdDSA]))
            }
        }
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
