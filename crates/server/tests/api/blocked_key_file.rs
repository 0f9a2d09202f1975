//! A key file on a file system that does not answer.

use std::fs;
use std::process::Command;
use std::time::Duration;

use guildhall_auth::SigningKey;
use reqwest::Method;

use crate::answer::Answer;
use crate::app::{Setup, TestApp};
use crate::authentication::DENIED;
use crate::database::Kind;
use crate::waiting::until;

on_both_databases! { requests_go_on_while_the_key_file_cannot_be_read }

async fn status(app: &TestApp, token: &str) -> u16 {
    let answer = Answer::to(app.request_by(token, Method::GET, "/users/@current")).await;
    assert!(answer.status == 200 || answer.body == DENIED, "{answer:?}");
    answer.status
}

/// Opening a FIFO for reading blocks until somebody writes. There is one asynchronous thread: were it blocked, nothing would be answered.
async fn requests_go_on_while_the_key_file_cannot_be_read(kind: Kind) {
    let app = Setup::on(kind).await.with("GUILDHALL_SERVER__WORKERS", "1").start();
    let file = app.signing_key_file();
    let old = fs::read_to_string(&file).unwrap();
    // A token by a key that the file gets later.
    let pem = SigningKey::generate_pem().unwrap() + &old;
    fs::write(&file, &pem).unwrap();
    let new = app.token_of("admin");
    // The service may have seen it; so it is taken away, and the service is asked until it has seen that.
    fs::write(&file, &old).unwrap();
    until("the key is unknown", async || status(&app, &new).await == 401).await;
    let fifo = file.with_extension("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    fs::rename(&fifo, &file).unwrap();

    let refused = async { status(&app, &new).await };
    let others = async {
        for _ in 0..20 {
            assert_eq!(status(&app, &app.token).await, 200);
            let parameters = [("grant_type", "password"), ("username", "admin"), ("password", crate::app::PASSWORD)];
            Answer::to(app.request_for_token(&parameters)).await.is(200);
            let published = format!("{}/authenticate/.well-known/openid-configuration/jwks", app.server.url);
            Answer::to(app.client.get(published)).await.is(200);
            Answer::to(app.client.get(format!("{}/health/ready", app.server.url))).await.is(200);
        }
    };
    // The token with the unknown key waits for the file for a while; nobody else does.
    let all = tokio::time::timeout(Duration::from_mins(1), async { tokio::join!(refused, others).0 });
    assert_eq!(all.await, Ok(401), "the service is blocked");
    assert_eq!(status(&app, &app.token).await, 200);

    let writing = tokio::task::spawn_blocking(move || fs::write(&file, pem).unwrap());
    until("the new key is known", async || status(&app, &new).await == 200).await;
    writing.await.unwrap();
    assert_eq!(status(&app, &app.token).await, 200);
}
