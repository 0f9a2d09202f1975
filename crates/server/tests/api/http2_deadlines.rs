//! HTTP/2: clients that take their time, and the end of the service.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::app::{API, GROUP, USERS};
use crate::frames::{DATA, END_HEADERS, END_STREAM, Frames, HEADERS, PREFACE, RST_STREAM, frame, head};
use crate::http2::encrypted;

/// What is added to every limit on a busy machine.
const MARGIN: Duration = Duration::from_secs(8);

#[tokio::test]
async fn slow_clients_have_the_time_that_they_have_over_http_1() {
    let app = encrypted().await;
    let took = |what: &str, begun: Instant, limit: u64| {
        let (took, limit) = (begun.elapsed(), Duration::from_secs(limit));
        assert!(took + Duration::from_secs(1) >= limit && took <= limit + MARGIN, "{what}: {took:?}");
    };
    let silent = async {
        let mut frames = Frames::bare(&app).await;
        let begun = Instant::now();
        frames.send(&PREFACE[..10]).await;
        frames.end().await;
        took("no preface", begun, 10);
    };
    let idle = async {
        let mut frames = Frames::to(&app).await;
        let begun = Instant::now();
        assert_eq!(frames.end().await, Some(0));
        took("no request", begun, 5);
    };
    let partial = async {
        let mut frames = Frames::to(&app).await;
        let begun = Instant::now();
        frames.send(&frame(HEADERS, END_STREAM, 1, &head("GET", "/health/live", &[]))).await;
        frames.end().await;
        took("a head that does not end", begun, 5);
    };
    let body = async {
        let mut frames = Frames::to(&app).await;
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let begun = Instant::now();
        frames.send(&frame(HEADERS, END_HEADERS, 1, &head("POST", "/authenticate/connect/token", &form))).await;
        assert_eq!(frames.status(1).await, Some(408));
        took("no body", begun, 10);
    };
    let reader = async {
        // Its windows are shut: 4 is SETTINGS_INITIAL_WINDOW_SIZE.
        let mut frames = Frames::with_settings(&app, &[(4, 0)]).await;
        let begun = Instant::now();
        let block = head("GET", "/docs/swagger-ui-bundle.js", &[]);
        frames.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &block)).await;
        assert_eq!(frames.status(1).await, Some(200));
        assert_eq!(frames.next_of(RST_STREAM).await.map(|reset| reset.stream), Some(1));
        took("a reader that reads nothing", begun, 30);
    };
    tokio::join!(silent, idle, partial, body, reader);
    assert_eq!(app.get("/groups/Everyone").await.status, 200);
}

#[tokio::test]
async fn what_is_in_flight_is_answered_before_the_service_stops() {
    let mut app = encrypted().await;
    app.create_documented().await;
    let body = json!(USERS).to_string();
    let (first, rest) = body.split_at(body.len() / 2);
    let mut frames = Frames::to(&app).await;
    let path = format!("{API}/groups/{GROUP}/users");
    let token = format!("Bearer {}", app.token);
    let headers = [("expect", "100-continue"), ("content-type", "application/json"), ("authorization", &*token)];
    frames.send(&frame(HEADERS, END_HEADERS, 1, &head("POST", &path, &headers))).await;
    assert_eq!(frames.status(1).await, Some(100));
    frames.send(&frame(DATA, 0, 1, first.as_bytes())).await;
    app.server.terminate();
    while std::net::TcpStream::connect(app.server.address()).is_ok() {
        tokio::task::yield_now().await;
    }
    frames.send(&frame(DATA, END_STREAM, 1, rest.as_bytes())).await;
    assert_eq!(frames.status(1).await, Some(204));
    assert_eq!(app.server.ended().await.code(), Some(0), "{}", app.server.output());
    app.restart();
    assert_eq!(app.member_count(GROUP).await, 5);
}
