//! Which keys verify tokens, and which of them are published.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect, in its helpers too")]

use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use guildhall_auth::{JwtTokens, KeyError, KeySet, SigningKey, TokenSettings};
use guildhall_domain::ports::{Clock, PublicKey, Tokens};
use guildhall_domain::time::Timestamp;

struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(0)
    }
}

/// A key of each kind, with both halves.
struct Keys {
    ed25519: Ed25519KeyPair,
    p256: EcdsaKeyPair,
    rsa: RsaKeyPair,
}

impl Keys {
    fn new() -> Self {
        Self {
            ed25519: Ed25519KeyPair::generate().unwrap(),
            p256: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
        }
    }

    fn private(&self) -> [String; 3] {
        let rsa: Pkcs8V1Der<'_> = self.rsa.as_der().unwrap();
        let (ed25519, p256) = (self.ed25519.to_pkcs8v1().unwrap(), self.p256.to_pkcs8v1().unwrap());
        [ed25519.as_ref(), p256.as_ref(), rsa.as_ref()].map(|der| pem_of("PRIVATE KEY", der))
    }

    fn public(&self) -> [String; 3] {
        [public(self.ed25519.public_key()), public(self.p256.public_key()), public(self.rsa.public_key())]
    }
}

fn pem_of(tag: &str, der: &[u8]) -> String {
    pem::encode(&pem::Pem::new(tag, der))
}

fn public<'a>(key: &impl AsDer<PublicKeyX509Der<'a>>) -> String {
    pem_of("PUBLIC KEY", key.as_der().unwrap().as_ref())
}

fn published(keys: KeySet) -> Vec<PublicKey> {
    let settings = TokenSettings { issuer: "issuer".to_owned(), audience: "audience".to_owned(), lifetime: 3600 };
    JwtTokens::new(settings, keys, Arc::new(Epoch)).public_keys()
}

fn id(private: &str) -> String {
    SigningKey::from_pem(private).unwrap().id().to_owned()
}

#[test]
fn public_keys_are_published_in_the_terms_of_their_kind_and_secrets_are_not() {
    let keys = Keys::new();
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (x, y) = keys.p256.public_key().as_ref()[1..].split_at(32);
    let (n, e) = (keys.rsa.public_key().modulus(), keys.rsa.public_key().exponent());
    let parameters = [
        (
            "EdDSA",
            vec![
                ("kty", "OKP".to_owned()),
                ("crv", "Ed25519".to_owned()),
                ("x", text(keys.ed25519.public_key().as_ref())),
            ],
        ),
        ("ES256", vec![("kty", "EC".to_owned()), ("crv", "P-256".to_owned()), ("x", text(x)), ("y", text(y))]),
        (
            "RS256",
            vec![
                ("kty", "RSA".to_owned()),
                ("n", text(n.big_endian_without_leading_zero())),
                ("e", text(e.big_endian_without_leading_zero())),
            ],
        ),
    ];
    let expected: Vec<_> = keys
        .private()
        .iter()
        .zip(parameters)
        .map(|(pem, (algorithm, parameters))| PublicKey { id: id(pem), algorithm, parameters })
        .collect();
    assert_eq!(published(KeySet::from_pem(&keys.private().concat()).unwrap()), expected);
    assert_eq!(published(KeySet::from_secrets(&"s".repeat(32), []).unwrap()), []);
    let [ed25519, ..] = keys.private();
    let [_, p256, rsa] = keys.public();
    let key_set = KeySet::from_pem(&[ed25519, p256, rsa].concat()).unwrap();
    assert_eq!(published(key_set), expected, "a public key is published like its private key");
}

#[test]
fn the_first_private_key_signs_and_every_other_key_verifies() {
    let keys = Keys::new();
    let (private, public) = (keys.private(), keys.public());
    let [a, b, c] = private.each_ref().map(|pem| id(pem));
    for (text, expected) in [
        (private[0].clone(), vec![&a]),
        (private.concat(), vec![&a, &b, &c]),
        ([public[0].as_str(), &private[1], &public[2]].concat(), vec![&b, &a, &c]),
        ([private[0].as_str(), &public[0], &private[0]].concat(), vec![&a]),
        (["a comment\n", &private[2], &pem_of("CERTIFICATE", b"anything")].concat(), vec![&c]),
    ] {
        assert_eq!(KeySet::from_pem(&text).unwrap().ids().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_key_set_with_something_that_is_no_key_is_refused() {
    let keys = Keys::new();
    let [a, b, _] = keys.private();
    let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    for (text, expected) in [
        (keys.public().concat(), KeyError::NotPkcs8("PUBLIC KEY".to_owned())),
        (format!("{a}{}", self::public(p384.public_key())), KeyError::Unsupported),
        (format!("{a}{}", pem_of("PUBLIC KEY", b"anything")), KeyError::Unsupported),
        (format!("{a}{}", include_str!("rsa_1024.pem")), KeyError::Unsupported),
        (format!("{a}{}", &b[..b.len() / 2]), KeyError::CutOff),
        (a[..a.len() - 20].to_owned(), KeyError::CutOff),
    ] {
        assert_eq!(KeySet::from_pem(&text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn the_id_of_a_key_never_changes() {
    // Computed with OpenSSL: the SHA-256 of the SubjectPublicKeyInfo, and the start of an HMAC.
    let expected = [
        "BuP9j9opu2CrWVV95h7bCuzbIxE0vjDnW0Vfjht5L6k",
        "FWajELqoXQYCgH_heFnNzkbhrkDJPCmyqmYE9xc3RLw",
        "f2kqPiWiQguMYU9BFjRQv_ZwOimCsqfq2EY6gMDZYMY",
    ];
    assert_eq!(KeySet::from_pem(include_str!("key_ids.pem")).unwrap().ids().collect::<Vec<_>>(), expected);
    let secret = KeySet::from_secrets("a secret of thirty-two bytes....", []).unwrap();
    assert_eq!(secret.ids().collect::<Vec<_>>(), ["H3_AeQLaakbO-B8E07O7Pw"]);
}

#[test]
fn secrets_of_before_still_verify() {
    let secrets = ["a", "b", "c"].map(|letter| letter.repeat(32));
    let id = |secret: &String| KeySet::from_secrets(secret, []).unwrap().ids().next().unwrap().to_owned();
    let key_set = KeySet::from_secrets(&secrets[0], secrets.iter().map(String::as_str)).unwrap();
    assert_eq!(key_set.ids().collect::<Vec<_>>(), secrets.each_ref().map(id));
    assert_eq!(KeySet::from_secrets(&secrets[0], ["short"]).unwrap_err(), KeyError::SecretTooShort(5));
}
