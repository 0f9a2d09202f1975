//! Signals that do not mean that the server should stop.

use std::process::Stdio;

use crate::app::{Setup, TestApp};
use crate::database::Kind;
use crate::secure;
use crate::server::Server;
use crate::waiting::until;

on_both_databases! { only_those_signals_stop_it_that_ask_it_to }

async fn only_those_signals_stop_it_that_ask_it_to(kind: Kind) {
    let mut app = TestApp::on(kind).await;
    for signal in ["HUP", "USR1", "USR2", "PIPE"] {
        for count in 1..=2 {
            app.server.signal(signal);
            if signal != "PIPE" {
                let line = match signal {
                    "HUP" => "SIGHUP: no setting has changed that is read again".to_owned(),
                    _ => format!("SIG{signal}: ignored; settings are read again on SIGHUP"),
                };
                let lines = || app.server.output().matches(&line).count();
                until("the signal is in the log", async || lines() >= count).await;
            }
            assert_eq!(app.get("/groups/Everyone").await.status, 200, "{signal}");
        }
    }
    app.server.terminate();
    assert_eq!(app.server.ended().await.code(), Some(0), "{}", app.server.output());
    app.restart();
    app.server.signal("INT");
    assert_eq!(app.server.ended().await.code(), Some(0), "{}", app.server.output());
}

/// As `nohup` and a terminal that is closed do it.
#[tokio::test]
async fn it_goes_on_when_its_terminal_is_gone() {
    let setup = Setup::on(Kind::Sqlite).await;
    let server = Server::start_writing_to(&setup, Stdio::null(), Stdio::null());
    server.signal("HUP");
    let answer = secure::client().get(format!("{}/health/ready", server.url)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}
