//! Settings that are read again on SIGHUP.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{API, GROUP, Setup, TestApp, USERS};
use crate::database::Kind;
use crate::issuer::Issuer;
use crate::server::Server;
use crate::socket::{Wire, head};
use crate::waiting::until;

on_both_databases! {
    limits_and_the_level_of_the_log_are_read_again,
    issuers_are_read_again,
}

/// A server with a file of settings that can be changed.
fn start(setup: Setup, settings: &str) -> TestApp {
    setup.start_with(settings)
}

/// Changes the file, and waits until the server has said this about it.
async fn reload(app: &TestApp, settings: &str, said: &str) {
    fs::write(app.setup.database.path().join("guildhall.toml"), settings).unwrap();
    let before = app.server.output().matches(said).count();
    app.server.signal("HUP");
    let output = || app.server.output().matches(said).count();
    until(&format!("the server says: {said}"), async || output() > before).await;
}

async fn limits_and_the_level_of_the_log_are_read_again(kind: Kind) {
    let app = start(Setup::on(kind).await, "[limits]\nbulk_ids = 3\n");
    app.create_documented().await;
    // A request that is being answered is not touched, nor is its connection.
    let mut wire = Wire::to(&app);
    let body = json!(USERS[..3]).to_string();
    let (first, rest) = body.split_at(body.len() / 2);
    wire.send(&format!("{}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n", head(&app.token), body.len()));
    assert_eq!(wire.answer().0, 100);
    wire.send(first);
    let path = format!("/groups/{GROUP}/users/");
    let post = async || app.post(&path, &json!(USERS)).await.status;
    assert_eq!(post().await, 413);
    reload(&app, "[limits]\nbulk_ids = 5\n", "in effect from now on: limits.bulk_ids").await;
    assert_eq!(post().await, 204);
    wire.send(rest);
    assert_eq!(wire.answer().0, 204);
    // One bad value leaves all as it was.
    let bad = "[limits]\nbulk_ids = 2\nbody_bytes = 'many'\n";
    reload(&app, bad, "SIGHUP: the settings stay as they were").await;
    assert!(app.server.output().contains("limits.body_bytes: expected a whole number"), "{}", app.server.output());
    assert_eq!(post().await, 204);
    reload(&app, "[limits\n", "SIGHUP: the settings stay as they were").await;
    assert_eq!(post().await, 204);
    // The level: debug shows more, error nothing of requests.
    let quiet = "[limits]\nbulk_ids = 5\n[log]\nlevel = 'warn'\n";
    fs::write(app.setup.database.path().join("guildhall.toml"), quiet).unwrap();
    app.server.signal("HUP");
    until("requests are not in the log", async || {
        let before = app.server.output().matches("answered 200").count();
        assert_eq!(app.get("/groups/Everyone").await.status, 200);
        assert_eq!(app.get("/groups/nobody").await.status, 404);
        app.server.output().matches("answered 200").count() == before
    })
    .await;
    reload(&app, "[limits]\nbulk_ids = 5\n", "in effect from now on: log.level").await;
    let before = app.server.output().matches("answered 200").count();
    assert_eq!(app.get("/groups/Everyone").await.status, 200);
    until("requests are in the log", async || app.server.output().matches("answered 200").count() > before).await;
}

#[tokio::test]
async fn failed_sign_ins_are_counted_by_the_limits_of_the_moment() {
    let app = start(Setup::on(Kind::Sqlite).await, "[limits]\ntoken_requests_per_account = 2\n");
    let fail = async || {
        let form = [("grant_type", "password"), ("username", "nobody"), ("password", "wrong")];
        Answer::to(app.request_for_token(&form)).await.status
    };
    assert_eq!([fail().await, fail().await, fail().await], [400, 400, 429]);
    reload(&app, "[limits]\ntoken_requests_per_account = 2\nbulk_ids = 9\n", "in effect from now on: limits.bulk_ids")
        .await;
    assert_eq!(fail().await, 429, "the count is kept if its limit is");
    let more = "[limits]\ntoken_requests_per_account = 60\n";
    reload(&app, more, "limits.token_requests_per_account").await;
    assert_eq!(fail().await, 400);
}

#[tokio::test]
async fn what_takes_a_new_start_is_said_and_secrets_are_not() {
    let app = start(Setup::on(Kind::Sqlite).await, "");
    let changed = "[server]\nshutdown_timeout = 1\n[bootstrap]\nclient_secret = 's3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t'\n\
                   client_id = '8a4d2f6c-39a1-4d27-9c5e-5f3d0c6b7e10'\n[limits]\nbulk_ids = 7\n";
    let said = "changed, and not in effect before the service is started again: \
                bootstrap.client_id, bootstrap.client_secret, server.shutdown_timeout";
    reload(&app, changed, said).await;
    let output = app.server.output();
    assert!(output.contains("in effect from now on: limits.bulk_ids") && !output.contains("s3cr3t"), "{output}");
    // It is said again for as long as it is so.
    reload(&app, changed, said).await;
    reload(&app, "[limits]\nbulk_ids = 7\n", "SIGHUP: no setting has changed that is read again").await;
}

async fn issuers_are_read_again(kind: Kind) {
    let setup = Setup::on(kind).await;
    let mut issuer = Issuer::start(setup.database.path());
    let app = start(setup, "");
    app.create_user("marla").await;
    let table = |lines: &str| issuer.table("elsewhere", &format!("name_claim = 'sub'\nlink_existing = true\n{lines}"));
    let (trusting, stranger) = (table(""), table("").replace("paper-street", "somebody-else"));
    let elsewhere = table("jwks_url = 'http://127.0.0.1:1/jwks'\n");
    let token = issuer.token("marla", &json!({}));
    let me = async || Answer::to(app.request_by(&token, Method::GET, "/users/@current")).await.status;
    let in_effect = "in effect from now on: auth.issuers.elsewhere.";
    assert_eq!(me().await, 401);
    reload(&app, &trusting, in_effect).await;
    until("the keys are there", async || me().await == 200).await;
    // Keys that are known are kept while other settings of the issuer change.
    issuer.stop();
    reload(&app, &format!("{trusting}scopes = ['openid']\n"), "auth.issuers.elsewhere.scopes").await;
    assert_eq!(me().await, 200);
    // A token that was verified before is verified again.
    reload(&app, &stranger, "auth.issuers.elsewhere.audiences").await;
    assert_eq!(me().await, 401);
    reload(&app, &trusting, in_effect).await;
    assert_eq!(me().await, 200);
    // One bad issuer leaves all as it was, and limits beside it too.
    let bad = format!("{trusting}algorithms = ['none']\n[limits]\nbody_bytes = 1\n");
    reload(&app, &bad, "SIGHUP: the settings stay as they were").await;
    assert_eq!(me().await, 200);
    assert_eq!(app.post("/groups", &json!({ "name": "Soap" })).await.status, 201);
    reload(&app, &elsewhere, in_effect).await;
    assert_eq!(me().await, 401);
    reload(&app, "", in_effect).await;
    assert_eq!(me().await, 401);
    assert_eq!(app.get("/groups/Everyone").await.status, 200);
    let _: Value = app.get("/groups/Soap").await.json();
}

#[tokio::test]
async fn a_file_that_a_variable_names_is_read_again_too() {
    let setup = Setup::on(Kind::Sqlite).await;
    let file = setup.database.path().join("bulk-ids");
    fs::write(&file, "3\n").unwrap();
    let setup = setup.with("GUILDHALL_LIMITS__BULK_IDS_FILE", file.to_str().unwrap());
    let app = setup.start();
    app.create_documented().await;
    let post = async || app.post(&format!("/groups/{GROUP}/users/"), &json!(USERS)).await.status;
    assert_eq!(post().await, 413);
    fs::write(&file, "5").unwrap();
    app.server.signal("HUP");
    until("the limit is in effect", async || post().await == 204).await;
    assert!(app.url("").ends_with(API));
}

/// A signal that comes before the service listens is not lost, and does not end it.
#[tokio::test]
async fn a_signal_at_the_start_is_kept() {
    let setup = Setup::on(Kind::Sqlite).await;
    let server = Server::start(&setup);
    server.signal("HUP");
    until("it is in the log", async || server.output().contains("SIGHUP: no setting has changed")).await;
}
