//! HTTP/2: what is answered, and what floods cost.

use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::{Method, Version};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{API, GROUP, Setup, TestApp, Transport, USERS};
use crate::database::Kind;
use crate::frames::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, HEADERS, PING, RST_STREAM, SETTINGS, frame, head,
};
use crate::memory::resident;

/// By how many KiB the service may be larger after a flood.
const MOST_GROWN: usize = 8 * 1024;
const REFUSED_STREAM: [u8; 4] = 7_u32.to_be_bytes();
/// What is added to every limit on a busy machine.
const MARGIN: Duration = Duration::from_secs(8);

/// A server that speaks TLS.
pub(crate) async fn encrypted() -> TestApp {
    Setup::on(Kind::Sqlite).await.speaking(Transport::Tls).start()
}

/// Others are answered, and the service is about as small as before.
async fn is_unharmed(app: &TestApp, before: usize) {
    assert_eq!(app.get("/groups/Everyone").await.status, 200);
    let after = resident(app.server.pid());
    assert!(after <= before + MOST_GROWN, "{} KiB more", after.saturating_sub(before));
}

#[tokio::test]
async fn every_kind_of_request_is_answered_as_over_http_1() {
    let app =
        Setup::on(Kind::Sqlite).await.speaking(Transport::Tls).with("GUILDHALL_LIMITS__BODY_BYTES", "300").start();
    app.create_documented().await;
    let bulk = format!("/groups/{GROUP}/users/");
    let large = json!({ "name": "x".repeat(300) });
    for (method, path, body, status) in [
        (Method::GET, "/groups/Everyone", None, 200),
        (Method::HEAD, "/groups/Everyone", None, 200),
        (Method::GET, "/groups/nobody", None, 404),
        (Method::POST, &*bulk, Some(json!(USERS)), 204),
        (Method::PUT, &*format!("{bulk}admin"), None, 204),
        (Method::DELETE, &*format!("{bulk}admin"), None, 204),
        (Method::POST, "/groups", Some(large), 413),
        (Method::PUT, &*bulk, None, 405),
    ] {
        let mut request = app.request(method.clone(), path);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (status, Version::HTTP_2), "{method} {path}");
        for name in ["date", "x-request-id", "x-content-type-options", "strict-transport-security"] {
            assert!(response.headers().contains_key(name), "{method} {path}: {name}");
        }
        assert!(!response.headers().contains_key("connection"), "{method} {path}");
        let length = response.headers().get("content-length").map(|length| length.to_str().unwrap().to_owned());
        let body = response.text().await.unwrap();
        match (status, method == Method::HEAD) {
            (204, _) => assert_eq!((length, body.as_str()), (None, "")),
            (_, true) => assert_ne!((length.as_deref(), body.as_str()), (None, "")),
            (_, false) => assert_eq!(length, Some(body.len().to_string()), "{method} {path}"),
        }
    }
    assert_eq!(app.member_count(GROUP).await, 5);
    // A large answer, of many frames.
    let script = format!("{}/docs/swagger-ui-bundle.js", app.server.url);
    let script = Answer::to(app.client.get(script)).await.is(200);
    assert!(script.body.len() > 500_000);
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on_only_if_it_is_known() {
    let app = encrypted().await;
    app.create_documented().await;
    let path = format!("{API}/groups/{GROUP}/users");
    let body = json!(USERS).to_string();
    for (token, expected) in [(app.token.as_str(), 204), ("garbage", 401)] {
        let asked = Command::new("curl")
            .args(["-sS", "--http2", "--insecure", "-o", "/dev/null", "-w", "%{http_version} %{http_code}"])
            .args(["-H", "Expect: 100-continue", "-H", "Content-Type: application/json"])
            .args(["-H", &format!("Authorization: Bearer {token}"), "-d", &body])
            .arg(format!("{}{path}", app.server.url))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&asked.stdout), format!("2 {expected}"), "{asked:?}");
        let mut frames = Frames::to(&app).await;
        let headers = [
            ("expect", "100-continue"),
            ("content-type", "application/json"),
            ("authorization", &*format!("Bearer {token}")),
        ];
        frames.send(&frame(HEADERS, END_HEADERS, 1, &head("POST", &path, &headers))).await;
        let first = frames.status(1).await;
        assert_eq!(first, Some(if expected == 204 { 100 } else { 401 }));
    }
}

#[tokio::test]
async fn requests_that_are_given_up_again_and_again_end_the_connection() {
    let app = encrypted().await;
    let before = resident(app.server.pid());
    let block = head("GET", "/health/ready", &[]);
    let mut frames = Frames::to(&app).await;
    let mut opened = 0;
    while opened < 100_000 {
        let pairs = (opened..opened + 50).flat_map(|number| {
            let stream = 2 * number + 1;
            let given_up = frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
            [frame(HEADERS, END_HEADERS | END_STREAM, stream, &block), given_up].concat()
        });
        if !frames.send(&pairs.collect::<Vec<_>>()).await {
            break;
        }
        opened += 50;
    }
    assert!(opened < 100_000, "the connection is open after {opened} requests that were given up");
    is_unharmed(&app, before).await;
}

#[tokio::test]
async fn headers_without_end_end_the_connection() {
    let app = encrypted().await;
    let before = resident(app.server.pid());
    let mut frames = Frames::to(&app).await;
    frames.send(&frame(HEADERS, END_STREAM, 1, &head("GET", "/health/live", &[]))).await;
    let more = frame(CONTINUATION, 0, 1, &[0, 1, b'x', 1, b'y'].repeat(100));
    let mut sent = 0;
    while sent < 100_000_000 && frames.send(&more.repeat(20)).await {
        sent += more.len() * 20;
    }
    assert!(sent < 10_000_000, "{sent} bytes of headers were taken");
    is_unharmed(&app, before).await;
    // So do continuations that are empty.
    let mut frames = Frames::to(&app).await;
    frames.send(&frame(HEADERS, END_STREAM, 1, &head("GET", "/health/live", &[]))).await;
    let mut sent = 0;
    while sent < 1_000_000 && frames.send(&frame(CONTINUATION, 0, 1, &[]).repeat(1000)).await {
        sent += 1000;
    }
    assert!(sent < 1_000_000, "{sent} empty continuations were taken");
    is_unharmed(&app, before).await;
}

#[tokio::test]
async fn headers_that_are_too_large_are_refused() {
    let app = encrypted().await;
    let mut frames = Frames::to(&app).await;
    let request = |stream, bytes: usize| {
        let block = head("GET", "/health/live", &[("x", &"x".repeat(bytes))]);
        let (first, rest) = block.split_at(block.len() / 2);
        [frame(HEADERS, END_STREAM, stream, first), frame(CONTINUATION, END_HEADERS, stream, rest)].concat()
    };
    assert!(frames.send(&request(1, 14_000)).await);
    assert_eq!(frames.status(1).await, Some(200));
    assert!(frames.send(&request(3, 16_370)).await);
    assert_eq!(frames.status(3).await, Some(431));
    assert!(frames.send(&request(5, 10)).await);
    assert_eq!(frames.status(5).await, Some(200));
}

#[tokio::test]
async fn a_connection_has_at_most_a_hundred_requests_at_a_time() {
    let app = encrypted().await;
    let mut frames = Frames::to(&app).await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let block = head("POST", "/authenticate/connect/token", &form);
    for number in 0..101 {
        assert!(frames.send(&frame(HEADERS, END_HEADERS, 2 * number + 1, &block)).await);
    }
    let refused = frames.next_of(RST_STREAM).await.unwrap();
    assert_eq!((refused.stream, refused.payload.as_slice()), (201, REFUSED_STREAM.as_slice()));
    // The others are told that their body comes too slowly.
    assert_eq!(frames.status(1).await, Some(408));
}

#[tokio::test]
async fn requests_count_as_connections_do() {
    let app = Setup::on(Kind::Sqlite)
        .await
        .speaking(Transport::Tls)
        .with("GUILDHALL_SERVER__MAX_CONNECTIONS_PER_ADDRESS", "20")
        .start();
    let mut frames = Frames::to(&app).await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for number in 0..19 {
        let block = head("POST", "/authenticate/connect/token", &form);
        assert!(frames.send(&frame(HEADERS, END_HEADERS, 2 * number + 1, &block)).await);
    }
    for (stream, path, status) in [(101, "/health/ready", 503), (103, "/health/live", 200)] {
        assert!(frames.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &head("GET", path, &[]))).await);
        assert_eq!(frames.status(stream).await, Some(status), "{path}");
    }
}

#[tokio::test]
async fn floods_of_frames_that_ask_nothing_cost_nothing_and_end() {
    let app = encrypted().await;
    let before = resident(app.server.pid());
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let open = frame(HEADERS, END_HEADERS, 1, &head("POST", "/authenticate/connect/token", &form));
    let floods = [
        ("pings", Vec::new(), frame(PING, 0, 0, &[0; 8])),
        ("answers to pings", Vec::new(), frame(PING, ACK, 0, &[0; 8])),
        ("settings", Vec::new(), frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9])),
        ("empty data", open, frame(DATA, 0, 1, &[])),
    ];
    let flood = async |name: &str, first: &[u8], one: &[u8]| {
        let mut frames = Frames::to(&app).await;
        frames.send(first).await;
        let begun = Instant::now();
        // Nothing is read meanwhile.
        while begun.elapsed() < Duration::from_secs(20) && frames.send(&one.repeat(500)).await {}
        assert!(begun.elapsed() < Duration::from_secs(12) + MARGIN, "{name}: {:?}", begun.elapsed());
    };
    let [pings, answers, settings, data] = &floods;
    tokio::join!(
        flood(pings.0, &pings.1, &pings.2),
        flood(answers.0, &answers.1, &answers.2),
        flood(settings.0, &settings.1, &settings.2),
        flood(data.0, &data.1, &data.2),
    );
    is_unharmed(&app, before).await;
}

/// Ten requests at a time on each of forty connections, of which no answer is read. More would be more than one address may have.
#[tokio::test]
async fn readers_that_read_nothing_take_little_memory() {
    let app = encrypted().await;
    let before = resident(app.server.pid());
    let block = head("GET", "/docs/swagger-ui-bundle.js", &[]);
    let requests = (0..10).flat_map(|number| frame(HEADERS, END_HEADERS | END_STREAM, 2 * number + 1, &block));
    let requests: Vec<_> = requests.collect();
    let mut held = Vec::new();
    for _ in 0..40 {
        let mut frames = Frames::to(&app).await;
        assert!(frames.send(&requests).await);
        held.push(frames);
    }
    assert_eq!(app.get("/groups/Everyone").await.status, 200);
    let grown = resident(app.server.pid()).saturating_sub(before);
    crate::tell(&format!("400 requests on 40 connections of which no answer is read: {grown} KiB more"));
    // What is in one piece in the program, as this answer is, is not copied for each.
    assert!(grown <= 400 * 64, "{grown} KiB");
    drop(held);
}

#[tokio::test]
async fn links_say_https() {
    let app = encrypted().await;
    let root = Answer::to(app.client.get(&app.server.url)).await.is(200);
    let discovery = format!("{}/authenticate/.well-known/openid-configuration", app.server.url);
    let discovery = Answer::to(app.client.get(discovery)).await.is(200).json();
    for text in [root.body, discovery["token_endpoint"].as_str().unwrap().to_owned()] {
        assert!(!text.contains("http://"), "{text}");
    }
    assert_eq!(discovery["token_endpoint"], Value::from(format!("{}/authenticate/connect/token", app.server.url)));
    let group = Answer::to(app.request(Method::POST, "/groups").json(&json!({ "name": "Linked" }))).await.is(201);
    if let Some(location) = group.headers.get("location") {
        assert!(!location.starts_with("http://"), "{location}");
    }
    assert!(!group.headers.contains_key("set-cookie"));
}
