//! Tokens: how they are asked for, and how they are presented.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use actix_web::App;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use guildhall_domain::access::Scopes;
use guildhall_domain::external::{ExternalIdentity, Trust};
use guildhall_domain::time::Timestamp;
use guildhall_http::{TokenLimits, configure};
use serde_json::json;

use crate::store::Mood;
use crate::world::{Answer, World, by};

const ENDPOINT: &str = "/authenticate/connect/token";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded;charset=UTF-8");

fn request(form: impl Into<String>) -> TestRequest {
    TestRequest::post().uri(ENDPOINT).insert_header(FORM).set_payload(form.into())
}

fn refusal(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    let body = answer.json();
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    (answer.status.as_u16(), body["error"].as_str().unwrap().to_owned())
}

#[actix_web::test]
async fn a_person_gets_a_token_and_another_by_refreshing() {
    let world = World::new();
    let form =
        "scope=openid%20offline_access%20Nonsense&grant_type=contensis_classic&username=BOB&password=pr0j3ctM4yh3m";
    let answer = world.send(request(form)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    let body = answer.json();
    let (token, refresh) = (body["access_token"].as_str().unwrap(), body["refresh_token"].as_str().unwrap());
    let expected = json!({
        "access_token": token, "expires_in": 3600, "token_type": "Bearer", "refresh_token": refresh,
        "scope": "offline_access openid",
    });
    assert_eq!(body, expected);
    let me = world.send(by(token, Method::GET, "/api/security/users/@current")).await.json();
    assert_eq!((&me["username"], &me["successfulLoginAttempts"]), (&json!("bob"), &json!(1)));
    for grant in ["contensis_classic_refresh_token", "refresh_token"] {
        let body = world.send(request(format!("grant_type={grant}&refresh_token={refresh}"))).await.json();
        assert_eq!((&body["refresh_token"], &body["expires_in"]), (&json!(refresh), &json!(3600)));
    }
}

#[actix_web::test]
async fn a_program_gets_a_token_and_no_refresh_token() {
    let world = World::new();
    let issued = world.add_api_key("!! New key");
    let (id, secret) = (issued.key.id, issued.secret.reveal());
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let body = world.send(request(form)).await.json();
    assert!(body.get("refresh_token").is_none(), "{body}");
    let token = body["access_token"].as_str().unwrap();
    assert!(token.ends_with(&id.to_string()), "the token does not say to which key it was issued");
    let me = world.send(by(token, Method::GET, "/api/security/users/@current")).await.json();
    assert_eq!((&me["username"], &me["email"]), (&json!("!! New key"), &json!(null)));
}

#[actix_web::test]
async fn every_refusal_is_one_word_that_clients_know() {
    let world = World::new();
    let password = |name: &str, password: &str| format!("grant_type=password&username={name}&password={password}");
    for (form, expected) in [
        (password("bob", "wrong"), "IncorrectUsernameorPassword"),
        (password("nobody", "wrong"), "IncorrectUsernameorPassword"),
        ("grant_type=refresh_token&refresh_token=x".to_owned(), "invalid_grant"),
        ("grant_type=client_credentials&client_id=x&client_secret=y".to_owned(), "invalid_client"),
        ("grant_type=client_credentials".to_owned(), "invalid_request"),
        ("scope=openid".to_owned(), "unsupported_grant_type"),
        (password("bob", &"x".repeat(20_000)), "invalid_request"),
        (password("bob", &"x".repeat(1025)), "IncorrectUsernameorPassword"),
    ] {
        assert_eq!(refusal(&world.send(request(form.as_str())).await), (400, expected.to_owned()), "{form}");
    }
    let json = TestRequest::post().uri(ENDPOINT).insert_header(("content-type", "application/json")).set_payload("{}");
    assert_eq!(refusal(&world.send(json).await), (400, "invalid_request".to_owned()));
    for _ in 0..4 {
        world.send(request(password("bob", "wrong"))).await;
    }
    let locked = world.send(request(password("bob", "pr0j3ctM4yh3m"))).await;
    assert_eq!(refusal(&locked), (400, "AccountLocked".to_owned()));
    world.store.becomes(Mood::Away);
    let answer = world.send(request(password("bob", "wrong"))).await;
    assert_eq!(refusal(&answer), (503, "temporarily_unavailable".to_owned()));
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[actix_web::test]
async fn failures_are_counted_by_address_and_by_account_at_an_address() {
    let world = World::new();
    world.add_user("marla");
    let issued = world.add_api_key("Soap");
    let limits = TokenLimits { per_address: NonZeroU32::new(5), per_account: NonZeroU32::new(2) };
    let proxies = vec!["10.0.0.0/8".parse().unwrap()];
    let api = world.api().with_token_limits(limits).with_trusted_proxies(proxies);
    let service = init_service(configure(api, App::new())).await;
    let send = async |peer: &str, client: &str, form: String| {
        let peer: SocketAddr = format!("{peer}:4711").parse().unwrap();
        let request = request(form).peer_addr(peer).insert_header(("x-forwarded-for", client));
        let response = call_service(&service, request.to_request()).await;
        (response.status().as_u16(), response.headers().contains_key("retry-after"))
    };
    let person = |name: &str, password: &str| format!("grant_type=password&username={name}&password={password}");
    let (wrong, right) = (|name: &str| person(name, "wrong"), |name: &str| person(name, "pr0j3ctM4yh3m"));
    // One address is one, whatever it says of others.
    assert_eq!(send("192.0.2.1", "6.6.6.1", wrong("tyler")).await, (400, false));
    assert_eq!(send("192.0.2.1", "6.6.6.2", wrong("TYLER")).await, (400, false));
    assert_eq!(send("192.0.2.1", "6.6.6.3", wrong("Tyler")).await, (429, true));
    // The same account from another address, and another account from the same address.
    assert_eq!(send("192.0.2.2", "6.6.6.3", wrong("Tyler")).await, (400, false));
    for _ in 0..10 {
        assert_eq!(send("192.0.2.1", "6.6.6.4", right("marla")).await, (200, false));
    }
    // What was refused by 429 was no failure of the address: it has three left.
    for status in [400, 400, 400, 429] {
        assert_eq!(send("192.0.2.1", "6.6.6.5", wrong(&format!("somebody{status}{}", 0))).await.0 / 100, status / 100);
    }
    assert_eq!(send("192.0.2.3", "6.6.6.5", right("marla")).await, (200, false));
    for client in ["198.51.100.1", "198.51.100.2", "198.51.100.3"] {
        for expected in [400, 400, 429] {
            assert_eq!(send("10.0.0.1", client, wrong(client)).await.0, expected);
        }
    }
    // Every spelling of a client's id is one account.
    let id = issued.key.id.to_string();
    let spellings = [id.clone(), id.to_uppercase(), format!("%7B{id}%7D"), id.replace('-', "")];
    let mut statuses = Vec::new();
    for id in &spellings {
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret=wrong");
        statuses.push(send("192.0.2.9", "6.6.6.6", form).await.0);
    }
    assert_eq!(statuses, [400, 400, 429, 429]);
}

#[actix_web::test]
async fn a_client_is_one_account_however_its_id_and_secret_are_encoded() {
    let world = World::new();
    let id = world.add_api_key("Soap").key.id.to_string();
    let limits = TokenLimits { per_address: None, per_account: NonZeroU32::new(3) };
    let service = init_service(configure(world.api().with_token_limits(limits), App::new())).await;
    let mut statuses = Vec::new();
    let encoded = format!("%7B{}%7D", id.replace('-', "%2D"));
    for (id, secret) in [(&id, "a%2Bb"), (&encoded, "a+b"), (&id.to_uppercase(), "%"), (&encoded, "x"), (&id, "x")] {
        let header = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        let request = request("grant_type=client_credentials".to_owned()).insert_header(("authorization", header));
        let request = request.peer_addr("192.0.2.1:4711".parse().unwrap());
        statuses.push(call_service(&service, request.to_request()).await.status().as_u16());
    }
    // Two readings of one secret are one failure.
    assert_eq!(statuses, [400, 400, 400, 429, 429]);
}

#[actix_web::test]
async fn wrong_existing_passwords_are_counted_too() {
    let world = World::new();
    world.knows("bob", "bob");
    let limits = TokenLimits { per_address: None, per_account: NonZeroU32::new(2) };
    let service = init_service(configure(world.api().with_token_limits(limits), App::new())).await;
    let mut statuses = Vec::new();
    for existing in ["wrong", "wrong", "pr0j3ctM4yh3m"] {
        let body = json!({ "existing": existing, "new": "An0ther!One" }).to_string();
        let path = "/api/security/users/@current/credentials/password";
        let request = by("bob", Method::POST, path).insert_header(("content-type", "application/json"));
        let request = request.peer_addr("192.0.2.1:4711".parse().unwrap()).set_payload(body);
        statuses.push(call_service(&service, request.to_request()).await.status().as_u16());
    }
    assert_eq!(statuses, [409, 409, 429]);
}

#[actix_web::test]
async fn the_issuer_and_its_keys_are_found() {
    let world = World::new();
    let place = "/authenticate/.well-known/openid-configuration";
    let request = TestRequest::with_uri(place).insert_header(("host", "evil.example:8080"));
    let issuer = world.send(request).await.json();
    assert_eq!(issuer["issuer"], "guildhall");
    assert_eq!(issuer["token_endpoint"], "http://localhost:8080/authenticate/connect/token");
    assert_eq!(issuer["jwks_uri"], format!("http://localhost:8080{place}/jwks"));
    let keys = world.send(TestRequest::with_uri(&format!("{place}/jwks"))).await.json();
    assert_eq!(keys, json!({ "keys": [{ "kid": "k1", "alg": "EdDSA", "use": "sig", "kty": "OKP" }] }));
}

#[actix_web::test]
async fn a_token_of_an_outside_issuer_stands_for_who_it_names() {
    let world = World::new();
    let identity = ExternalIdentity {
        issuer: "https://id.example".to_owned(),
        subject: "bob at home".to_owned(),
        provider: "keycloak".to_owned(),
        link_name: Some("bob".to_owned()),
        names: vec!["bob".to_owned()],
        email: None,
        first_name: None,
        last_name: None,
        groups: None,
        scopes: Scopes::all(),
        issued: Timestamp::parse("2026-01-02").unwrap(),
        trust: Trust { links_existing: true, ..Trust::default() },
    };
    let me = |token: &'static str| world.send(by(token, Method::GET, "/api/security/users/@current"));
    // Its issuer's keys are still on their way.
    world.knows_external("foreign", identity.clone(), 3);
    assert_eq!(me("foreign").await.json()["username"], "bob");
    world.knows_external("foreign", identity.clone(), u32::MAX);
    assert_eq!(me("foreign").await.status, StatusCode::UNAUTHORIZED);
    world.knows_external("foreign", ExternalIdentity { subject: "nobody".to_owned(), link_name: None, ..identity }, 0);
    let nobody = me("foreign").await;
    assert_eq!(nobody.body, r#"{"message":"Authorization has been denied for this request."}"#);
}
