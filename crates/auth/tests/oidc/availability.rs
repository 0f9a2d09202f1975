//! Issuers that do not answer, and tokens that cause requests to an issuer.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Instant;

use guildhall_auth::ExternalIssuer;
use serde_json::json;

use crate::fetching::{UNKNOWN, give_up, header_of, lasting, start, token};
use crate::keys::Key;
use crate::provider::{KEYS, ManualClock, NOW, Provider, outcome, service, settings, settled, until};
use crate::server::{Reply, Server};

#[test]
fn nobody_waits_for_an_issuer_that_does_not_answer() {
    let provider = Provider::new();
    provider.server.say(KEYS, Reply::Silence);
    let start_of_all = Instant::now();
    let (tokens, clock) = start(provider.settings());
    assert_eq!(provider.server.next(), KEYS);
    let token = token(&provider);
    for _ in 0..1000 {
        assert_eq!(outcome(&tokens, &token), Err("pending".to_owned()));
    }
    // The fetch itself takes five seconds.
    assert!(start_of_all.elapsed().as_secs() < 4);
    provider.publish(&[provider.key.jwk("k1")]);
    until(|| {
        clock.forward(1);
        outcome(&tokens, &token).ok()
    });
}

#[test]
fn an_issuer_that_is_away_at_the_start_is_found_later() {
    let provider = Provider::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (tokens, clock) =
        start(ExternalIssuer { jwks_url: Some(format!("http://{address}{KEYS}")), ..provider.settings() });
    give_up(&tokens, &clock, &token(&provider));
    let server = Server::listen(TcpListener::bind(address).unwrap());
    server.say(KEYS, Reply::Json(json!({ "keys": [provider.key.jwk("k1")] }).to_string()));
    until(|| {
        clock.forward(60);
        outcome(&tokens, &token(&provider)).ok()
    });
}

#[test]
fn a_flood_of_unknown_keys_makes_one_request_a_minute() {
    let provider = Provider::new();
    let (tokens, clock) = start(provider.settings());
    assert!(settled(&tokens, &token(&provider)).is_ok());
    assert_eq!(provider.server.asked(), [KEYS]);
    let claims = lasting(&provider);
    let flood = || {
        for number in 0..300 {
            let forged = Key::ed25519().token(&header_of(&format!("forged {number}")), &claims);
            let refusal = outcome(&tokens, &forged).unwrap_err();
            assert!(refusal == UNKNOWN || refusal == "pending", "{refusal}");
        }
        assert_eq!(settled(&tokens, &Key::ed25519().token(&header_of("forged"), &claims)), Err(UNKNOWN.to_owned()));
    };
    for (forward, requests) in [(0, 1), (59, 0), (1, 1), (30, 0), (30, 1)] {
        clock.forward(forward);
        flood();
        assert_eq!(provider.server.asked().len(), requests, "{forward}");
    }
    // A token that no key of the issuer can have signed causes no fetch.
    clock.forward(60);
    for header in [
        json!({ "alg": "HS256", "kid": "x" }),
        json!({ "alg": "none", "kid": "x" }),
        json!({ "alg": "ES256", "kid": "k1" }),
    ] {
        assert_ne!(outcome(&tokens, &provider.key.token(&header, &claims)), Err("pending".to_owned()), "{header}");
    }
    assert!(provider.server.asked().is_empty());
}

#[test]
fn one_issuer_that_does_not_answer_is_no_trouble_for_another() {
    let (silent, provider) = (Provider::new(), Provider::new());
    silent.server.say(KEYS, Reply::Silence);
    let clock = ManualClock::at(NOW);
    let other = ExternalIssuer { name: "silent".to_owned(), ..silent.settings() };
    let tokens = service(vec![other, provider.settings()], &clock);
    assert_eq!(silent.server.next(), KEYS);
    assert!(settled(&tokens, &token(&provider)).is_ok());
    assert_eq!(outcome(&tokens, &token(&silent)), Err("pending".to_owned()));
}

#[test]
fn the_threads_end_with_the_service() {
    let provider = Provider::new();
    let clock = ManualClock::at(NOW);
    let names = ["a", "b", "c"];
    let issuers = names.map(|name| settings(name, &provider.server.url(&format!("/{name}"))));
    let tokens = service(issuers.to_vec(), &clock);
    assert!(Arc::strong_count(&clock) > names.len());
    drop(tokens);
    until(|| (Arc::strong_count(&clock) == 1).then_some(()));
}
