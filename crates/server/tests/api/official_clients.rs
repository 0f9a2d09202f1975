//! The platform's published clients, unchanged, against the server.

use std::process::Command;

use serde_json::{Value, json};

use crate::app::{PASSWORD, Setup, TestApp};
use crate::database::Kind;
use crate::published::{javascript, python, run};

on_both_databases! {
    the_published_javascript_client_can_do_all_that_it_can_do,
    the_published_javascript_client_copes_with_tokens_that_end_at_once,
    the_published_python_client_can_do_all_that_it_can_do,
}

const CLIENT_ID: &str = "8a4d2f6c-39a1-4d27-9c5e-5f3d0c6b7e10";
const CLIENT_SECRET: &str =
    "0123456789abcdef0123456789abcdef-0123456789abcdef0123456789abcdef-0123456789abcdef0123456789abcdef";

async fn the_published_javascript_client_can_do_all_that_it_can_do(kind: Kind) {
    run_javascript(with_a_key(kind).await.start()).await;
}

/// The client takes a token for expired a minute early: here after a second, so that it signs in before nearly every call.
async fn the_published_javascript_client_copes_with_tokens_that_end_at_once(kind: Kind) {
    run_javascript(with_a_key(kind).await.with("GUILDHALL_AUTH__ACCESS_TOKEN_TTL", "61").start()).await;
}

async fn the_published_python_client_can_do_all_that_it_can_do(kind: Kind) {
    let app = TestApp::on(kind).await;
    run_script(app, json!({ "username": "admin", "password": PASSWORD }), |url, settings| {
        let folder = python();
        let mut command = Command::new(folder.join("venv/bin/python"));
        command.arg("smoke.py").args([url, settings]).current_dir(folder);
        command
    })
    .await;
}

/// A server with an API key from the start, which the clients' own tests make use of as often as they like.
async fn with_a_key(kind: Kind) -> Setup {
    Setup::on(kind)
        .await
        .with("GUILDHALL_BOOTSTRAP__CLIENT_ID", CLIENT_ID)
        .with("GUILDHALL_BOOTSTRAP__CLIENT_SECRET", CLIENT_SECRET)
        .with("GUILDHALL_LIMITS__TOKEN_REQUESTS_PER_ADDRESS", "0")
        .with("GUILDHALL_LIMITS__TOKEN_REQUESTS_PER_ACCOUNT", "0")
}

async fn run_javascript(app: TestApp) {
    let settings = json!({
        "username": "admin", "password": PASSWORD,
        "clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET, "keyName": "Bootstrap",
    });
    run_script(app, settings, |url, settings| {
        let mut command = Command::new("node");
        command.arg("client.mjs").args([url, settings, "--search"]).current_dir(javascript());
        command
    })
    .await;
}

/// Runs a script, whose last line tells how many checks went well.
async fn run_script(app: TestApp, settings: Value, command: fn(&str, &str) -> Command) {
    let url = app.server.url.clone();
    let said = tokio::task::spawn_blocking(move || run(&mut command(&url, &settings.to_string()))).await.unwrap();
    assert!(said.lines().last().is_some_and(|line| line.starts_with("ok ")), "{said}");
}
