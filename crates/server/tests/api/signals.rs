//! Signals that do not mean that the server should stop.

use std::process::{Command, Stdio};

use crate::app::{Setup, TestApp};
use crate::database::Kind;
use crate::server::Server;
use crate::waiting::until;

on_both_databases! { only_those_signals_stop_it_that_ask_it_to }

fn send(server: &Server, signal: &str) {
    let sent = Command::new("sh").arg("-c").arg(format!("kill -{signal} {}", server.pid())).status().unwrap();
    assert!(sent.success());
}

async fn only_those_signals_stop_it_that_ask_it_to(kind: Kind) {
    let mut app = TestApp::on(kind).await;
    for signal in ["HUP", "USR1", "USR2", "PIPE"] {
        for count in 1..=2 {
            send(&app.server, signal);
            if signal != "PIPE" {
                let line = format!("SIG{signal}: ignored; settings are read at the start only");
                let lines = || app.server.output().matches(&line).count();
                until("the signal is in the log", async || lines() >= count).await;
            }
            assert_eq!(app.get("/groups/Everyone").await.status, 200, "{signal}");
        }
    }
    app.server.terminate();
    assert_eq!(app.server.ended().await.code(), Some(0), "{}", app.server.output());
    app.restart();
    send(&app.server, "INT");
    assert_eq!(app.server.ended().await.code(), Some(0), "{}", app.server.output());
}

/// As `nohup` and a terminal that is closed do it.
#[tokio::test]
async fn it_goes_on_when_its_terminal_is_gone() {
    let setup = Setup::on(Kind::Sqlite).await;
    let server = Server::start_writing_to(&setup, Stdio::null(), Stdio::null());
    send(&server, "HUP");
    let answer = reqwest::get(format!("{}/health/ready", server.url)).await.unwrap();
    assert_eq!(answer.status(), 200);
}
