//! A service whose clients reach it below a path.

use actix_web::App;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use guildhall_http::{PathPrefix, configure, routes};
use serde_json::{Value, json};

use crate::access::{ROWS, world_of_the_table};
use crate::world::{ADMINISTRATOR, World, by};

const PREFIX: &str = "/identity/v-1";

/// Sends a request to a service below [`PREFIX`]; the status, `Location` and the body.
async fn send(world: &World, request: TestRequest) -> (StatusCode, Option<String>, String) {
    let api = world.api().with_path_prefix(PathPrefix::try_from(PREFIX).unwrap());
    let service = init_service(configure(api, App::new())).await;
    let response = call_service(&service, request.to_request()).await;
    let location = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
    let status = response.status();
    let body = String::from_utf8_lossy(&read_body(response).await).into_owned();
    (status, location, body)
}

#[actix_web::test]
async fn every_route_is_served_below_the_prefix_and_without_it() {
    for route in routes() {
        let (method, template) = (route.method(), route.template());
        let row = ROWS.iter().find(|row| (row.0, row.1) == (method.as_str(), template)).unwrap();
        for path in [
            row.2.to_owned(),
            format!("{PREFIX}{}", row.2),
            format!("{}{}", PREFIX.to_uppercase(), row.2),
            format!("{PREFIX}{}/", row.2.trim_end_matches('/')),
        ] {
            let request = by(ADMINISTRATOR, method.clone(), &path).set_payload(row.3);
            let (status, _, body) = send(&world_of_the_table(), request).await;
            assert_eq!(status, row.4[3], "{method} {path}: {body}");
        }
        let other = by(ADMINISTRATOR, method.clone(), &format!("/other{}", row.2)).set_payload(row.3);
        assert_eq!(send(&world_of_the_table(), other).await.0, 404, "{method} {template}");
    }
    let bare = send(&World::new(), TestRequest::with_uri(PREFIX)).await;
    assert_eq!(serde_json::from_str::<Value>(&bare.2).unwrap()["name"], "Guildhall");
}

#[actix_web::test]
async fn every_link_has_the_prefix() {
    let world = World::new();
    let get = async |path: &str| send(&world, TestRequest::with_uri(path)).await.2;
    let read = async |path: &str| serde_json::from_str::<Value>(&get(path).await).unwrap();
    let link = |path: &str| format!("{PREFIX}{path}");
    let expected =
        json!({ "docs": link("/docs"), "openapi": link("/api/openapi.json"), "health": link("/health/ready") });
    assert_eq!(read("/").await["links"], expected);
    assert_eq!(read("/api/openapi.json").await["servers"], json!([{ "url": PREFIX }]));
    let place = "/authenticate/.well-known/openid-configuration";
    let issuer = read(place).await;
    let base = format!("http://localhost:8080{PREFIX}");
    assert_eq!(issuer["token_endpoint"], format!("{base}/authenticate/connect/token"));
    assert_eq!(issuer["jwks_uri"], format!("{base}{place}/jwks"));
    for (path, body, below) in [
        ("users", r#"{"email":"t@x.com","credentials":{"password":"pr0j3ctM4yh3m"}}"#, "users"),
        ("groups", r#"{"name":"Soap"}"#, "groups"),
        ("apiKeys", r#"{"name":"Factory"}"#, "apiKeys"),
    ] {
        let request = by(ADMINISTRATOR, Method::POST, &format!("/api/security/{path}")).set_payload(body);
        let (status, location, body) = send(&world, request).await;
        let location = location.unwrap();
        assert_eq!(status, 201, "{body}");
        assert!(location.starts_with(&link(&format!("/api/security/{below}/"))), "{location}");
        assert_eq!(send(&world, by(ADMINISTRATOR, Method::GET, &location)).await.0, 200, "{location}");
    }
}

#[actix_web::test]
async fn the_documentation_loads_from_below_the_prefix() {
    let world = World::new();
    let page = send(&world, TestRequest::with_uri(&format!("{PREFIX}/docs"))).await.2;
    let mut links: Vec<_> =
        page.split(['"', '>', '<']).filter(|part| part.starts_with('/') && part.len() > 9).collect();
    links.retain(|link| !["/script", "/noscript"].contains(link));
    assert!(links.len() >= 6, "{page}");
    let start = send(&world, TestRequest::with_uri(&format!("{PREFIX}/docs/start.js"))).await.2;
    links.push(start.split('"').nth(1).unwrap());
    for link in links {
        assert!(link.starts_with(PREFIX), "{link} in {page}{start}");
        assert_eq!(send(&world, TestRequest::with_uri(link)).await.0, 200, "{link}");
    }
    // Without a prefix there is none anywhere.
    let document = world.send(TestRequest::with_uri("/api/openapi.json")).await.json();
    assert_eq!(document.get("servers"), None);
    let plain = world.send(TestRequest::with_uri("/docs")).await.body;
    assert!(plain.contains("\"/docs/start.js\"") && !plain.contains('{'), "{plain}");
}
