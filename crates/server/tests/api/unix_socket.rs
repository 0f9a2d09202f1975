//! Listening on a Unix socket.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::app::{Setup, TestApp};
use crate::database::Kind;
use crate::server::Server;
use crate::waiting::until;

on_both_databases! { requests_are_answered_through_a_socket }

const SOCKET: &str = "GUILDHALL_SERVER__UNIX_SOCKET";

fn path(setup: &Setup) -> PathBuf {
    setup.database.path().join("http.sock")
}

async fn listening(kind: Kind) -> Setup {
    let setup = Setup::on(kind).await;
    let path = path(&setup);
    setup.with(SOCKET, path.to_str().unwrap())
}

/// What curl gets from there: the status and the body.
fn curl(app: &TestApp, arguments: &[&str], target: &str) -> (u16, String) {
    let output = Command::new("curl")
        .args(["-sS", "--unix-socket", path(&app.setup).to_str().unwrap(), "-w", "\n%{http_code}"])
        .args(arguments)
        .arg(format!("http://localhost{target}"))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let (body, status) = said.rsplit_once('\n').unwrap();
    (status.parse().unwrap_or(0), body.to_owned())
}

async fn requests_are_answered_through_a_socket(kind: Kind) {
    let mut app = listening(kind).await.start();
    assert_eq!(app.server.url, format!("unix:{}", path(&app.setup).display()));
    let token = format!("Authorization: Bearer {}", app.token);
    assert_eq!(curl(&app, &[], "/health/ready").0, 200);
    let (status, body) = curl(&app, &["-H", &token], "/api/security/users/@current");
    assert_eq!((status, body.contains("\"admin\"")), (200, true), "{body}");
    let create = ["-H", &token, "-H", "Content-Type: application/json", "-d", r#"{"name":"Soap"}"#];
    assert_eq!(curl(&app, &create, "/api/security/groups").0, 201);
    // A larger body, which is read as it comes.
    let large = format!("[{}]", vec![r#""75490b0f-56f7-4690-a20a-6f2a822f1d3f""#; 20_000].join(","));
    let file = app.setup.database.path().join("large.json");
    fs::write(&file, large).unwrap();
    let data = format!("@{}", file.display());
    let bulk = ["-H", &token, "-H", "Content-Type: application/json", "-d", &data];
    assert_eq!(curl(&app, &bulk, "/api/security/groups/Soap/users").0, 404);
    let (_, body) = curl(&app, &[], "/authenticate/.well-known/openid-configuration");
    let discovery: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(discovery["token_endpoint"], "http://localhost/authenticate/connect/token");
    app.server.terminate();
    assert_eq!(app.server.ended().await.code(), Some(0), "{}", app.server.output());
    assert!(!path(&app.setup).exists(), "the socket is left");
}

#[tokio::test]
async fn the_socket_has_the_mode_that_is_set() {
    for (mode, expected) in [("", 0o660), ("600", 0o600), ("0666", 0o666)] {
        let app = listening(Kind::Sqlite).await.with("GUILDHALL_SERVER__UNIX_SOCKET_MODE", mode).start();
        let found = fs::metadata(path(&app.setup)).unwrap();
        assert!(found.file_type().is_socket());
        assert_eq!(found.permissions().mode() & 0o777, expected, "{mode}");
    }
}

#[tokio::test]
async fn only_the_socket_of_a_process_that_has_ended_is_replaced() {
    let mut app = listening(Kind::Sqlite).await.start();
    let refused = |setup: &Setup, said: &str| {
        for arguments in [&["serve"][..], &["config", "check"]] {
            let output = setup.run(arguments);
            let error = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
            assert!(error.contains("server.unix_socket: ") && error.contains(said), "{arguments:?}: {error}");
        }
    };
    refused(&app.setup, "another process listens there");
    assert_eq!(curl(&app, &[], "/health/live").0, 200);
    // A killed process leaves its socket.
    app.server.kill();
    assert!(path(&app.setup).exists());
    app.restart();
    assert_eq!(curl(&app, &[], "/health/live").0, 200);
    let setup = app.stop();
    fs::remove_file(path(&setup)).unwrap();
    fs::write(path(&setup), "precious").unwrap();
    refused(&setup, "there is a file that is no socket");
    assert_eq!(fs::read_to_string(path(&setup)).unwrap(), "precious");
    fs::remove_file(path(&setup)).unwrap();
    // One that listens and does not answer.
    let listener = UnixListener::bind(path(&setup)).unwrap();
    refused(&setup, "another process listens there");
    drop(listener);
    Server::start(&setup);
    let setup = setup.with(SOCKET, "/nowhere/http.sock");
    refused(&setup, "there is no folder /nowhere");
    let long = format!("/tmp/{}", "x".repeat(120));
    refused(&setup.with(SOCKET, &long), "too long");
}

#[tokio::test]
async fn the_socket_of_another_process_is_left_at_the_end() {
    let mut app = listening(Kind::Sqlite).await.start();
    fs::remove_file(path(&app.setup)).unwrap();
    let _other = UnixListener::bind(path(&app.setup)).unwrap();
    app.server.terminate();
    assert_eq!(app.server.ended().await.code(), Some(0), "{}", app.server.output());
    assert!(UnixStream::connect(path(&app.setup)).is_ok());
}

#[tokio::test]
async fn the_other_side_is_believed_when_it_says_from_where_a_request_came() {
    let app = listening(Kind::Sqlite).await.start();
    let forwarded = ["-H", "X-Forwarded-For: 192.0.2.7", "-H", "X-Forwarded-Proto: https"];
    let (_, body) = curl(&app, &forwarded, "/authenticate/.well-known/openid-configuration");
    let discovery: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(discovery["token_endpoint"], "https://localhost/authenticate/connect/token");
    until("the address is in the log", async || app.server.output().contains("192.0.2.7")).await;
}

#[tokio::test]
async fn connections_through_a_socket_count_in_all_and_not_per_address() {
    let app = listening(Kind::Sqlite)
        .await
        .with("GUILDHALL_SERVER__MAX_CONNECTIONS", "16")
        .with("GUILDHALL_SERVER__MAX_CONNECTIONS_PER_ADDRESS", "1")
        .start();
    // Opened anew each time, because a connection that says nothing ends by itself.
    let beside = |others: usize, target: &str| {
        let _held: Vec<_> = (0..others).map(|_| UnixStream::connect(path(&app.setup)).unwrap()).collect();
        curl(&app, &[], target).0
    };
    until("fifteen leave room for one", async || beside(15, "/health/ready") == 200).await;
    until("sixteen leave none", async || beside(16, "/health/ready") == 503).await;
    assert_eq!(beside(16, "/health/live"), 200);
    until("others are answered again", async || curl(&app, &[], "/health/ready").0 == 200).await;
}
