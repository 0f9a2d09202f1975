//! What must never be in the log.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::answer::Answer;
use crate::app::{GROUP, PASSWORD, Setup, Transport, USERS};
use crate::audit::{by_password, sign_in};
use crate::client::Client;
use crate::database::Kind;

on_both_databases_and_over_tls! {
    no_token_password_or_key_is_ever_logged,
}

async fn no_token_password_or_key_is_ever_logged(kind: Kind, transport: Transport) {
    let mut app = Setup::on(kind).await.speaking(transport).with("GUILDHALL_LOG__LEVEL", "trace").start();
    app.create_documented().await;
    assert_eq!(app.post(&format!("/groups/{GROUP}/users"), &json!(USERS)).await.status, 204);
    let marla = app.create_user("marla").await;
    let token = app.token_of(&marla);
    assert_eq!(Answer::to(app.request_by(&token, Method::GET, "/groups/Everyone")).await.status, 403);
    assert_eq!(
        Answer::to(app.request_by("an.unknown-token.indeed", Method::GET, "/groups/Everyone")).await.status,
        401
    );
    let weak = json!({ "email": "b@fightclub.com", "credentials": { "password": "MyOwnPassword" } });
    assert_eq!(app.post("/users", &weak).await.status, 422);
    let broken = app.request(Method::POST, "/users").header("Content-Type", "application/json");
    assert_eq!(Answer::to(broken.body(r#"{"credentials":{"password":"MyOwnPassword""#)).await.status, 400);
    let session = by_password(&app, "admin", PASSWORD).await;
    let refresh_token = session.json()["refresh_token"].as_str().unwrap().to_owned();
    sign_in(&app, &[("grant_type", "refresh_token"), ("refresh_token", &refresh_token)]).await.is(200);
    let key = app.post("/apiKeys", &json!({ "name": "Factory" })).await.json();
    let flow = &key["flows"][0];
    let (id, client_secret) = (flow["clientId"].as_str().unwrap(), flow["clientSecret"].as_str().unwrap());
    sign_in(&app, &[("grant_type", "client_credentials"), ("client_id", id), ("client_secret", client_secret)])
        .await
        .is(200);
    sign_in(&app, &[("grant_type", "client_credentials"), ("client_id", id), ("client_secret", "unknown-secret")])
        .await
        .is(400);
    by_password(&app, "marla", "MyWr0ngPassword").await.is(400);
    let herself = Client::of(&app, "marla");
    let change = json!({ "existing": "F1ghtC1ub1234!", "new": "MyN3wPassword!" });
    herself.send_with("POST", "/users/@current/credentials/password", &change).await.is(200);
    let rotated = app.post(&format!("/apiKeys/{id}/secret"), &json!({})).await.is(200).json();
    let rotated = rotated["flows"][0]["clientSecret"].as_str().unwrap();
    let joined = format!("/groups/System Administrators/users/{marla}");
    app.put(&joined).await.is(204);
    app.server.terminate();
    assert_eq!(app.server.ended().await.code(), Some(0));
    while !app.server.output().contains("stopped") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let output = app.server.output();
    assert!(output.contains(r#""target":"audit""#), "nothing was audited:\n{output}");
    assert!(output.contains(GROUP), "nothing was logged:\n{output}");
    let key = std::fs::read_to_string(app.signing_key_file()).unwrap();
    let key = key.lines().nth(1).unwrap();
    let database = app.setup.database.password();
    let signature = |token: &str| token.rsplit_once('.').unwrap().1.to_owned();
    let secrets = [
        PASSWORD,
        "F1ghtC1ub1234!",
        "MyOwnPassword",
        key,
        &signature(&app.token),
        &signature(&token),
        "unknown-token",
        &refresh_token,
        client_secret,
        "unknown-secret",
        "MyWr0ngPassword",
        "MyN3wPassword!",
        rotated,
    ];
    for secret in secrets.into_iter().chain(database.as_deref()).chain(["$argon2"]) {
        let line = output.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}
