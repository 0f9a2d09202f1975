//! API keys as JSON.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::world::{World, error, invalid};

const KEYS: &str = "/api/security/apiKeys";

#[actix_web::test]
async fn a_key_is_shown_with_its_secret_once() {
    let world = World::new();
    let body = r#"{"NAME":"Factory","description":"Soap","scopes":["openid","Entry_Read_website"],"id":"ignored"}"#;
    let created = world.post(KEYS, body).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let mut key = created.json();
    let id = key["id"].as_str().unwrap().to_owned();
    assert_eq!(created.header("location"), Some(format!("{KEYS}/{id}").as_str()));
    let secret = key["flows"][0]["clientSecret"].take();
    assert_eq!(secret.as_str().map(str::len), Some(98));
    assert_eq!(
        key,
        json!({
            "id": id, "name": "Factory", "description": "Soap", "enabled": true,
            "flows": [{ "id": id, "grantType": "clientCredential", "clientId": id, "clientSecret": null }],
            "scopes": ["openid"], "userId": key["userId"],
            "created": "2026-01-02T03:04:05.678Z", "createdBy": "admin",
            "modified": "2026-01-02T03:04:05.678Z", "modifiedBy": "admin",
        })
    );
    for path in
        [format!("{KEYS}/{id}"), format!("{KEYS}/factory/"), format!("/api/management/security/apikeys/{{{id}}}")]
    {
        assert_eq!(world.ask(Method::GET, &path.replace('{', "%7B").replace('}', "%7D")).await.json(), key, "{path}");
    }
    let page = world.ask(Method::GET, KEYS).await.json();
    assert_eq!((&page["totalCount"], &page["items"]), (&json!(1), &json!([key])));
    let rotated = world.ask(Method::POST, &format!("{KEYS}/{id}/secret")).await.json();
    let another = rotated["flows"][0]["clientSecret"].clone();
    assert!(another.is_string() && another != secret);
}

#[actix_web::test]
async fn a_key_changes_and_goes() {
    let world = World::new();
    world.add_api_key("Factory");
    world.add_api_key("Mill");
    let change = |body: Value| {
        let request = crate::world::by(crate::world::ADMINISTRATOR, Method::PUT, "/api/security/apiKeys/Factory");
        world.send(request.set_payload(body.to_string()))
    };
    let changed = change(json!({ "enabled": false, "description": null })).await.json();
    assert_eq!((&changed["enabled"], &changed["name"]), (&json!(false), &json!("Factory")));
    let message = "There are validation errors in the API key";
    let expected = invalid(message, &[("name", "The API key name is already in use")]);
    assert_eq!(change(json!({ "name": "mill" })).await.error(), expected);
    let expected = invalid(message, &[("name", "The API key name is required")]);
    assert_eq!(change(json!({ "name": "" })).await.error(), expected);
    assert_eq!(world.post(KEYS, "{}").await.error(), expected);
    let conflict = error(409, "An API key or a user with the name 'BOB' already exists");
    assert_eq!(world.post(KEYS, r#"{"name":"BOB"}"#).await.error(), conflict);
    assert_eq!(world.ask(Method::DELETE, "/api/security/apiKeys/Factory").await.bare(), 204);
    let gone = error(404, "API key not found");
    assert_eq!(world.ask(Method::DELETE, "/api/security/apiKeys/Factory").await.error(), gone);
}
