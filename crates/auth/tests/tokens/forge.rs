//! Tokens that are made without the crate under test.

use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use guildhall_auth::{JwtTokens, KeySet, SigningKey, TokenSettings};
use guildhall_domain::access::{Caller, Scopes};
use guildhall_domain::ports::{Clock, Tokens};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{SecurityStamp, UserId};
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

pub(crate) const NOW: i64 = 1_700_000_000;
pub(crate) const USER: Uuid = uuid!("0192f0c1-2345-7000-8000-000000000001");
pub(crate) const STAMP: Uuid = uuid!("0192f0c1-2345-7000-8000-000000000002");

pub(crate) struct At(i64);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(self.0 * 1000 + 999)
    }
}

/// A key that signs arbitrary headers and claims, and the same key for a service.
pub(crate) struct Pair {
    pub(crate) raw: Ed25519KeyPair,
    pem: String,
    pub(crate) key: SigningKey,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let raw = Ed25519KeyPair::generate().unwrap();
        let pem = pem::encode(&pem::Pem::new("PRIVATE KEY", raw.to_pkcs8v1().unwrap().as_ref()));
        let key = SigningKey::from_pem(&pem).unwrap();
        Self { raw, pem, key }
    }

    pub(crate) fn header(&self) -> Value {
        json!({ "typ": "JWT", "alg": "EdDSA", "kid": self.key.id() })
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.raw.sign(message).as_ref().to_vec()
    }
}

pub(crate) fn settings() -> TokenSettings {
    TokenSettings { issuer: "https://guildhall.test".to_owned(), audience: "guildhall".to_owned(), lifetime: 3600 }
}

/// A service with these keys, of which the first signs.
pub(crate) fn tokens_at(now: i64, keys: &[&Pair]) -> JwtTokens {
    let text: String = keys.iter().map(|pair| pair.pem.as_str()).collect();
    JwtTokens::new(settings(), KeySet::from_pem(&text).unwrap(), Arc::new(At(now)))
}

pub(crate) fn claims() -> Value {
    json!({
        "iss": "https://guildhall.test", "aud": "guildhall", "sub": USER, "stamp": STAMP,
        "iat": NOW, "nbf": NOW, "exp": NOW + 3600, "scope": "openid Security_Administrator",
    })
}

pub(crate) fn claims_with(name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims();
    claims[name] = value.into();
    claims
}

pub(crate) fn claims_without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name).unwrap();
    claims
}

pub(crate) fn forge(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    forge_text(&header.to_string(), &claims.to_string(), sign)
}

pub(crate) fn forge_text(header: &str, claims: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let message = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

pub(crate) fn hs256(secret: &[u8]) -> impl Fn(&[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    move |message| hmac::sign(&key, message).as_ref().to_vec()
}

pub(crate) fn refusal(tokens: &JwtTokens, token: &str) -> String {
    match tokens.verify(token) {
        Ok(bearer) => format!("accepted: {bearer:?}"),
        Err(error) => {
            assert_eq!(error.pending, None, "keys that are in no file are never fetched");
            error.source.to_string()
        }
    }
}

pub(crate) fn caller(scopes: &str) -> Caller {
    Caller { user: UserId(USER), stamp: SecurityStamp(STAMP), scopes: Scopes::known_in(scopes) }
}

pub(crate) fn everything() -> Caller {
    Caller { scopes: Scopes::all(), ..caller("") }
}

pub(crate) fn payload(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}
