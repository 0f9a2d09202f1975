//! Tokens as an attacker would craft them.

use std::fs;
use std::path::Path;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use jsonwebtoken::{Algorithm, EncodingKey, Header, dangerous, encode};
use pem::Pem;
use serde_json::Value;

use crate::app::TestApp;

/// What the server's own tokens say, and the key it signs them with.
pub(crate) struct Mint {
    pub(crate) header: Header,
    pub(crate) claims: Value,
    key: EncodingKey,
}

impl Mint {
    /// Reads the server's token and its key file.
    pub(crate) fn of(app: &TestApp) -> Self {
        let decoded = dangerous::insecure_decode::<Value>(&app.token).unwrap();
        assert_eq!(decoded.header.alg, Algorithm::EdDSA);
        Self { header: decoded.header, claims: decoded.claims, key: key_in(&app.signing_key_file()) }
    }

    /// A token like the server's own, but for one claim; `Null` leaves the claim out.
    pub(crate) fn with(&self, claim: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(claim);
        } else {
            claims[claim] = value;
        }
        encode(&self.header, &claims, &self.key).unwrap()
    }

    /// A token like the server's own, but signed with another algorithm and key.
    pub(crate) fn signed_by(&self, algorithm: Algorithm, key: &EncodingKey) -> String {
        let header = Header { alg: algorithm, ..self.header.clone() };
        encode(&header, &self.claims, key).unwrap()
    }

    /// A claim that is a moment, in seconds.
    pub(crate) fn moment(&self, claim: &str) -> i64 {
        self.claims[claim].as_i64().unwrap_or_else(|| panic!("no {claim} in {}", self.claims))
    }
}

/// The private key in a PEM file.
pub(crate) fn key_in(file: &Path) -> EncodingKey {
    EncodingKey::from_ed_pem(&fs::read(file).unwrap()).unwrap()
}

/// The public half of the key in a PEM file, in every form in which it is published.
pub(crate) fn public_key_in(file: &Path) -> [Vec<u8>; 4] {
    let private = pem::parse(fs::read(file).unwrap()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(private.contents()).unwrap();
    let der = pair.public_key().as_der().unwrap().as_ref().to_vec();
    let pem = pem::encode(&Pem::new("PUBLIC KEY", der.as_slice()));
    [pair.public_key().as_ref().to_vec(), der, pem.trim_end().as_bytes().to_vec(), pem.into_bytes()]
}
