//! Stopping.

use std::net::TcpStream;

use serde_json::json;

use crate::app::{GROUP, Setup, Transport, USERS};
use crate::database::Kind;
use crate::socket::{Wire, head};

on_both_databases_and_over_tls! {
    a_request_in_flight_is_finished_before_the_server_stops,
    an_idle_server_stops_at_once,
}

async fn a_request_in_flight_is_finished_before_the_server_stops(kind: Kind, transport: Transport) {
    let mut app = Setup::on(kind).await.speaking(transport).start();
    app.create_documented().await;
    let body = json!(USERS).to_string();
    let (first, rest) = body.split_at(body.len() / 2);
    let mut wire = Wire::to(&app);
    wire.send(&format!("{}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n", head(&app.token), body.len()));
    assert_eq!(wire.answer().0, 100);
    wire.send(first);
    app.server.terminate();
    while TcpStream::connect(app.server.address()).is_ok() {
        tokio::task::yield_now().await;
    }
    wire.send(rest);
    assert_eq!(wire.answer(), (204, String::new()));
    assert_eq!(app.server.ended().await.code(), Some(0), "{}", app.server.output());
    app.restart();
    assert_eq!(app.member_count(GROUP).await, 5);
}

async fn an_idle_server_stops_at_once(kind: Kind, transport: Transport) {
    let mut app = Setup::on(kind).await.speaking(transport).start();
    assert_eq!(app.get("/groups/Everyone").await.status, 200);
    app.server.terminate();
    assert_eq!(app.server.ended().await.code(), Some(0), "{}", app.server.output());
}
