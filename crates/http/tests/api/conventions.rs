//! What holds for every route (contract 1).

use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, HeaderValue};
use actix_web::test::TestRequest;

use crate::store::Mood;
use crate::world::{ADMINISTRATOR, UNKNOWN, World, by, error};

const GROUPS: &str = "/api/security/groups";
const NOBODY: &str = r#"{"message":"Authorization has been denied for this request."}"#;

#[actix_web::test]
async fn nobody_is_told_exactly_one_thing() {
    let world = World::new();
    let get = || TestRequest::with_uri("/api/security/groups/Everyone");
    let header = |value: &'static [u8]| get().insert_header((AUTHORIZATION, HeaderValue::from_bytes(value).unwrap()));
    for request in [
        get(),
        by(UNKNOWN, Method::GET, "/api/security/groups/Everyone"),
        header(b"Basic administrator"),
        header(b"administrator"),
        header(b"Bearer"),
        header(b"Bearer \xff"),
        header(b""),
    ] {
        let answer = world.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (401, NOBODY));
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
        assert!(answer.header("x-request-id").is_some());
    }
    for scheme in ["bearer", "BEARER", "Bearer ", " Bearer"] {
        let request = get().insert_header(("authorization", format!("{scheme} {ADMINISTRATOR}")));
        assert_eq!(world.send(request).await.status, 200, "{scheme}");
    }
}

#[actix_web::test]
async fn a_user_whose_token_no_longer_counts_is_nobody() {
    let world = World::new();
    let body = r#"{"email":"t@x.com","expiry":"2026-01-03","credentials":{"password":"pr0j3ctM4yh3m"}}"#;
    assert_eq!(world.post("/api/security/users", body).await.status, 201);
    world.knows("expiring", "t@x.com");
    let head = async || world.send(by("expiring", Method::HEAD, "/api/security/groups/Everyone/users/@current")).await;
    assert_eq!(head().await.bare(), 204);
    world.is("2026-01-03");
    let answer = head().await;
    assert_eq!(answer.bare(), 401);
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    let answer = world.send(by("expiring", Method::GET, "/api/security/groups/Everyone")).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (401, NOBODY));
}

#[actix_web::test]
async fn whoever_must_change_their_password_must_do_so_first() {
    let world = World::new();
    world.is("2026-12-31");
    let answer = world.ask(Method::GET, "/api/security/groups/Everyone").await;
    assert_eq!(answer.error(), error(403, "Password reset required"));
}

#[actix_web::test]
async fn every_answer_carries_the_id_of_its_request() {
    let world = World::new();
    let mut seen = Vec::new();
    for (method, path) in [
        (Method::GET, "/health/live"),
        (Method::GET, "/api/security/groups/Everyone"),
        (Method::HEAD, "/api/security/groups/Everyone/users/@current"),
        (Method::HEAD, "/api/security/groups/Everyone"),
        (Method::GET, "/nothing"),
        (Method::PATCH, "/api/security/groups"),
    ] {
        let id = world.ask(method, path).await.header("x-request-id").unwrap().to_owned();
        assert!(!seen.contains(&id), "{path}");
        seen.push(id);
    }
}

#[actix_web::test]
async fn what_is_not_there_is_told_in_json() {
    let world = World::new();
    for path in [
        "//",
        "/nothing",
        "/api/security",
        "/api/security/groups//",
        "/api/security/groups//users",
        "/favicon.ico",
        "/api/security/groups/a/b/c/d",
    ] {
        let answer = world.send(TestRequest::with_uri(path)).await;
        assert_eq!(answer.error(), error(404, "There is nothing at this address"), "{path}");
    }
}

#[actix_web::test]
async fn methods_that_are_not_there_are_told_with_those_that_are() {
    let world = World::new();
    for (method, path, allowed) in [
        (Method::PATCH, "/api/security/users", "GET, HEAD, POST"),
        (Method::PUT, "/api/security/groups/", "GET, HEAD, POST"),
        (Method::POST, "/api/management/security/groups/x", "GET, HEAD, PUT, DELETE"),
        (Method::PUT, "/api/security/groups/x/users", "GET, HEAD, POST, PATCH"),
        (Method::GET, "/api/security/groups/x/users/y", "PUT, DELETE, HEAD"),
        (Method::OPTIONS, "/api/security/groups/x/groups/y", "PUT, DELETE"),
        (Method::GET, "/api/security/users/x/groups/y", "HEAD"),
        (Method::POST, "/health/live", "GET, HEAD"),
    ] {
        let answer = world.send(TestRequest::with_uri(path).method(method.clone())).await;
        let message = format!("The method is not allowed here; allowed are: {allowed}");
        assert_eq!(answer.error(), error(405, &message), "{method} {path}");
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
    }
    let answer = world.send(TestRequest::with_uri("/authenticate/connect/token").method(Method::HEAD)).await;
    assert_eq!((answer.bare(), answer.header("allow")), (405, Some("POST")));
}

#[actix_web::test]
async fn only_json_is_read() {
    let world = World::new();
    let post = |name: &'static str, value: &'static str| {
        by(ADMINISTRATOR, Method::POST, GROUPS).insert_header((name, value)).set_payload(r#"{"name":"x"}"#)
    };
    for value in
        ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/merge-patch+json"]
    {
        let answer = world.send(post("content-type", value)).await;
        assert_eq!(answer.error(), error(415, "The content type must be application/json"), "{value}");
    }
    let answer = world.send(post("content-encoding", "gzip")).await;
    assert_eq!(answer.error(), error(415, "The body must not be compressed"));
    for value in ["application/json", "Application/JSON; charset=utf-8; x=y", ""] {
        let answer = World::new().send(post("content-type", value)).await;
        assert_eq!(answer.status, 201, "{value}");
    }
    assert_eq!(world.post(GROUPS, r#"{"name":"x"}"#).await.status, 201);
}

#[actix_web::test]
async fn bodies_nobody_asked_for_do_not_matter() {
    let world = World::new();
    for (method, path) in [
        (Method::GET, "/api/security/groups/Everyone"),
        (Method::PUT, "/api/security/groups/Everyone/users/bob"),
        (Method::HEAD, "/api/security/groups/Everyone/users/bob"),
    ] {
        for kind in ["application/json", "text/plain", "application/merge-patch+json"] {
            for body in ["", "{", "[1]"] {
                let request = by(ADMINISTRATOR, method.clone(), path).insert_header(("content-type", kind));
                let status = world.send(request.set_payload(body)).await.status;
                assert!(status.is_success(), "{method} {path} {kind} {body}: {status}");
            }
        }
    }
}

#[actix_web::test]
async fn bodies_that_are_no_objects_say_where() {
    let world = World::new();
    for (body, reason) in [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("[]", "it is an array"),
        ("null", "it is null"),
        ("1", "it is a number"),
        ("\"x\"", "it is a string"),
        ("false", "it is true or false"),
        ("{", "it ends too early, at line 1 column 1"),
        ("{\"a\":}", "expected value at line 1 column 6"),
        ("{\"a\":1,}", "trailing comma at line 1 column 8"),
        ("{} {}", "trailing characters at line 1 column 4"),
        ("{'a':1}", "key must be a string at line 1 column 2"),
        ("{\"a\":01}", "invalid number at line 1 column 7"),
        ("{\"a\":NaN}", "expected value at line 1 column 6"),
        ("{\"a\":\"\n\"}", "control character (\\u0000-\\u001F) found while parsing a string at line 1 column 6"),
        ("name=x", "expected ident at line 1 column 2"),
    ] {
        let expected = error(400, &format!("The body is not a JSON object: {reason}"));
        assert_eq!(world.post(GROUPS, body).await.error(), expected, "{body}");
    }
    let request = by(ADMINISTRATOR, Method::POST, GROUPS).set_payload(b"{\"name\":\"\xff\"}".to_vec());
    assert_eq!(world.send(request).await.error(), error(400, "The body is not UTF-8 after 9 bytes"));
}

#[actix_web::test]
async fn deep_bodies_do_no_harm() {
    let world = World::new();
    let (open, close) = ("[".repeat(1500), "]".repeat(1500));
    for (body, expected) in [
        (open.clone(), 400),
        (r#"{"a":"#.repeat(700), 400),
        (format!(r#"{{"unknown":{open}{close},"name":"x"}}"#), 400),
        (format!(r#"{{"name":"y","custom":{{"z":{open}{close}}}}}"#), 400),
        (format!(r#"{{"name":"y","custom":{{"z":{}{}}}}}"#, &open[..126], &close[..126]), 422),
        (format!(r#"{{"name":"{open}"}}"#), 422),
        (format!(r#"{{"unknown":{}{},"name":"x"}}"#, &open[..127], &close[..127]), 201),
    ] {
        assert_eq!(world.post(GROUPS, &body).await.status, expected, "{body}");
    }
    let body = format!(r#"{{"unknown":{}{}}}"#, &open[..128], &close[..128]);
    assert_eq!(world.post(GROUPS, &body).await.error(), error(400, "The body is nested deeper than 128 levels"));
    for body in [open.clone(), format!("[{open}{close}]")] {
        assert_eq!(world.post("/api/security/groups/Everyone/users", &body).await.status, 400, "{body}");
    }
}

#[actix_web::test]
async fn bodies_past_the_limit_are_too_large() {
    let world = World::new();
    let body = format!(r#"{{"name":"x","description":"{}"}}"#, "x".repeat(5000));
    let answer = world.post(GROUPS, &body).await;
    assert_eq!(answer.error(), error(413, "The body is larger than 4096 bytes"));
    let declared = by(ADMINISTRATOR, Method::POST, GROUPS).set_payload("{}").insert_header(("content-length", "5000"));
    assert_eq!(world.send(declared).await.status, 413);
}

#[actix_web::test]
async fn a_store_that_is_away_can_be_asked_again() {
    let world = World::new();
    for (method, path, body) in [
        (Method::GET, "/api/security/groups/Everyone", ""),
        (Method::POST, "/api/security/groups/Everyone/users", "[]"),
        (Method::PUT, "/api/security/groups/Everyone/groups/x", ""),
    ] {
        let send = async || world.send(by(ADMINISTRATOR, method.clone(), path).set_payload(body)).await;
        world.store.becomes(Mood::Away);
        let answer = send().await;
        assert_eq!(answer.error(), error(503, "The service is temporarily unavailable"));
        assert_eq!(answer.header("retry-after"), Some("1"));
        for mood in [Mood::Broken, Mood::Panicking] {
            world.store.becomes(mood);
            let answer = send().await;
            assert_eq!(answer.error(), error(500, "An unexpected error occurred"));
            assert_eq!(answer.header("retry-after"), None);
        }
        world.store.becomes(Mood::Well);
        assert!(send().await.status.as_u16() < 500);
    }
}

#[actix_web::test]
async fn pages_of_allowed_origins_may_call_and_others_may_not() {
    let world = World::new();
    let service = actix_web::test::init_service(guildhall_http::configure(
        world.api().with_allowed_origins(vec!["https://admin.example".to_owned()]),
        actix_web::App::new(),
    ))
    .await;
    let preflight = |origin: &'static str| {
        TestRequest::with_uri("/api/security/users/x")
            .method(Method::OPTIONS)
            .insert_header(("origin", origin))
            .insert_header(("access-control-request-method", "PATCH"))
            .insert_header(("access-control-request-headers", "authorization,content-type"))
    };
    let answer = actix_web::test::call_service(&service, preflight("https://admin.example").to_request()).await;
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    assert!(answer.status().is_success());
    assert_eq!(header("access-control-allow-origin").as_deref(), Some("https://admin.example"));
    assert!(header("access-control-allow-methods").unwrap().contains("PATCH"));
    let answer = actix_web::test::call_service(&service, preflight("https://evil.example").to_request()).await;
    assert_eq!(answer.headers().get("access-control-allow-origin"), None);
    let refused = TestRequest::with_uri("/api/security/users").insert_header(("origin", "https://admin.example"));
    let answer = actix_web::test::call_service(&service, refused.to_request()).await;
    assert_eq!((answer.status().as_u16(), answer.headers().contains_key("access-control-allow-origin")), (401, true));
    let answer = world.send(preflight("https://admin.example")).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (405, None));
}
