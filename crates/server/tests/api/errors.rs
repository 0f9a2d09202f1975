//! Whatever goes wrong is said in the API's form.

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{GROUP, TestApp, USERS};
use crate::database::Kind;

on_both_databases! {
    paths_and_methods_that_do_not_exist_are_errors_in_json,
    bodies_that_are_no_list_of_ids_are_errors_in_json,
    taken_names_and_invalid_fields_are_said_by_name,
    the_health_of_the_service_can_be_asked_by_anybody,
}

fn in_form(answer: &Answer, status: u16) {
    let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
    assert!(!message.is_empty(), "{answer:?}");
    answer.is_error(status, &message, &Value::Null);
}

async fn paths_and_methods_that_do_not_exist_are_errors_in_json(kind: Kind) {
    let app = TestApp::on(kind).await;
    for path in ["/nothing", "/", "", "/groups/a/b/c/d", "/groups/Everyone/userss", "/users/a/b"] {
        in_form(&app.get(path).await, 404);
    }
    let elsewhere = app.client.get(format!("{}/favicon.ico", app.server.url));
    in_form(&Answer::to(elsewhere).await, 404);
    for (method, path) in [
        (Method::PUT, "/groups/Everyone/users"),
        (Method::PUT, "/groups"),
        (Method::GET, "/groups/Everyone/users/admin"),
        (Method::POST, "/groups/Everyone/users/admin"),
        (Method::TRACE, "/groups/Everyone/users"),
    ] {
        let answer = Answer::to(app.request(method.clone(), path)).await;
        in_form(&answer, 405);
        assert!(!answer.headers["allow"].contains(method.as_str()), "{answer:?}");
    }
}

async fn bodies_that_are_no_list_of_ids_are_errors_in_json(kind: Kind) {
    let app = TestApp::on(kind).await;
    app.create_documented().await;
    let path = format!("/groups/{GROUP}/users/");
    let post = |content_type: &str, body: Vec<u8>| {
        Answer::to(app.request(Method::POST, &path).header("Content-Type", content_type).body(body))
    };
    let list = json!(USERS).to_string();
    let deep = "[".repeat(100_000);
    let texts =
        ["", " ", "{", "[", "[,]", "null", "1", "\"\"", "{}", "not json", "[] []", "[\"\\ud800\"]", deep.as_str()];
    for text in texts.iter().map(|text| text.as_bytes().to_vec()).chain([
        list.as_bytes()[..50].to_vec(),
        vec![0xff, 0xfe],
        vec![0],
    ]) {
        in_form(&post("application/json", text).await, 400);
    }
    for content_type in
        ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense"]
    {
        in_form(&post(content_type, list.clone().into_bytes()).await, 415);
    }
    assert_eq!(app.member_count(GROUP).await, 0);
    for content_type in ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"] {
        assert_eq!(post(content_type, list.clone().into_bytes()).await.status, 204, "{content_type}");
    }
    let without = Answer::to(app.request(Method::POST, &path).body(list)).await;
    assert_eq!(without.status, 204, "a missing content type is accepted: {without:?}");
}

async fn taken_names_and_invalid_fields_are_said_by_name(kind: Kind) {
    let app = TestApp::on(kind).await;
    app.create_documented().await;
    let taken = app.post("/groups", &json!({ "name": "PAPER street Soap Company" })).await;
    taken.is_error(409, "A group with the name 'PAPER street Soap Company' already exists", &Value::Null);
    in_form(&app.post("/groups", &json!({ "id": GROUP, "name": "Another" })).await, 409);
    let unnamed = app.post("/groups", &json!({})).await;
    let expected = json!([{ "field": "name", "message": "The group name is required" }]);
    assert_eq!(
        (unnamed.status, &unnamed.json()["data"], &unnamed.json()["type"]),
        (422, &expected, &json!("Validation"))
    );
    let weak =
        app.post("/users", &json!({ "email": "bob@fightclub.com", "credentials": { "password": "MyPassword" } })).await;
    let expected = json!([{ "field": "credentials.password",
        "message": "The password must mix three or more of: lower case, upper case, digits, symbols" }]);
    assert_eq!((weak.status, &weak.json()["data"]), (422, &expected));
    assert!(!weak.body.contains("MyPassword"));
}

async fn the_health_of_the_service_can_be_asked_by_anybody(kind: Kind) {
    let app = TestApp::on(kind).await;
    for path in ["/health/live", "/health/ready"] {
        let answer = Answer::to(app.client.get(format!("{}{path}", app.server.url))).await;
        assert!([200, 204].contains(&answer.status), "{path}: {answer:?}");
        assert!(answer.body.is_empty() || answer.json().is_object(), "{answer:?}");
    }
}
