//! What is checked first (contract 1.6).

use actix_web::http::Method;
use actix_web::test::TestRequest;

use crate::world::{ADMINISTRATOR, ORDINARY, UNKNOWN, World, by};

const PAST: &str = r#"{"validUntil":"1999-10-15"}"#;
const CHECKS: &str = "/api/security/memberships/check";

/// Each request has a fault of its own and of every kind after it: the path, the method, the token, the permission, the
/// body, the target, the fields, the state.
#[actix_web::test]
async fn the_first_fault_is_the_one_that_is_told() {
    let world = World::new();
    world.add_group("Soap");
    let large = "x".repeat(10_000);
    let bulk = "/api/security/groups/Nothing/users";
    for (token, method, path, body, expected) in [
        (UNKNOWN, "PATCH", "/api/security/nothing", "x", 404),
        (UNKNOWN, "PATCH", "/api/security/groups", "x", 405),
        (UNKNOWN, "POST", "/api/security/groups", "x", 401),
        (UNKNOWN, "POST", bulk, "x", 401),
        (UNKNOWN, "POST", bulk, large.as_str(), 401),
        (UNKNOWN, "GET", "/api/security/groups/Nothing/users?pageSize=x", "", 401),
        (ORDINARY, "POST", "/api/security/groups", "x", 403),
        (ORDINARY, "POST", "/api/security/users?suspended=x", "x", 403),
        (ORDINARY, "POST", bulk, large.as_str(), 403),
        (ORDINARY, "GET", "/api/security/groups/Nothing/users?pageSize=x", "", 403),
        (ORDINARY, "PUT", "/api/security/groups/Nothing/users/nobody", "", 403),
        (UNKNOWN, "POST", "/api/security/users/search", "x", 401),
        (ORDINARY, "POST", "/api/security/users/search", large.as_str(), 403),
        (ADMINISTRATOR, "POST", "/api/security/users/search", large.as_str(), 413),
        (ADMINISTRATOR, "GET", "/api/security/groups/Nothing/users?pageSize=x", "", 400),
        (ADMINISTRATOR, "GET", "/api/security/groups/Nothing/users?zenql=x", "", 400),
        (ADMINISTRATOR, "POST", "/api/security/users?suspended=x", "{}", 400),
        (ADMINISTRATOR, "POST", bulk, "[1]", 400),
        (ADMINISTRATOR, "POST", bulk, large.as_str(), 413),
        (ADMINISTRATOR, "POST", bulk, r#"["75490b0f-56f7-4690-a20a-6f2a822f1d3f"]"#, 404),
        (UNKNOWN, "PATCH", bulk, "x", 401),
        (ORDINARY, "PATCH", bulk, large.as_str(), 403),
        (ADMINISTRATOR, "PATCH", bulk, large.as_str(), 413),
        (ADMINISTRATOR, "PATCH", "/api/security/groups/Nothing/users?mode=x", r#"{"add":["nobody"]}"#, 400),
        (ADMINISTRATOR, "PATCH", bulk, r#"{"add":[1]}"#, 400),
        (ADMINISTRATOR, "PATCH", bulk, r#"{"add":["nobody"]}"#, 404),
        (ADMINISTRATOR, "PATCH", "/api/security/groups/Soap/users", r#"{"add":["nobody"],"remove":["nobody"]}"#, 400),
        (ADMINISTRATOR, "PATCH", "/api/security/groups/Everyone/users", r#"{"add":["nobody"],"remove":["bob"]}"#, 404),
        (ADMINISTRATOR, "PATCH", "/api/security/groups/Everyone/users", r#"{"remove":["bob"]}"#, 409),
        (ADMINISTRATOR, "PATCH", "/api/security/groups/Soap/groups", r#"{"add":["Soap","nothing"]}"#, 404),
        (ADMINISTRATOR, "PATCH", "/api/security/groups/Soap/groups", r#"{"add":["Soap"]}"#, 422),
        (UNKNOWN, "GET", CHECKS, "x", 405),
        (UNKNOWN, "POST", CHECKS, large.as_str(), 401),
        // Of whom they ask, the body tells.
        (ORDINARY, "POST", CHECKS, large.as_str(), 413),
        (ORDINARY, "POST", CHECKS, "x", 400),
        (ORDINARY, "POST", CHECKS, r#"{"checks":[{"user":"@current"}]}"#, 422),
        (ORDINARY, "POST", CHECKS, r#"{"checks":[{"user":"nobody","group":"Nothing"}]}"#, 403),
        (ADMINISTRATOR, "POST", "/api/security/memberships/check?detail=x", "x", 400),
        (ADMINISTRATOR, "POST", CHECKS, r#"{"checks":[{"user":"nobody","group":"Nothing"}]}"#, 200),
        (ADMINISTRATOR, "PUT", "/api/security/groups/Nothing/groups/Nothing", "", 404),
        (ORDINARY, "POST", "/api/security/groups?parent=", "x", 403),
        (ORDINARY, "POST", "/api/security/groups?parent=Nothing", large.as_str(), 403),
        (ORDINARY, "GET", "/api/security/groups/Nothing/memberships/nobody?limit=x", "", 403),
        (ORDINARY, "GET", "/api/security/groups/Nothing/memberships/@current?limit=x", "", 400),
        (UNKNOWN, "GET", "/api/security/groups/Nothing/users?asOf=x", "", 401),
        (ORDINARY, "GET", "/api/security/groups/Nothing/users?asOf=x", "", 403),
        (ORDINARY, "GET", "/api/security/groups/Nothing/users?asOf=9999-01-01", "", 403),
        (ORDINARY, "GET", "/api/security/users/nobody/groups?asOf=x", "", 403),
        (ORDINARY, "GET", "/api/security/users/@current/groups?asOf=x", "", 400),
        (ORDINARY, "GET", "/api/security/groups/Nothing/memberships/nobody?asOf=x", "", 403),
        (ADMINISTRATOR, "GET", "/api/security/groups/Nothing/users?asOf=x", "", 400),
        (ADMINISTRATOR, "GET", "/api/security/groups/Nothing/users?asOf=9999-01-01", "", 400),
        (ADMINISTRATOR, "GET", "/api/security/groups/Nothing/users?asOf=2020-01-01", "", 404),
        (ADMINISTRATOR, "GET", "/api/security/groups/Soap/users?asOf=2020-01-01&q=x", "", 400),
        (ADMINISTRATOR, "GET", "/api/security/groups/Soap/users?asOf=2020-01-01", "", 200),
        (ADMINISTRATOR, "GET", "/api/security/groups/Nothing/memberships/nobody?asOf=2020-01-01", "", 404),
        (ORDINARY, "GET", "/api/security/groups/Nothing/managers?pageSize=x", "", 403),
        (ORDINARY, "GET", "/api/security/events?after=x", "", 403),
        (ADMINISTRATOR, "GET", "/api/security/events?after=x", "", 400),
        (UNKNOWN, "POST", "/api/security/webhooks", "x", 401),
        (ORDINARY, "POST", "/api/security/webhooks", large.as_str(), 403),
        (ORDINARY, "POST", "/api/security/webhooks/Nothing/actions", r#"{"type":"x"}"#, 403),
        (ADMINISTRATOR, "POST", "/api/security/webhooks", large.as_str(), 413),
        (ADMINISTRATOR, "POST", "/api/security/webhooks", "x", 400),
        (ADMINISTRATOR, "POST", "/api/security/webhooks", r#"{"url":"http://hooks.example"}"#, 422),
        (ADMINISTRATOR, "POST", "/api/security/webhooks", r#"{"name":"x","url":"http://hooks.example"}"#, 400),
        (ADMINISTRATOR, "POST", "/api/security/webhooks/Nothing/actions", r#"{"type":"x"}"#, 422),
        (ADMINISTRATOR, "PUT", "/api/security/webhooks/Nothing", r#"{"url":"http://hooks.example"}"#, 404),
        (ADMINISTRATOR, "POST", "/api/security/groups?parent=", "x", 400),
        (ADMINISTRATOR, "POST", "/api/security/groups?parent=Nothing", "x", 400),
        (ADMINISTRATOR, "POST", "/api/security/groups?parent=Nothing", "{}", 404),
        (ADMINISTRATOR, "POST", "/api/security/groups?parent=Soap", "{}", 422),
        (ADMINISTRATOR, "POST", "/api/security/groups?parent=Soap", r#"{"name":"Soap"}"#, 409),
        (ADMINISTRATOR, "GET", "/api/security/groups/Nothing/memberships/nobody?limit=x", "", 400),
        (ADMINISTRATOR, "GET", "/api/security/groups/Nothing/managers?pageSize=x", "", 400),
        (UNKNOWN, "PUT", "/api/security/groups/Nothing/users/nobody", r#"{"validUntil":1}"#, 401),
        (ORDINARY, "PUT", "/api/security/groups/Nothing/users/nobody", r#"{"validUntil":1}"#, 403),
        (ADMINISTRATOR, "PUT", "/api/security/groups/Nothing/users/nobody", r#"{"validUntil":1}"#, 400),
        (ADMINISTRATOR, "PUT", "/api/security/groups/Nothing/users/nobody", PAST, 404),
        (ADMINISTRATOR, "PUT", "/api/security/groups/Soap/users/nobody", PAST, 404),
        (ADMINISTRATOR, "PUT", "/api/security/groups/Everyone/users/bob", PAST, 409),
        (ADMINISTRATOR, "PUT", "/api/security/groups/Soap/users/bob", PAST, 422),
        (ORDINARY, "GET", "/api/security/groups/Nothing/memberships?state=x", "", 403),
        (ORDINARY, "GET", "/api/security/groups/Nothing/children?order=x", "", 403),
        (ORDINARY, "GET", "/api/security/users/nobody/memberships?order=x", "", 403),
        (ORDINARY, "GET", "/api/security/users/@current/memberships?order=x", "", 400),
        (ADMINISTRATOR, "GET", "/api/security/groups/Nothing/memberships?state=x", "", 400),
        (ADMINISTRATOR, "GET", "/api/security/groups/Nothing/children?expiringBefore=x", "", 400),
        (ADMINISTRATOR, "POST", "/api/security/groups", r#"{"name":"Soap","type":"sys"}"#, 422),
        (ADMINISTRATOR, "POST", "/api/security/groups", r#"{"name":"Soap"}"#, 409),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = world.send(by(token, method.clone(), path).set_payload(body.to_owned())).await;
        assert_eq!(answer.status, expected, "{method} {path} by {token}: {}", answer.body);
    }
}

#[actix_web::test]
async fn a_media_type_is_told_only_to_those_who_may_send_one() {
    let world = World::new();
    let post = |request: TestRequest| request.insert_header(("content-type", "text/plain")).set_payload("x");
    for (token, expected) in [(UNKNOWN, 401), (ORDINARY, 403), (ADMINISTRATOR, 415)] {
        let answer = world.send(post(by(token, Method::POST, "/api/security/groups"))).await;
        assert_eq!(answer.status, expected, "{token}");
    }
}
