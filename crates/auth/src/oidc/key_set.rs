//! An external issuer's key set (JWKS, RFC 7517).

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind};
use serde::Deserialize;
use serde_json::Value;

use crate::keys::limits::MIN_RSA_MODULUS_BYTES;

/// The members of a JWK about its certificate (RFC 7517, sections 4.6 to 4.9).
const CERTIFICATE_MEMBERS: [&str; 4] = ["x5u", "x5c", "x5t", "x5t#S256"];

/// The keys of an issuer that can verify signatures.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct IssuerKeySet(Vec<IssuerKey>);

/// A key of an issuer, and the algorithms it may be used with.
#[derive(Debug)]
pub(crate) struct IssuerKey {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    parameters: AlgorithmParameters,
    pub(crate) decoding: DecodingKey,
}

/// The result of looking for a token's key.
#[derive(Debug)]
pub(crate) enum KeyLookup<'a> {
    /// The key that must have signed the token.
    Found(&'a IssuerKey),
    /// The token's key is for other algorithms.
    OtherAlgorithm,
    /// The token has no `kid`, and there are several keys.
    Ambiguous,
    /// There is no such key.
    Missing,
}

/// RFC 7517, section 5.
///
/// This is not `jsonwebtoken::jwk::JwkSet`, because one malformed key would make all of that unreadable.
#[derive(Deserialize)]
struct KeySetDocument {
    keys: Vec<Value>,
}

impl IssuerKeySet {
    /// Parses a key set. Skips keys that are malformed, not supported, or not for signatures (RFC 7517, section 5).
    pub(crate) fn parse(document: &[u8]) -> Result<Self, serde_json::Error> {
        let KeySetDocument { keys } = serde_json::from_slice(document)?;
        Ok(Self(keys.into_iter().filter_map(IssuerKey::parse).collect()))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Looks for the key for a token with this `kid` and `alg`. A token without a `kid` is verified only if there is a single
    /// key.
    pub(crate) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> KeyLookup<'_> {
        let candidates = || self.0.iter().filter(|key| id.is_none() || key.id.as_deref() == id);
        if id.is_none() && self.0.len() > 1 {
            return KeyLookup::Ambiguous;
        }
        match candidates().find(|key| key.algorithms.contains(&algorithm)) {
            Some(key) => KeyLookup::Found(key),
            None if candidates().next().is_some() => KeyLookup::OtherAlgorithm,
            None => KeyLookup::Missing,
        }
    }
}

impl IssuerKey {
    fn parse(mut value: Value) -> Option<Self> {
        let members = value.as_object_mut()?;
        // Certificates are not used, so a malformed one is no reason to skip the key.
        for name in CERTIFICATE_MEMBERS {
            members.remove(name);
        }
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        if jwk.common.public_key_use.as_ref().is_some_and(|usage| *usage != PublicKeyUse::Signature) {
            return None;
        }
        if jwk.common.key_operations.as_ref().is_some_and(|names| !names.contains(&KeyOperations::Verify)) {
            return None;
        }
        let decoding = DecodingKey::from_jwk(&jwk).ok()?;
        let mut algorithms = supported_algorithms(&jwk.algorithm, &decoding)?;
        if let Some(only) = jwk.common.key_algorithm {
            algorithms.retain(|algorithm| KeyAlgorithm::from(*algorithm) == only);
        }
        let (id, parameters) = (jwk.common.key_id, jwk.algorithm);
        (!algorithms.is_empty()).then_some(Self { id, algorithms, parameters, decoding })
    }
}

impl PartialEq for IssuerKey {
    fn eq(&self, other: &Self) -> bool {
        (&self.id, &self.algorithms, &self.parameters) == (&other.id, &other.algorithms, &other.parameters)
    }
}

impl Eq for IssuerKey {}

/// The algorithms that the kind and size of a key allow; `None` if the key is not supported. `DecodingKey::from_jwk` checks
/// neither sizes nor curves, and accepts shared secrets.
fn supported_algorithms(parameters: &AlgorithmParameters, decoding: &DecodingKey) -> Option<Vec<Algorithm>> {
    match (parameters, decoding.kind()) {
        (AlgorithmParameters::RSA(_), DecodingKeyKind::RsaModulusExponent { n, .. }) => {
            let length = n.iter().skip_while(|byte| **byte == 0).count();
            (length >= MIN_RSA_MODULUS_BYTES).then(|| AlgorithmFamily::Rsa.algorithms().to_vec())
        }
        (AlgorithmParameters::EllipticCurve(key), DecodingKeyKind::SecretOrDer(point)) => {
            let (length, algorithm) = match key.curve {
                EllipticCurve::P256 => (32, Algorithm::ES256),
                EllipticCurve::P384 => (48, Algorithm::ES384),
                _ => return None,
            };
            // The point is a byte 4 and both coordinates, which have the same length.
            (point.len() == 1 + 2 * length && key.x.len() == key.y.len()).then(|| vec![algorithm])
        }
        (AlgorithmParameters::OctetKeyPair(key), DecodingKeyKind::SecretOrDer(point)) => {
            (key.curve == EllipticCurve::Ed25519 && point.len() == 32).then(|| vec![Algorithm::EdDSA])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::IssuerKeySet;

    #[test]
    fn a_malformed_certificate_is_no_reason_to_skip_a_key() {
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": "A".repeat(43) });
        for (name, value) in
            [("x5c", json!("MIIB")), ("x5u", json!(1)), ("x5t", json!(["a"])), ("x5t#S256", json!({ "a": 1 }))]
        {
            let mut key = key.clone();
            key[name] = value;
            let document = json!({ "keys": [key] }).to_string();
            assert_eq!(IssuerKeySet::parse(document.as_bytes()).unwrap().len(), 1, "{document}");
        }
    }

    #[test]
    fn a_key_of_another_size_than_its_curve_or_of_another_curve_than_its_type_is_skipped() {
        let text = |length: usize| "A".repeat(length);
        for key in [
            json!({ "kty": "EC", "crv": "P-256", "x": text(42), "y": text(44) }),
            json!({ "kty": "EC", "crv": "P-256", "x": text(64), "y": text(64) }),
            json!({ "kty": "EC", "crv": "Ed25519", "x": text(43), "y": text(43) }),
            json!({ "kty": "OKP", "crv": "P-256", "x": text(43) }),
            json!({ "kty": "OKP", "crv": "Ed25519", "x": text(44) }),
            json!({ "kty": "RSA", "n": "_".repeat(340), "e": "AQAB" }),
        ] {
            let document = json!({ "keys": [key] }).to_string();
            assert_eq!(IssuerKeySet::parse(document.as_bytes()).unwrap().len(), 0, "{document}");
        }
    }
}
