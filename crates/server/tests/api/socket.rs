//! HTTP as no well-behaved client speaks it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::app::{API, GROUP, Setup, TestApp, Transport};
use crate::database::Kind;
use crate::secure::tunnel_to;

/// A connection that is written to by hand.
pub(crate) struct Wire(TcpStream);

impl Wire {
    pub(crate) fn to(app: &TestApp) -> Self {
        let server = app.server.address().parse().unwrap();
        let stream = TcpStream::connect(if app.server.is_tls() { tunnel_to(server) } else { server }).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        Self(stream)
    }

    /// Another handle of the same connection.
    pub(crate) fn other_handle(&self) -> Self {
        Self(self.0.try_clone().unwrap())
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).unwrap();
    }

    /// Sends `text` as far as it is taken.
    pub(crate) fn send_some(&mut self, text: &str) {
        // The connection may be closed before all of it was sent.
        let _ = self.0.write_all(text.as_bytes());
    }

    /// Reads until `end` has come, or the connection ends.
    pub(crate) fn read_until(&mut self, end: &str) -> String {
        let mut read = String::new();
        let mut byte = [0];
        while !read.ends_with(end) && self.0.read(&mut byte).is_ok_and(|read| read == 1) {
            read.push(char::from(byte[0]));
        }
        read
    }

    /// Reads one answer: its status, and its body if it has one.
    pub(crate) fn answer(&mut self) -> (u16, String) {
        let head = self.read_until("\r\n\r\n");
        let status = head.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {head:?}")).parse().unwrap();
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut body).unwrap();
        (status, String::from_utf8(body).unwrap())
    }
}

/// The head of a bulk request, without its last line.
pub(crate) fn head(token: &str) -> String {
    format!(
        "POST {API}/groups/{GROUP}/users HTTP/1.1\r\nHost: guildhall\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\n"
    )
}

on_both_databases_and_over_tls! {
    an_outsider_is_answered_before_their_body_arrives,
    a_body_that_breaks_off_adds_nobody,
    what_is_no_http_is_answered_in_json_and_ends_the_connection,
}

async fn an_outsider_is_answered_before_their_body_arrives(kind: Kind, transport: Transport) {
    let app = Setup::on(kind).await.speaking(transport).start();
    app.create_documented().await;
    app.create_user("marla").await;
    for (token, status) in [("garbage".to_owned(), 401), (app.token_of("marla"), 403)] {
        for length in ["Content-Length: 40000000", "Transfer-Encoding: chunked"] {
            let mut wire = Wire::to(&app);
            wire.send(&format!("{}{length}\r\n\r\n", head(&token)));
            assert_eq!(wire.answer().0, status, "{length}");
        }
    }
}

async fn a_body_that_breaks_off_adds_nobody(kind: Kind, transport: Transport) {
    let app = Setup::on(kind).await.speaking(transport).start();
    app.create_documented().await;
    let whole = serde_json::to_string(&crate::app::USERS).unwrap();
    let mut wire = Wire::to(&app);
    wire.send(&format!("{}Content-Length: {}\r\n\r\n{whole}", head(&app.token), whole.len() + 1));
    drop(wire);
    let mut wire = Wire::to(&app);
    wire.send(&format!(
        "{}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{whole}\r\nnonsense\r\n",
        head(&app.token),
        whole.len()
    ));
    let (status, body) = wire.answer();
    assert_eq!(status, 400, "{body}");
    let error: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(error["type"], "Error", "{error}");
    assert_eq!(app.member_count(GROUP).await, 0);
}

async fn what_is_no_http_is_answered_in_json_and_ends_the_connection(kind: Kind, transport: Transport) {
    let app = Setup::on(kind).await.speaking(transport).start();
    for garbage in [
        "hello\r\n\r\n".to_owned(),
        "GET / HTTP/7.3\r\n\r\n".to_owned(),
        format!("GET {API}/groups/Everyone HTTP/1.1\r\nHost guildhall\r\n\r\n"),
        format!("{}Content-Length: none\r\n\r\n", head(&app.token)),
        format!("{}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", head(&app.token)),
        format!("GET {API}/groups/{} HTTP/1.1\r\n\r\n", "x".repeat(200_000)),
    ] {
        let mut wire = Wire::to(&app);
        wire.send_some(&garbage);
        let (status, body) = wire.answer();
        assert_eq!(status, 400, "{garbage:.80}");
        let error: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{status} {body:?} {garbage:.80}"));
        assert_eq!(error["type"], "Error", "{error}");
        assert_eq!(wire.read_until("\0"), "", "{garbage:.80}");
    }
    assert_eq!(app.get("/groups/Everyone").await.status, 200);
}
