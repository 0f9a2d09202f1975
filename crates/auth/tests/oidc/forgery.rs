//! Forged tokens of external issuers are refused (RFC 8725), and valid ones that look similar are not.

use std::slice;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::KeyPair;
use guildhall_auth::{ExternalIssuer, JwtTokens, SignatureAlgorithm, SigningKey};
use guildhall_domain::access::{Caller, Scopes};
use guildhall_domain::ports::{Bearer, Tokens};
use guildhall_domain::user::{SecurityStamp, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::keys::{Key, token};
use crate::provider::{ManualClock, NOW, OURS, Provider, header, identity, outcome, service_with_key, settled};

const MALFORMED: &str = "the token is malformed";
const ALGORITHM: &str = "the token is signed by another algorithm than its key's";
const SIGNATURE: &str = "the token's signature is wrong";
const UNKNOWN: &str = "the token names no known key";
const ISSUER: &str = "the token is from another issuer";

fn header_with(name: &str, value: impl Into<Value>) -> Value {
    let mut header = header();
    header[name] = value.into();
    header
}

/// The error for a token as soon as no fetch of keys is pending.
fn refusal(tokens: &JwtTokens, token: &str) -> String {
    settled(tokens, token).unwrap_err()
}

#[test]
fn every_algorithm_verifies_with_its_own_kind_of_key_and_no_other() {
    let provider = Provider::new();
    let keys = [("ed", Key::ed25519()), ("p256", Key::p256()), ("p384", Key::p384()), ("rsa", Key::rsa())];
    provider.publish(&keys.iter().map(|(id, key)| key.jwk(id)).collect::<Vec<_>>());
    let tokens = provider.service();
    let algorithms = ["EdDSA", "ES256", "ES384", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
    let kinds = ["ed", "p256", "p384", "rsa", "rsa", "rsa", "rsa", "rsa", "rsa"];
    for (id, key) in &keys {
        for (algorithm, kind) in algorithms.into_iter().zip(kinds) {
            let token = key.token(&json!({ "alg": algorithm, "kid": id }), &provider.claims());
            let expected = if kind == *id { Ok(identity()) } else { Err(ALGORITHM.to_owned()) };
            assert_eq!(outcome(&tokens, &token), expected, "{algorithm} with {id}");
        }
    }
}

#[test]
fn an_algorithm_that_the_installation_or_the_key_does_not_allow_is_refused() {
    let provider = Provider { key: Key::rsa(), ..Provider::new() };
    let allowed: Vec<SignatureAlgorithm> = ["RS256", "PS384"].map(|name| name.parse().unwrap()).into();
    let mut bound = provider.key.jwk("bound");
    bound["alg"] = json!("RS256");
    let mut elsewhere = provider.key.jwk("elsewhere");
    elsewhere["alg"] = json!("RSA-OAEP");
    provider.publish(&[provider.key.jwk("free"), bound, elsewhere]);
    let tokens = provider.service_with(ExternalIssuer { algorithms: allowed, ..provider.settings() });
    for (id, algorithm, expected) in [
        ("free", "RS256", None),
        ("free", "PS384", None),
        ("free", "PS256", Some(ALGORITHM)),
        ("free", "RS512", Some(ALGORITHM)),
        ("bound", "RS256", None),
        ("bound", "PS384", Some(ALGORITHM)),
        ("elsewhere", "RS256", Some(UNKNOWN)),
    ] {
        let token = provider.key.token(&json!({ "alg": algorithm, "kid": id }), &provider.claims());
        assert_eq!(settled(&tokens, &token).err().as_deref(), expected, "{algorithm} with {id}");
    }
}

#[test]
fn a_key_that_is_for_something_else_verifies_nothing() {
    let provider = Provider::new();
    for (name, value, expected) in [
        ("use", json!("sig"), None),
        ("use", json!("enc"), Some(UNKNOWN)),
        ("use", json!("SIG"), Some(UNKNOWN)),
        ("key_ops", json!(["verify"]), None),
        ("key_ops", json!(["encrypt", "verify"]), None),
        ("key_ops", json!(["encrypt"]), Some(UNKNOWN)),
        ("key_ops", json!([]), Some(UNKNOWN)),
        ("alg", json!("EdDSA"), None),
        ("alg", json!("HS256"), Some(UNKNOWN)),
        ("alg", json!("ES256"), Some(UNKNOWN)),
        ("x5c", json!(["MIIB"]), None),
    ] {
        let mut key = provider.key.jwk("k1");
        key[name] = value;
        provider.publish(slice::from_ref(&key));
        let tokens = provider.service();
        assert_eq!(settled(&tokens, &provider.token(&provider.claims())).err().as_deref(), expected, "{key}");
    }
}

#[test]
fn a_public_key_is_no_secret() {
    let provider = Provider { key: Key::rsa(), ..Provider::new() };
    let jwk = provider.key.jwk("k1");
    provider.publish(slice::from_ref(&jwk));
    let tokens = provider.service();
    let Key::Rsa(pair) = &provider.key else { panic!("an RSA key") };
    let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let pkcs1 = pair.public_key().as_ref();
    let pem_of = |tag: &str, der: &[u8]| pem::encode(&pem::Pem::new(tag, der)).into_bytes();
    let unix = |pem: Vec<u8>| String::from_utf8(pem).unwrap().replace('\r', "").into_bytes();
    let secrets = [
        spki.as_ref().to_vec(),
        pkcs1.to_vec(),
        pem_of("PUBLIC KEY", spki.as_ref()),
        unix(pem_of("PUBLIC KEY", spki.as_ref())),
        pem_of("RSA PUBLIC KEY", pkcs1),
        unix(pem_of("RSA PUBLIC KEY", pkcs1)),
        jwk.to_string().into_bytes(),
        jwk["n"].as_str().unwrap().as_bytes().to_vec(),
        Vec::new(),
    ];
    let claims = provider.claims().to_string();
    for secret in &secrets {
        for (name, algorithm) in
            [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
        {
            let key = hmac::Key::new(algorithm, secret);
            for header in [json!({ "alg": name, "kid": "k1" }), json!({ "alg": name })] {
                let forged = token(&header.to_string(), &claims, |message| hmac::sign(&key, message).as_ref().to_vec());
                assert_eq!(refusal(&tokens, &forged), ALGORITHM, "{header}");
            }
        }
    }
}

#[test]
fn what_is_not_signed_by_the_issuers_key_is_refused() {
    let provider = Provider::new();
    let tokens = provider.service();
    let (claims, other) = (provider.claims(), Key::ed25519());
    let unsigned = |header: &Value| token(&header.to_string(), &provider.claims().to_string(), |_| Vec::new());
    let valid = provider.token(&claims);
    let (message, signature) = valid.rsplit_once('.').unwrap();
    let changed = provider.token(&provider.claims_with(&json!({ "preferred_username": "root" })));
    let (changed, _) = changed.rsplit_once('.').unwrap();
    for (what, token, expected) in [
        ("another key", other.token(&header(), &claims), SIGNATURE),
        ("another key's id", other.token(&header_with("kid", "k2"), &claims), UNKNOWN),
        ("no signature", unsigned(&header()), SIGNATURE),
        ("alg none", unsigned(&header_with("alg", "none")), MALFORMED),
        ("alg None", unsigned(&header_with("alg", "None")), MALFORMED),
        ("alg empty", unsigned(&header_with("alg", "")), MALFORMED),
        ("alg null", unsigned(&header_with("alg", Value::Null)), MALFORMED),
        ("alg in an array", provider.key.token(&header_with("alg", json!(["EdDSA"])), &claims), MALFORMED),
        ("changed claims", format!("{changed}.{signature}"), SIGNATURE),
        ("no third part", message.to_owned(), MALFORMED),
        ("a fourth part", format!("{valid}.{signature}"), MALFORMED),
        ("five parts", format!("{valid}.{message}"), MALFORMED),
        (
            "too long",
            provider.token(&provider.claims_with(&json!({ "pad": "x".repeat(13_000) }))),
            "the token is too long",
        ),
    ] {
        assert_eq!(refusal(&tokens, &token), expected, "{what}");
    }
    assert_eq!(outcome(&tokens, &valid), Ok(identity()));
}

#[test]
fn a_kid_is_a_name_and_nothing_else() {
    let provider = Provider::new();
    let tokens = provider.service();
    for kid in
        ["", "K1", "k1 ", "k1\0", "../../dev/null", "' OR '1'='1", "http://x.test/k", "file:///dev/null", "k\u{131}"]
    {
        let token = provider.key.token(&header_with("kid", kid), &provider.claims());
        assert_eq!(refusal(&tokens, &token), UNKNOWN, "{kid}");
    }
    for kid in [json!(1), json!(["k1"]), json!({ "k1": 1 })] {
        let token = provider.key.token(&header_with("kid", kid.clone()), &provider.claims());
        assert_eq!(refusal(&tokens, &token), MALFORMED, "{kid}");
    }
}

#[test]
fn a_token_that_names_no_key_is_verified_only_where_there_is_one() {
    let provider = Provider::new();
    let nameless = provider.key.token(&json!({ "alg": "EdDSA" }), &provider.claims());
    let mut anonymous = provider.key.jwk("");
    anonymous.as_object_mut().unwrap().remove("kid");
    for (keys, expected) in [
        (vec![provider.key.jwk("k1")], None),
        (vec![anonymous], None),
        (vec![provider.key.jwk("k1"), json!({ "kty": "oct", "k": "c2VjcmV0" })], None),
        (vec![provider.key.jwk("k1"), Key::p256().jwk("k2")], Some(UNKNOWN)),
        (vec![Key::ed25519().jwk("k1")], Some(SIGNATURE)),
        (vec![Key::p256().jwk("k1")], Some(ALGORITHM)),
    ] {
        provider.publish(&keys);
        let tokens = provider.service();
        assert_eq!(outcome(&tokens, &nameless).err().as_deref(), expected, "{keys:?}");
    }
}

#[test]
fn keys_that_a_token_brings_along_are_ignored() {
    let provider = Provider::new();
    let other = Provider::new();
    let tokens = provider.service();
    for (name, value) in [
        ("jwk", other.key.jwk("k1")),
        ("jku", json!(other.settings().jwks_url)),
        ("x5u", json!(other.settings().jwks_url)),
        ("x5c", json!(["MIIB"])),
    ] {
        let header = header_with(name, value);
        assert_eq!(refusal(&tokens, &other.key.token(&header, &provider.claims())), SIGNATURE, "{header}");
        assert!(outcome(&tokens, &provider.key.token(&header, &provider.claims())).is_ok(), "{header}");
    }
    assert!(other.server.asked().is_empty());
}

#[test]
fn only_access_tokens_without_critical_extensions_are_read() {
    let provider = Provider::new();
    let tokens = provider.service();
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "Application/jwt"] {
        let token = provider.key.token(&header_with("typ", typ), &provider.claims());
        assert!(outcome(&tokens, &token).is_ok(), "{typ}");
    }
    for typ in ["", "logout+jwt", "dpop+jwt", "JOSE", "application/", "application/x-jwt", "text/jwt", "secevent+jwt"] {
        let token = provider.key.token(&header_with("typ", typ), &provider.claims());
        assert_eq!(refusal(&tokens, &token), "the token is of another type than an access token", "{typ}");
    }
    for extensions in [json!(["b64"]), json!(["exp"]), json!([])] {
        let token = provider.key.token(&header_with("crit", extensions.clone()), &provider.claims());
        assert_eq!(refusal(&tokens, &token), "the token has critical extensions", "{extensions}");
    }
}

#[test]
fn nobody_signs_for_anybody_else() {
    let (a, b) = (Provider::new(), Provider::new());
    let pem = SigningKey::generate_pem().unwrap();
    let pair = pem::parse(&pem).unwrap();
    let own = Key::Ed25519(aws_lc_rs::signature::Ed25519KeyPair::from_pkcs8(pair.contents()).unwrap());
    let issuers = vec![a.settings(), ExternalIssuer { name: "b".to_owned(), ..b.settings() }];
    let tokens = service_with_key(&pem, issuers, &ManualClock::at(NOW));
    let own_id = SigningKey::from_pem(&pem).unwrap().id().to_owned();
    let (ours, nil) = (header_with("kid", own_id.clone()), Uuid::nil());
    let our_claims = json!({
        "iss": OURS, "aud": "guildhall", "sub": nil, "stamp": nil,
        "iat": NOW, "nbf": NOW, "exp": NOW + 300, "scope": "openid",
    });
    let with_issuer = |claims: &Value, issuer: &str| {
        let mut claims = claims.clone();
        claims["iss"] = json!(issuer);
        claims
    };
    assert!(settled(&tokens, &a.token(&a.claims())).is_ok());
    assert!(settled(&tokens, &b.token(&b.claims())).is_ok_and(|identity| identity.provider == "b"));
    let caller = Caller { user: UserId(nil), stamp: SecurityStamp(nil), scopes: Scopes::known_in("openid") };
    assert_eq!(tokens.verify(&own.token(&ours, &our_claims)).unwrap(), Bearer::Caller(caller));
    for (what, token, expected) in [
        ("a for b", a.token(&b.claims()), SIGNATURE),
        ("b for a", b.token(&a.claims()), SIGNATURE),
        ("a for us, with its own id", a.token(&our_claims), UNKNOWN),
        ("a for us, with our id", a.key.token(&ours, &our_claims), SIGNATURE),
        ("we for a, with our id", own.token(&ours, &a.claims()), UNKNOWN),
        ("we for a, with its id", own.token(&header(), &a.claims()), SIGNATURE),
        ("a for nobody", a.token(&with_issuer(&a.claims(), "https://nobody.test")), ISSUER),
        ("a with a slash", a.token(&with_issuer(&a.claims(), &a.server.url("/"))), ISSUER),
        ("a in capitals", a.token(&with_issuer(&a.claims(), &a.issuer().to_uppercase())), ISSUER),
        ("a of two issuers", a.token(&a.claims_with(&json!({ "iss": [a.issuer(), OURS] }))), MALFORMED),
        ("a of none", a.token(&a.claims_with(&json!({ "iss": null }))), MALFORMED),
    ] {
        let refusal = match tokens.verify(&token) {
            Err(error) if error.pending.is_some() => refusal(&tokens, &token),
            verified => verified.unwrap_err().source.to_string(),
        };
        assert_eq!(refusal, expected, "{what}");
    }
}
