//! Bodies that cannot be read, on every route that reads one.

use actix_web::http::Method;

use crate::openapi::{document, operations};
use crate::world::{ADMINISTRATOR, World, by, error};

/// Every route with a body that must be there but that of tokens: its method, its template, and its path.
const ROUTES: [(&str, &str, &str); 18] = [
    ("POST", "/api/security/users", "/api/security/users"),
    ("POST", "/api/security/users/search", "/api/security/users/search"),
    ("PUT", "/api/security/users/{user}", "/api/security/users/bob"),
    ("PATCH", "/api/security/users/{user}", "/api/security/users/bob"),
    ("POST", "/api/security/users/{user}/credentials/password", "/api/security/users/bob/credentials/password"),
    ("POST", "/api/security/users/{user}/actions", "/api/security/users/bob/actions"),
    ("POST", "/api/security/groups", "/api/security/groups"),
    ("PUT", "/api/security/groups/{group}", "/api/security/groups/Everyone"),
    ("POST", "/api/security/groups/{group}/users", "/api/security/groups/Everyone/users"),
    ("POST", "/api/security/groups/{group}/groups", "/api/security/groups/Everyone/groups"),
    ("PATCH", "/api/security/groups/{group}/users", "/api/security/groups/Everyone/users"),
    ("PATCH", "/api/security/groups/{group}/groups", "/api/security/groups/Everyone/groups"),
    ("POST", "/api/security/memberships/check", "/api/security/memberships/check"),
    ("POST", "/api/security/apiKeys", "/api/security/apiKeys"),
    ("PUT", "/api/security/apiKeys/{key}", "/api/security/apiKeys/Factory"),
    ("POST", "/api/security/webhooks", "/api/security/webhooks"),
    ("PUT", "/api/security/webhooks/{webhook}", "/api/security/webhooks/Hook"),
    ("POST", "/api/security/webhooks/{webhook}/actions", "/api/security/webhooks/Hook/actions"),
];

fn is_list(method: &str, template: &str) -> bool {
    method == "POST" && template.starts_with("/api/security/groups/{group}/")
}

#[test]
fn every_route_with_a_body_is_tried() {
    let document = document();
    let with_body = operations(&document).into_iter().filter(|(_, operation)| operation.get("requestBody").is_some());
    let mut described: Vec<String> = with_body.map(|(name, _)| name).collect();
    let mut tried: Vec<String> = ROUTES.iter().map(|(method, template, _)| format!("{method} {template}")).collect();
    let others = [
        "POST /authenticate/connect/token",
        // It need not be there, and says nothing but dates.
        "PUT /api/security/groups/{group}/users/{user}",
        "PUT /api/security/groups/{group}/groups/{child}",
    ];
    tried.extend(others.map(str::to_owned));
    described.sort();
    tried.sort();
    assert_eq!(tried, described);
}

#[actix_web::test]
async fn what_is_no_json_of_the_right_kind_is_told_why() {
    let world = World::new();
    world.add_api_key("Factory");
    for (method, template, path) in ROUTES {
        let (wanted, other, other_kind, start) = if is_list(method, template) {
            ("array of UUIDs", "{}", "an object", "[")
        } else {
            ("object", "[]", "an array", "{")
        };
        let send = async |body: Vec<u8>| {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            world.send(by(ADMINISTRATOR, method, path).set_payload(body)).await
        };
        for (body, reason) in [
            ("", "it is empty"),
            (" \r\n\t", "it is empty"),
            ("null", "it is null"),
            ("true", "it is true or false"),
            ("\"x\"", "it is a string"),
            ("-1.5", "it is a number"),
            (other, &format!("it is {other_kind}")),
            (start, "it ends too early, at line 1 column 1"),
            ("<xml/>", "expected value at line 1 column 1"),
            ("a=b", "expected value at line 1 column 1"),
        ] {
            let expected = error(400, &format!("The body is not a JSON {wanted}: {reason}"));
            assert_eq!(send(body.into()).await.error(), expected, "{method} {template} {body}");
        }
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let (body, message) = if is_list(method, template) {
            (format!("[{deep}]"), "The element at index 0 is not a UUID")
        } else {
            (format!("{{\"x\":{deep}}}"), "The body is nested deeper than 128 levels")
        };
        assert_eq!(send(body.into()).await.error(), error(400, message), "{method} {template}");
        for (body, message) in [
            (b"{\"a\":\"\xe9\"}".to_vec(), "The body is not UTF-8 after 6 bytes"),
            (b"\xff\xfe{\0}\0".to_vec(), "The body is UTF-16, and must be UTF-8"),
            (b"\xfe\xff\0{\0}".to_vec(), "The body is UTF-16, and must be UTF-8"),
        ] {
            assert_eq!(send(body).await.error(), error(400, message), "{method} {template}");
        }
        // A byte order mark is no fault: what follows it is read.
        let marked = send("\u{feff}".to_owned().into_bytes()).await;
        assert_eq!(marked.error(), error(400, &format!("The body is not a JSON {wanted}: it is empty")));
    }
}

#[actix_web::test]
async fn types_and_encodings_that_are_not_read_are_named() {
    let world = World::new();
    world.add_api_key("Factory");
    for (method, template, path) in ROUTES {
        let send = async |header: &'static str, value: &'static str| {
            let request = by(ADMINISTRATOR, Method::from_bytes(method.as_bytes()).unwrap(), path);
            world.send(request.insert_header((header, value)).set_payload("")).await
        };
        let types =
            if method == "PATCH" { "application/merge-patch+json or application/json" } else { "application/json" };
        for value in
            ["text/plain", "application/xml", "multipart/form-data; boundary=x", "json", "application/json-patch+json"]
        {
            let expected = error(415, &format!("The content type must be {types}"));
            assert_eq!(send("content-type", value).await.error(), expected, "{method} {template} {value}");
        }
        for value in ["gzip", "br", "deflate", "GZIP"] {
            let expected = error(415, "The body must not be compressed");
            assert_eq!(send("content-encoding", value).await.error(), expected, "{method} {template} {value}");
        }
        for value in
            ["application/json", "application/json; charset=iso-8859-1", "Application/JSON;charset=\"utf-8\"", ""]
        {
            assert_eq!(send("content-type", value).await.status, 400, "{method} {template} {value}");
        }
    }
}

/// RFC 6749, section 5.2: one code, and what is no form is `invalid_request`.
#[actix_web::test]
async fn token_requests_that_cannot_be_read_have_a_code() {
    let world = World::new();
    let path = "/authenticate/connect/token";
    let form = "application/x-www-form-urlencoded";
    for (kind, body, code) in [
        (form, "", "unsupported_grant_type"),
        (form, "grant_type=", "unsupported_grant_type"),
        (form, "grant_type=authorization_code", "unsupported_grant_type"),
        (form, "GRANT_TYPE=password&username=bob&password=pr0j3ctM4yh3m", "unsupported_grant_type"),
        (form, "grant_type=password", "invalid_request"),
        (form, "grant_type=password&username=bob", "invalid_request"),
        (form, "grant_type=password&username=bob&password=", "invalid_request"),
        (form, "grant_type=password&username=bob&password=a&password=b", "invalid_request"),
        // In Latin-1, which is no reason to count a wrong password.
        (form, "grant_type=password&username=bob&password=caf%E9", "invalid_request"),
        (form, "grant_type=password&username=b%FFb&password=x", "invalid_request"),
        (form, "grant_type=refresh_token", "invalid_request"),
        (form, "grant_type=client_credentials&client_id=x", "invalid_request"),
        ("application/json", "{\"grant_type\":\"password\"}", "invalid_request"),
        ("text/plain", "grant_type=password&username=bob&password=x", "invalid_request"),
        (form, "grant_type=password&username=bob&password=x", "IncorrectUsernameorPassword"),
        (form, "grant_type=password&username=nobody&password=%00", "IncorrectUsernameorPassword"),
        (form, "grant_type=refresh_token&refresh_token=x", "invalid_grant"),
        (form, "grant_type=client_credentials&client_id=x&client_secret=y", "invalid_client"),
    ] {
        let request = actix_web::test::TestRequest::with_uri(path).method(Method::POST);
        let answer = world.send(request.insert_header(("content-type", kind)).set_payload(body)).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (400, serde_json::json!({ "error": code })), "{body}");
    }
    let user = world.ask(Method::GET, "/api/security/users/bob").await.json();
    assert_eq!(user["failedLoginAttempts"], 1);
}
