//! When an issuer's keys are fetched, and how tokens are answered meanwhile.

use std::sync::Arc;

use guildhall_auth::{ExternalIssuer, JwtTokens};
use serde_json::{Value, json};

use crate::keys::Key;
use crate::provider::{KEYS, ManualClock, NOW, Provider, header, identity, outcome, service, settings, settled, until};
use crate::server::{Reply, Server};

const DISCOVERY: &str = "/.well-known/openid-configuration";
pub(crate) const UNKNOWN: &str = "the token names no known key";
const UNREACHABLE: &str = "the keys of the token's issuer cannot be fetched";

/// A service that trusts the provider, and its clock.
pub(crate) fn start(settings: ExternalIssuer) -> (JwtTokens, Arc<ManualClock>) {
    let clock = ManualClock::at(NOW);
    (service(vec![settings], &clock), clock)
}

/// A token of the provider that does not expire during a test.
pub(crate) fn token(provider: &Provider) -> String {
    provider.token(&lasting(provider))
}

pub(crate) fn lasting(provider: &Provider) -> Value {
    provider.claims_with(&json!({ "exp": NOW + 1_000_000_000 }))
}

pub(crate) fn header_of(id: &str) -> Value {
    json!({ "typ": "JWT", "alg": "EdDSA", "kid": id })
}

/// An expired token. It is not cached, so each verification looks at the keys.
fn expired(provider: &Provider) -> String {
    provider.token(&provider.claims_with(&json!({ "exp": 1 })))
}

fn discovery(server: &Server, issuer: &str, keys: &str) {
    server.say(DISCOVERY, Reply::Json(json!({ "issuer": issuer, "jwks_uri": keys, "response_types": [] }).to_string()));
}

/// Moves the clock until so many fetches have failed that none is pending.
pub(crate) fn give_up(tokens: &JwtTokens, clock: &ManualClock, token: &str) {
    until(|| {
        clock.forward(1);
        (outcome(tokens, token) == Err(UNREACHABLE.to_owned())).then_some(())
    });
}

/// Moves the clock until another fetch starts, and returns its path.
fn next_fetch(provider: &Provider, tokens: &JwtTokens, clock: &ManualClock, token: &str) -> String {
    until(|| {
        clock.forward(60);
        assert_eq!(outcome(tokens, token), Err("the token has expired".to_owned()));
        provider.server.asked().pop()
    })
}

#[test]
fn keys_are_found_by_discovery_once_and_fetched_every_ten_minutes() {
    for slash in ["", "/"] {
        let provider = Provider::new();
        let issuer = provider.server.url(slash);
        discovery(&provider.server, &issuer, &provider.server.url(KEYS));
        let (tokens, clock) = start(settings("elsewhere", &issuer));
        let claims = provider.claims_with(&json!({ "iss": issuer, "exp": NOW + 10_000 }));
        assert_eq!(settled(&tokens, &provider.token(&claims)), Ok(identity()));
        assert_eq!(provider.server.asked(), [DISCOVERY, KEYS]);
        let expired = provider.token(&provider.claims_with(&json!({ "iss": issuer, "exp": 1 })));
        for _ in 0..3 {
            assert_eq!(next_fetch(&provider, &tokens, &clock, &expired), KEYS);
        }
    }
}

#[test]
fn a_discovery_document_of_another_issuer_is_not_believed() {
    let provider = Provider::new();
    for (issuer, keys) in [
        ("https://login.elsewhere.test".to_owned(), provider.server.url(KEYS)),
        (provider.server.url("/"), provider.server.url(KEYS)),
        (provider.issuer(), "ftp://127.0.0.1/keys".to_owned()),
        (provider.issuer(), "/keys".to_owned()),
    ] {
        discovery(&provider.server, &issuer, &keys);
        let (tokens, clock) = start(settings("elsewhere", &provider.issuer()));
        give_up(&tokens, &clock, &token(&provider));
        assert!(!provider.server.asked().contains(&KEYS.to_owned()), "{issuer} {keys}");
    }
    discovery(&provider.server, &provider.issuer(), &provider.server.url(KEYS));
    let (tokens, _) = start(settings("elsewhere", &provider.issuer()));
    assert!(settled(&tokens, &token(&provider)).is_ok());
}

#[test]
fn keys_that_have_moved_are_found_again() {
    let provider = Provider::new();
    discovery(&provider.server, &provider.issuer(), &provider.server.url(KEYS));
    let (tokens, clock) = start(settings("elsewhere", &provider.issuer()));
    assert!(settled(&tokens, &token(&provider)).is_ok());
    let new = Key::ed25519();
    provider.server.say(KEYS, Reply::Status(404));
    provider.server.say("/new", Reply::Json(json!({ "keys": [new.jwk("k2")] }).to_string()));
    discovery(&provider.server, &provider.issuer(), &provider.server.url("/new"));
    let moved = new.token(&header_of("k2"), &lasting(&provider));
    until(|| {
        clock.forward(60);
        outcome(&tokens, &moved).ok()
    });
}

#[test]
fn a_new_key_is_fetched_when_a_token_names_it_and_a_removed_one_ends_its_tokens() {
    let provider = Provider::new();
    let (tokens, clock) = start(provider.settings());
    let old = token(&provider);
    assert!(settled(&tokens, &old).is_ok());
    let key = Key::ed25519();
    let new = key.token(&header_of("k2"), &lasting(&provider));
    provider.publish(&[provider.key.jwk("k1"), key.jwk("k2")]);
    assert_eq!(outcome(&tokens, &new), Err("pending".to_owned()));
    assert!(settled(&tokens, &new).is_ok());
    assert!(outcome(&tokens, &old).is_ok());
    assert_eq!(provider.server.asked().len(), 2);
    provider.publish(&[key.jwk("k2")]);
    clock.forward(600);
    let expired = expired(&provider);
    let refused = until(|| outcome(&tokens, &expired).err().filter(|refusal| refusal != "the token has expired"));
    // The key may have been taken out a moment after the refresh: such a token asks for another one.
    assert!(refused == UNKNOWN || refused == "pending", "{refused}");
    assert_eq!(settled(&tokens, &old), Err(UNKNOWN.to_owned()));
    assert!(outcome(&tokens, &new).is_ok());
}

#[test]
fn a_key_that_is_replaced_under_the_same_id_ends_its_tokens() {
    let provider = Provider::new();
    let (tokens, clock) = start(provider.settings());
    let old = token(&provider);
    assert!(settled(&tokens, &old).is_ok());
    let key = Key::ed25519();
    provider.publish(&[key.jwk("k1")]);
    clock.forward(600);
    let new = key.token(&header(), &lasting(&provider));
    until(|| outcome(&tokens, &new).ok());
    assert_eq!(outcome(&tokens, &old), Err("the token's signature is wrong".to_owned()));
}

#[test]
fn what_is_no_set_of_keys_changes_nothing() {
    let provider = Provider::new();
    let (tokens, clock) = start(provider.settings());
    assert!(settled(&tokens, &token(&provider)).is_ok());
    let elsewhere = Server::start();
    elsewhere.say(KEYS, Reply::Json(json!({ "keys": [] }).to_string()));
    let large = json!({ "keys": [], "pad": "x".repeat(1024 * 1024) }).to_string();
    for reply in [
        Reply::Json(String::new()),
        Reply::Json("<html>".to_owned()),
        Reply::Json("[]".to_owned()),
        Reply::Json(r#"{"keys":{}}"#.to_owned()),
        Reply::Json(r#"{"key":[]}"#.to_owned()),
        Reply::Json(large),
        Reply::Status(204),
        Reply::Status(500),
        Reply::RedirectTo(elsewhere.url(KEYS)),
        Reply::Endless,
    ] {
        provider.server.say(KEYS, reply);
        // A fetch starts when the one before it is over.
        for _ in 0..3 {
            assert_eq!(next_fetch(&provider, &tokens, &clock, &expired(&provider)), KEYS);
        }
        assert!(outcome(&tokens, &provider.token(&lasting(&provider))).is_ok());
    }
    assert!(elsewhere.asked().is_empty());
}

#[test]
fn keys_that_nobody_understands_are_left_out() {
    let provider = Provider::new();
    let mut keys: Vec<Value> = [Key::rsa().jwk("rsa"), Key::p384().jwk("p384"), Key::p256().jwk("p256")].into();
    keys.extend([
        json!(null),
        json!("key"),
        json!({}),
        json!({ "kty": "oct", "kid": "k1", "k": "c2VjcmV0" }),
        json!({ "kty": "EC", "kid": "k1", "crv": "P-521", "x": "AAAA", "y": "AAAA" }),
        json!({ "kty": "EC", "kid": "k1", "crv": "P-256", "x": "AAAA", "y": "AAAA" }),
        json!({ "kty": "OKP", "kid": "k1", "crv": "Ed448", "x": "AAAA" }),
        json!({ "kty": "OKP", "kid": "k1", "crv": "Ed25519", "x": "AAAA" }),
        json!({ "kty": "RSA", "kid": "k1", "n": "AAAA", "e": "AQAB" }),
        json!({ "kty": "RSA", "kid": "k1", "n": "not base64!", "e": "AQAB" }),
        json!({ "kty": 1, "kid": "k1" }),
        provider.key.jwk("k1"),
    ]);
    provider.publish(&keys);
    assert_eq!(settled(&start(provider.settings()).0, &token(&provider)), Ok(identity()));
}

#[test]
fn an_issuer_may_take_all_of_its_keys_back() {
    let provider = Provider::new();
    let (tokens, clock) = start(provider.settings());
    assert!(settled(&tokens, &token(&provider)).is_ok());
    provider.publish(&[]);
    clock.forward(600);
    let ask = expired(&provider);
    until(|| outcome(&tokens, &ask).err().filter(|refusal| refusal == UNKNOWN));
    assert_eq!(outcome(&tokens, &token(&provider)), Err(UNKNOWN.to_owned()));
}
