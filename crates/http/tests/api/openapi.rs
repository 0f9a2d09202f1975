//! The document about the API holds what the API does.

use std::collections::BTreeSet;

use actix_web::http::Method;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use guildhall_http::{configure, openapi, routes};
use serde_json::{Map, Value, json};

use crate::world::{ADMINISTRATOR, UNKNOWN, World, by};

#[test]
fn the_document_has_the_routes_and_no_others() {
    let document = document();
    let described: BTreeSet<_> = operations(&document).into_iter().map(|operation| operation.0).collect();
    let registered: BTreeSet<_> =
        routes().iter().map(|route| format!("{} {}", route.method(), route.template())).collect();
    assert_eq!(described, registered);
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn operations_of_a_kind_refuse_alike() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let guarded = name.contains(" /api/security/");
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let places = |place: &str| -> BTreeSet<&str> {
            let there = parameters.iter().filter(|parameter| parameter["in"] == place);
            there.map(|parameter| parameter["name"].as_str().unwrap()).collect()
        };
        let in_braces = name.split(['{', '}']).skip(1).step_by(2).collect();
        assert_eq!(places("path"), in_braces, "{name}");
        let is_oauth = name.ends_with(TOKEN_ENDPOINT);
        let (headers, has_body) = (places("header"), operation.get("requestBody").is_some() && !is_oauth);
        for (status, expected) in [
            ("400", is_oauth || has_body || !places("query").is_empty() || !headers.is_empty()),
            ("401", guarded),
            ("403", guarded),
            ("404", !places("path").is_empty() || places("query").contains("parent")),
            ("408", is_oauth || has_body),
            ("412", headers.contains("If-Match")),
            ("304", headers.contains("If-None-Match") && !headers.contains("If-Match")),
            ("413", has_body),
            ("415", has_body),
            ("429", is_oauth || headers.contains("Idempotency-Key")),
            ("500", !is_oauth),
            ("503", is_oauth || guarded || name.ends_with("/health/ready")),
        ] {
            assert_eq!(operation["responses"].get(status).is_some(), expected, "{name} {status}");
        }
        let is_optional = name == "PUT /api/security/groups/{group}/users/{user}"
            || name == "PUT /api/security/groups/{group}/groups/{child}";
        let required = operation.get("requestBody").map(|body| body["required"] == true);
        assert!(required.is_none_or(|required| required != is_optional), "{name}");
        let security = if guarded { json!([{ "bearer": [] }]) } else { Value::Null };
        assert_eq!(operation["security"], security, "{name}");
        assert!(operation["summary"].is_string(), "{name}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            let response = resolved(&document, response);
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{name} {status}");
            assert!(response["headers"].get("X-Request-Id").is_some(), "{name} {status}");
            assert!(!name.starts_with("HEAD ") || response.get("content").is_none(), "{name} {status}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn follow(document: &Value, value: &Value) {
        if let Some(reference) = value.get("$ref") {
            assert!(document.pointer(&reference.as_str().unwrap()[1..]).is_some(), "{reference}");
        }
        value.as_array().into_iter().flatten().for_each(|element| follow(document, element));
        value.as_object().into_iter().flatten().for_each(|(_, element)| follow(document, element));
    }
    let document = document();
    follow(&document, &document);
}

#[actix_web::test]
async fn answers_have_the_described_form() {
    let (world, document) = (World::new(), document());
    world.add_group("Soap");
    let user = r#"{"email":"t@x.com","custom":{"a":1,"b":null},"credentials":{"password":"pr0j3ctM4yh3m"}}"#;
    let circle = ["/api/security/groups/{group}/groups/{child}", "/api/security/groups/Soap/groups/Soap"];
    for (method, template, path, body, status) in [
        (Method::GET, "/", "/", "", 200),
        (Method::GET, "/health/live", "/health/live", "", 200),
        (Method::POST, USERS, USERS, user, 201),
        (Method::POST, USERS, USERS, user, 409),
        (Method::POST, USERS, USERS, "{}", 422),
        (Method::GET, USERS, USERS, "", 200),
        (Method::GET, USERS, "/api/security/users?zenql=x", "", 400),
        (Method::POST, SEARCH, SEARCH, "{}", 200),
        (Method::POST, SEARCH, SEARCH, r#"{"where":[{}]}"#, 400),
        (Method::PUT, circle[0], circle[1], "", 422),
        (Method::GET, GROUPS, GROUPS, "", 200),
        (Method::GET, GROUPS, "/api/security/groups?pageSize=0", "", 400),
        (Method::GET, "/api/security/groups/{group}", "/api/security/groups/Nothing", "", 404),
        (Method::POST, TOKEN_ENDPOINT, TOKEN_ENDPOINT, "grant_type=password&username=bob&password=pr0j3ctM4yh3m", 200),
        (Method::POST, TOKEN_ENDPOINT, TOKEN_ENDPOINT, "grant_type=password&username=bob&password=x", 400),
        (Method::GET, CONFIGURATION, CONFIGURATION, "", 200),
        (Method::GET, KEYS, KEYS, "", 200),
        (Method::POST, CHECKS, CHECKS, CHECK, 200),
        (Method::POST, CHECKS, "/api/security/memberships/check?detail=true", CHECK, 200),
        (Method::POST, CHECKS, CHECKS, r#"{"checks":[]}"#, 422),
        (Method::POST, API_KEYS, API_KEYS, r#"{"name":"Factory"}"#, 201),
        (Method::GET, API_KEYS, API_KEYS, "", 200),
        (Method::POST, MEMBERS, "/api/security/groups/Soap/users", r#"["75490b0f56f74690a20a6f2a822f1d3f"]"#, 404),
    ] {
        let answer = world.send(by(ADMINISTRATOR, method.clone(), path).set_payload(body)).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        let key = method.as_str().to_lowercase();
        let response = resolved(&document, &document["paths"][template][key]["responses"][status.to_string()]);
        let schema = &response["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {template} {status}");
        check(&document, schema, &answer.json(), &format!("{method} {path}"));
        for header in response["headers"].as_object().unwrap().keys() {
            assert!(answer.header(header).is_some(), "{method} {path} {header}");
        }
    }
    let nobody = world.send(by(UNKNOWN, Method::GET, USERS)).await;
    check(&document, &document["components"]["schemas"]["Unauthenticated"], &nobody.json(), "nobody");
}

#[actix_web::test]
async fn what_a_body_may_hold_is_read() {
    let (world, document) = (World::new(), document());
    world.add_api_key("Factory");
    for (schema, method, path, base) in [
        ("NewUser", Method::POST, USERS, r#"{"email":"t@x.com","credentials":{"password":"pr0j3ctM4yh3m"}}"#),
        ("UserChanges", Method::PUT, "/api/security/users/bob", "{}"),
        ("UserChanges", Method::PATCH, "/api/security/users/bob", "{}"),
        ("PasswordChange", Method::POST, "/api/security/users/bob/credentials/password", "{}"),
        ("UserAction", Method::POST, "/api/security/users/bob/actions", "{}"),
        ("NewGroup", Method::POST, GROUPS, r#"{"name":"Soap"}"#),
        ("GroupChanges", Method::PUT, "/api/security/groups/Everyone", "{}"),
        ("MembershipChecks", Method::POST, "/api/security/memberships/check", "{}"),
        ("NewApiKey", Method::POST, API_KEYS, r#"{"name":"Mill"}"#),
        ("ApiKeyChanges", Method::PUT, "/api/security/apiKeys/Factory", "{}"),
        ("NewWebhook", Method::POST, "/api/security/webhooks", r#"{"name":"New","url":"https://hooks.example"}"#),
        ("WebhookChanges", Method::PUT, "/api/security/webhooks/Hook", "{}"),
        ("WebhookAction", Method::POST, "/api/security/webhooks/Hook/actions", r#"{"type":"replay"}"#),
    ] {
        for property in document["components"]["schemas"][schema]["properties"].as_object().unwrap().keys() {
            let mut body: Map<String, Value> = serde_json::from_str(base).unwrap();
            body.insert(property.clone(), json!([[]]));
            let body = Value::Object(body).to_string();
            let answer = world.send(by(ADMINISTRATOR, method.clone(), path).set_payload(body)).await;
            let fields = answer.json()["data"].clone();
            let named = |fault: &Value| fault["field"].as_str().unwrap().starts_with(property.as_str());
            assert!(fields.as_array().is_some_and(|fields| fields.iter().any(named)), "{schema} {property}: {fields}");
        }
    }
}

#[actix_web::test]
async fn what_a_search_may_hold_is_read() {
    let (world, document) = (World::new(), document());
    let properties = |schema: &str| {
        let properties = document["components"]["schemas"][schema]["properties"].as_object().unwrap();
        properties.keys().cloned().collect::<Vec<_>>()
    };
    let bodies = properties("UserSearch").into_iter().map(|name| (json!({ name.clone(): [[]] }), name));
    let condition = |name: String| {
        let mut condition = json!({ "field": "username", name.as_str(): [[]] });
        if name == "field" {
            condition["exists"] = json!(true);
        }
        (json!({ "where": condition }), format!("where.{name}"))
    };
    for (body, place) in bodies.chain(properties("Comparison").into_iter().map(condition)) {
        let (status, fault) = world.post(SEARCH, &body.to_string()).await.error();
        let message = fault["message"].as_str().unwrap();
        assert!(status == 400 && message.contains(&place), "{body}: {message}");
    }
}

#[actix_web::test]
async fn the_document_and_its_page_need_no_token_and_no_other_host() {
    let world = World::new();
    let answer = world.send(TestRequest::with_uri("/api/openapi.json")).await;
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(answer.json(), document());
    for path in ["/docs", "/docs/", "/DOCS"] {
        let page = world.send(TestRequest::with_uri(path)).await;
        assert_eq!((page.status.as_u16(), page.header("content-type")), (200, Some("text/html; charset=utf-8")));
        assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'; script-src 'self';"));
        assert!(!page.body.contains("://"), "{}", page.body);
    }
    let service = init_service(configure(world.api(), actix_web::App::new())).await;
    for (asset, kind) in [
        ("swagger-ui.css", "text/css"),
        ("swagger-ui-bundle.js", "text/javascript"),
        ("favicon-32x32.png", "image/png"),
        ("start.js", "text/javascript; charset=utf-8"),
    ] {
        let request = TestRequest::with_uri(&format!("/docs/{asset}")).to_request();
        let response = call_service(&service, request).await;
        assert_eq!(response.headers().get("content-type").unwrap(), kind, "{asset}");
        assert!(!read_body(response).await.is_empty(), "{asset}");
    }
    for asset in ["index.html", "swagger-ui.js", "..%2Fswagger-ui.css"] {
        assert_eq!(world.send(TestRequest::with_uri(&format!("/docs/{asset}"))).await.status, 404, "{asset}");
    }
}

const TOKEN_ENDPOINT: &str = "/authenticate/connect/token";
const CONFIGURATION: &str = "/authenticate/.well-known/openid-configuration";
const KEYS: &str = "/authenticate/.well-known/openid-configuration/jwks";
const CHECKS: &str = "/api/security/memberships/check";
const CHECK: &str = r#"{"checks":[{"user":"bob","group":"Soap"},{"user":"@current","group":"Nothing"}]}"#;
const API_KEYS: &str = "/api/security/apiKeys";
const SEARCH: &str = "/api/security/users/search";
const USERS: &str = "/api/security/users";
const GROUPS: &str = "/api/security/groups";
const MEMBERS: &str = "/api/security/groups/{group}/users";

pub(crate) fn document() -> Value {
    serde_json::from_str(&openapi().unwrap()).unwrap()
}

pub(crate) fn operations(document: &Value) -> Vec<(String, &Value)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.push((format!("{} {path}", method.to_uppercase()), operation));
        }
    }
    operations
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    value.get("$ref").map_or(value, |reference| document.pointer(&reference.as_str().unwrap()[1..]).unwrap())
}

/// Fails unless `value` fits `schema`, as far as kinds, properties, elements and choices go.
fn check(document: &Value, schema: &Value, value: &Value, place: &str) {
    assert!(fits(document, schema, value), "{place}: {value} is not {schema}");
}

fn fits(document: &Value, schema: &Value, value: &Value) -> bool {
    let schema = resolved(document, schema);
    if let Some(choices) = schema["oneOf"].as_array() {
        return choices.iter().filter(|choice| fits(document, choice, value)).count() == 1;
    }
    if let Some(known) = schema["enum"].as_array() {
        return known.contains(value);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed = &schema["type"];
    let is_kind = |allowed: &Value| allowed == kind || (allowed == "number" && kind == "integer");
    let properties = |(name, value): (&String, &Value)| match schema["properties"].get(name) {
        Some(property) => fits(document, property, value),
        None => schema["additionalProperties"].is_object() && fits(document, &schema["additionalProperties"], value),
    };
    let required = schema["required"].as_array().into_iter().flatten();
    (is_kind(allowed) || allowed.as_array().is_some_and(|allowed| allowed.iter().any(is_kind)))
        && value.as_array().into_iter().flatten().all(|element| fits(document, &schema["items"], element))
        && value.as_object().into_iter().flatten().all(properties)
        && (!value.is_object() || required.into_iter().all(|name| value.get(name.as_str().unwrap()).is_some()))
}
