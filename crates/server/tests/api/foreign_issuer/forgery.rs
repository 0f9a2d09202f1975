//! What is no token of the issuer for us and now (RFC 8725), which is answered 401 with the same body as anything else.

use std::fs;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::RsaPublicKeyComponents;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey, Header, dangerous, encode};
use pem::Pem;
use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_denied, assert_stands_for, now, trusting};
use crate::answer::Answer;
use crate::app::TestApp;
use crate::database::Kind;
use crate::issuer::{AUDIENCE, Issuer, strangers_key};
use crate::tokens::Mint;

on_both_databases! {
    a_token_for_somebody_else_or_for_another_time_is_denied,
    another_issuer_with_the_same_keys_is_another_issuer,
    the_public_key_is_no_secret,
    what_the_issuer_has_not_signed_is_denied,
    nobody_signs_in_the_name_of_another,
}

async fn a_token_for_somebody_else_or_for_another_time_is_denied(kind: Kind) {
    let (mut issuer, app) = trusting(kind, &[]).await;
    let (now, url) = (now(&app), issuer.url.clone());
    for (claim, value) in [
        ("aud", json!("guildhall")),
        ("aud", json!(AUDIENCE.to_uppercase())),
        ("aud", json!(["somebody", "else"])),
        ("aud", json!({ "0": AUDIENCE })),
        ("iss", json!("https://somebody.else")),
        ("iss", json!(format!("{url}/"))),
        ("iss", json!([url])),
        ("iss", json!("guildhall")),
        ("iss", Value::Null),
        ("exp", json!(now - 60)),
        ("exp", json!((now + 3600).to_string())),
        ("exp", Value::Null),
        ("iat", json!(now + 3600)),
        ("nbf", json!(now + 3600)),
        ("sub", json!("")),
        ("sub", Value::Null),
    ] {
        let what = format!("{claim} = {value}");
        assert_denied(&app, &issuer.token("marla", &json!({ claim: value })), &what).await;
    }
    let several = json!({ "aud": ["somebody", AUDIENCE], "nbf": now - 1, "exp": now + 60 });
    assert_stands_for(&app, &issuer.token("marla", &several), "marla", "for us among others").await;
}

async fn another_issuer_with_the_same_keys_is_another_issuer(kind: Kind) {
    let (mut issuer, app) = trusting(kind, &[]).await;
    let copy = issuer.keys.with_file_name("copy.json");
    fs::copy(&issuer.keys, &copy).unwrap();
    let mut other = Issuer::with_keys(copy);
    assert_stands_for(&app, &issuer.token("marla", &json!({})), "marla", "the issuer").await;
    assert_denied(&app, &other.token("marla", &json!({})), "the other one").await;
    // It is nothing else that the other one's token was denied for.
    let lie = other.token("marla", &json!({ "iss": issuer.url }));
    assert_stands_for(&app, &lie, "marla", "the other one in the name of the first").await;
}

/// The issuer's key that is named, as it publishes it: the document's words, and the key.
async fn published(app: &TestApp, issuer: &Issuer, kid: &str) -> (Value, Jwk) {
    let document = Answer::to(app.client.get(format!("{}/jwks", issuer.url))).await.is(200).json();
    let keys = document["keys"].as_array().unwrap();
    let text = keys.iter().find(|key| key["kid"] == kid).unwrap().clone();
    let set: JwkSet = serde_json::from_value(document).unwrap();
    (text, set.find(kid).unwrap().clone())
}

async fn the_public_key_is_no_secret(kind: Kind) {
    let (mut issuer, app) = trusting(kind, &[]).await;
    let token = issuer.token("marla", &json!({}));
    let good = dangerous::insecure_decode::<Value>(&token).unwrap();
    let (text, jwk) = published(&app, &issuer, good.header.kid.as_deref().unwrap()).await;
    let key = DecodingKey::from_jwk(&jwk).unwrap();
    let DecodingKeyKind::RsaModulusExponent { n, e } = key.kind() else { panic!("no RSA key: {text}") };
    let der = RsaPublicKeyComponents { n, e }.as_der().unwrap();
    let pem = pem::encode(&Pem::new("PUBLIC KEY", der.as_ref()));
    let windows = pem.replace("\r\n", "\n").replace('\n', "\r\n");
    let unix = pem.replace("\r\n", "\n");
    for secret in [
        text.to_string().as_bytes(),
        text["n"].as_str().unwrap().as_bytes(),
        n,
        der.as_ref(),
        unix.as_bytes(),
        unix.trim_end().as_bytes(),
        windows.as_bytes(),
        b"",
    ] {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let header = Header { alg: algorithm, ..good.header.clone() };
            let forged = encode(&header, &good.claims, &EncodingKey::from_secret(secret)).unwrap();
            assert_denied(&app, &forged, "the public key as a secret").await;
        }
    }
    assert_stands_for(&app, &token, "marla", "what was forged").await;
}

async fn what_the_issuer_has_not_signed_is_denied(kind: Kind) {
    let (mut issuer, app) = trusting(kind, &[]).await;
    let token = issuer.token("marla", &json!({}));
    let other = issuer.token("admin", &json!({}));
    let good = dangerous::insecure_decode::<Value>(&token).unwrap();
    let key = strangers_key();
    let own = Jwk::from_encoding_key(&key, Algorithm::RS256).unwrap();
    let header = || good.header.clone();
    let elsewhere = Some("https://somebody.else/jwks".to_owned());
    for (what, header) in [
        ("another key by the same name", header()),
        ("another key without a name", Header { kid: None, ..header() }),
        ("a key that the token brings along", Header { jwk: Some(own.clone()), ..header() }),
        ("the same without a name", Header { jwk: Some(own), kid: None, ..header() }),
        ("keys at an address in the token", Header { jku: elsewhere.clone(), ..header() }),
        ("a certificate at an address in the token", Header { x5u: elsewhere, ..header() }),
        ("a certificate in the token", Header { x5c: Some(vec!["MIIB".to_owned()]), ..header() }),
        ("another algorithm of the key", Header { alg: Algorithm::PS256, ..header() }),
    ] {
        assert_denied(&app, &encode(&header, &good.claims, &key).unwrap(), what).await;
    }
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (token_parts, other_parts) = (parts(&token), parts(&other));
    let (claims, signature) = (token_parts[1].as_str(), token_parts[2].as_str());
    // {"alg":"none","typ":"JWT"}, {"alg":"None"} and {"alg":"NONE","typ":"JWT"}
    for none in ["eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0", "eyJhbGciOiJOb25lIn0", "eyJhbGciOiJOT05FIiwidHlwIjoiSldUIn0"] {
        for signature in ["", signature] {
            assert_denied(&app, &format!("{none}.{claims}.{signature}"), "alg none").await;
        }
    }
    for (what, parts) in [
        ("no signature", [token_parts[0].as_str(), claims, ""]),
        ("the claims of another token", [token_parts[0].as_str(), &other_parts[1], signature]),
        ("the signature of another token", [token_parts[0].as_str(), claims, &other_parts[2]]),
    ] {
        assert_denied(&app, &parts.join("."), what).await;
    }
    assert_stands_for(&app, &token, "marla", "what was forged").await;
}

async fn nobody_signs_in_the_name_of_another(kind: Kind) {
    let (mut issuer, app) = trusting(kind, &[]).await;
    let mint = Mint::of(&app);
    // The issuer, all that a token of ours says; and ours, all that a token of the issuer says.
    assert_denied(&app, &issuer.token("admin", &mint.claims), "the issuer in our name").await;
    let theirs = dangerous::insecure_decode::<Value>(issuer.token("marla", &json!({}))).unwrap();
    let own_key = crate::tokens::key_in(&app.signing_key_file());
    for kid in [mint.header.kid.clone(), theirs.header.kid, None] {
        let header = Header { kid, ..mint.header.clone() };
        assert_denied(&app, &encode(&header, &theirs.claims, &own_key).unwrap(), "us in the issuer's name").await;
    }
    assert_denied(&app, &mint.with("iss", json!(issuer.url)), "our token with another issuer").await;
    assert_stands_for(&app, &app.token, "admin", "our own token").await;
    // A token of ours may be used for what ours are, beside the issuer's.
    Answer::to(app.request_by(&app.token, Method::GET, "/users")).await.is(200);
}
