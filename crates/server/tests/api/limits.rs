//! Lists and bodies past the limits: refused, and nobody is added.

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{GROUP, Setup, TestApp, Transport, USERS};
use crate::database::Kind;
use crate::socket::{Wire, head};

on_both_databases_and_over_tls! {
    a_list_past_the_limit_of_ids_adds_nobody,
    a_list_past_the_limit_of_bytes_adds_nobody,
    other_bodies_have_a_smaller_limit,
}

async fn documented(setup: Setup) -> TestApp {
    let app = setup.start();
    app.create_documented().await;
    app
}

fn too_large(answer: &Answer) {
    let message = answer.json()["message"].as_str().unwrap().to_owned();
    answer.is_error(413, &message, &Value::Null);
}

async fn a_list_past_the_limit_of_ids_adds_nobody(kind: Kind, transport: Transport) {
    let app = documented(Setup::on(kind).await.speaking(transport).with("GUILDHALL_LIMITS__BULK_IDS", "3")).await;
    let path = format!("/groups/{GROUP}/users/");
    too_large(&app.post(&path, &json!(USERS[..4])).await);
    assert_eq!(app.member_count(GROUP).await, 0);
    assert_eq!(app.post(&path, &json!(USERS[..3])).await.status, 204);
    assert_eq!(app.member_count(GROUP).await, 3);
}

async fn a_list_past_the_limit_of_bytes_adds_nobody(kind: Kind, transport: Transport) {
    let fits = json!(USERS[..2]).to_string();
    let limit = fits.len().to_string();
    let app = documented(Setup::on(kind).await.speaking(transport).with("GUILDHALL_LIMITS__BULK_BYTES", &limit)).await;
    let post =
        || app.request(Method::POST, &format!("/groups/{GROUP}/users/")).header("Content-Type", "application/json");
    too_large(&Answer::to(post().body(format!("{fits} "))).await);
    let mut wire = Wire::to(&app);
    wire.send(&format!(
        "{}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{fits}\r\n1\r\n \r\n0\r\n\r\n",
        head(&app.token),
        fits.len()
    ));
    assert_eq!(wire.answer().0, 413);
    assert_eq!(app.member_count(GROUP).await, 0);
    assert_eq!(Answer::to(post().body(fits)).await.status, 204);
    assert_eq!(app.member_count(GROUP).await, 2);
}

async fn other_bodies_have_a_smaller_limit(kind: Kind, transport: Transport) {
    let app = documented(Setup::on(kind).await.speaking(transport).with("GUILDHALL_LIMITS__BODY_BYTES", "200")).await;
    too_large(&app.post("/groups", &json!({ "name": "Large", "description": "x".repeat(200) })).await);
    assert_eq!(app.get("/groups/Large").await.status, 404);
    assert_eq!(app.post("/groups", &json!({ "name": "Small" })).await.status, 201);
    assert_eq!(app.post(&format!("/groups/{GROUP}/users/"), &json!(USERS)).await.status, 204);
}
