//! The management port: what it answers, and that nobody who uses it holds anything up.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use guildhall_auth::SigningKey;
use reqwest::Method;
use serde_json::json;

use crate::app::{Setup, TestApp};
use crate::database::Kind;
use crate::scrape::Scrape;
use crate::secure::{client, client_builder};
use crate::server::Starting;

on_both_databases! {
    it_has_metrics_and_health_and_nothing_else,
    it_answers_while_the_service_starts,
    a_scrape_is_answered_while_all_connections_to_the_database_are_in_use,
    neither_slow_clients_nor_many_keep_a_scrape_or_the_end_waiting,
}

/// A safety net: what is waited for comes, or the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const PORT: &str = "GUILDHALL_SERVER__MANAGEMENT_PORT";

async fn it_has_metrics_and_health_and_nothing_else(kind: Kind) {
    let app = Setup::on(kind).await.with(PORT, "0").start();
    let (main, management) = (app.server.url.clone(), app.server.management_url());
    let ask = async |method: Method, url: String| {
        let answer = app.client.request(method, url).bearer_auth(&app.token).send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (kind, allow, id) = (header("content-type"), header("allow"), header("cache-control"));
        (answer.status().as_u16(), kind.unwrap_or_default(), allow, id, answer.text().await.unwrap())
    };
    for (method, path, on_main, on_management) in [
        ("GET", "/metrics", 404, 200),
        ("HEAD", "/metrics", 404, 200),
        ("GET", "/metrics/", 404, 200),
        ("GET", "/metrics?name[]=x", 404, 200),
        ("GET", "/METRICS", 404, 404),
        ("GET", "//metrics", 404, 404),
        ("GET", "/metrics/x", 404, 404),
        ("POST", "/metrics", 404, 405),
        ("DELETE", "/health/live", 405, 405),
        ("GET", "/health/live", 200, 200),
        ("GET", "/health/ready", 200, 200),
        ("HEAD", "/health/ready/", 200, 200),
        ("GET", "/health", 404, 404),
        ("GET", "/", 200, 404),
        ("GET", "/docs", 200, 404),
        ("GET", "/api/openapi.json", 200, 404),
        ("GET", "/api/security/users", 200, 404),
        ("POST", "/authenticate/connect/token", 400, 404),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let (status, ..) = ask(method.clone(), format!("{main}{path}")).await;
        assert_eq!(status, on_main, "{method} {path} on the main port");
        let (status, kind, allow, cache, body) = ask(method.clone(), format!("{management}{path}")).await;
        assert_eq!(status, on_management, "{method} {path} on the management port: {body}");
        assert_eq!(cache.as_deref(), Some("no-store"), "{method} {path}");
        let is_metrics = status == 200 && path.starts_with("/metrics");
        let expected =
            if is_metrics { "text/plain; version=0.0.4; charset=utf-8" } else { "application/json; charset=utf-8" };
        assert_eq!(kind, expected, "{method} {path}");
        assert_eq!(allow.as_deref(), (status == 405).then_some("GET, HEAD"), "{method} {path}");
        assert_eq!(body.is_empty(), method == Method::HEAD, "{method} {path}");
    }
    let app = app.stop().without(PORT).start();
    assert!(!app.server.output().contains("/metrics"), "{}", app.server.output());
    assert_eq!(client().get(format!("{}/metrics", app.server.url)).send().await.unwrap().status(), 404);
}

async fn it_answers_while_the_service_starts(kind: Kind) {
    let setup = Setup::on(kind).await.with(PORT, "0").without("GUILDHALL_AUTH__SIGNING_KEY_FILE");
    // Opening a FIFO for reading blocks until somebody writes.
    let (file, key) = (setup.database.path().join("key.fifo"), setup.database.path().join("key.pem"));
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    let pem = SigningKey::generate_pem().unwrap();
    fs::write(&key, &pem).unwrap();
    let setup = setup.with("GUILDHALL_AUTH__SIGNING_KEY_FILE", file.to_str().unwrap());
    let starting = Starting::with(&setup, &["serve"]);
    let management = starting.management_url();
    let client = client_builder().timeout(PATIENCE).build().unwrap();
    let get = async |path: &str| {
        let answer = client.get(format!("{management}{path}")).send().await.unwrap();
        (answer.status().as_u16(), answer.headers().contains_key("retry-after"), answer.text().await.unwrap())
    };
    assert_eq!(get("/health/live").await, (200, false, r#"{"status":"ok"}"#.to_owned()));
    let (status, has_retry, body) = get("/health/ready").await;
    assert_eq!((status, has_retry), (503, true), "{body}");
    assert!(body.contains("The service is temporarily unavailable"), "{body}");
    let scrape = Scrape::read(&get("/metrics").await.2);
    assert!(scrape.value("process_resident_memory_bytes") > 0);
    assert!(!starting.is_listening(), "the key file does not hold the start up: the test shows nothing");
    let mut fifo = File::options().write(true).open(&file).unwrap();
    // It is read again later.
    fs::rename(&key, &file).unwrap();
    fifo.write_all(pem.as_bytes()).unwrap();
    drop(fifo);
    let server = starting.listening();
    let begun = Instant::now();
    while get("/health/ready").await.0 != 200 {
        assert!(begun.elapsed() < PATIENCE, "{}", server.output());
    }
}

async fn a_scrape_is_answered_while_all_connections_to_the_database_are_in_use(kind: Kind) {
    const REQUESTS: usize = 6;
    let setup = Setup::on(kind).await.with(PORT, "0").with("GUILDHALL_DATABASE__POOL_SIZE", "2");
    let app = setup.with("GUILDHALL_DATABASE__STATEMENT_TIMEOUT", "60").start();
    let lock = app.setup.database.lock_users();
    // SQLite has one connection that writes. In PostgreSQL, those who only read are held up too.
    let (pool, most) = match kind {
        Kind::Sqlite => ("writer", 1),
        Kind::Postgres => ("main", 2),
    };
    let requests: Vec<_> = (0..REQUESTS)
        .map(|number| {
            tokio::spawn(match kind {
                Kind::Sqlite => {
                    app.request(Method::POST, "/groups").json(&json!({ "name": format!("Group {number}") })).send()
                }
                Kind::Postgres => app.request(Method::GET, "/users/@current").send(),
            })
        })
        .collect();
    let series = |name: &str| format!("guildhall_database_connections{name}{{pool=\"{pool}\"}}");
    let begun = Instant::now();
    loop {
        let scrape = Scrape::of(&app).await;
        assert_eq!(scrape.value(&series("_max")), most);
        if scrape.value(&series("_in_use")) >= most && scrape.sum("guildhall_lane_queued") > 0 {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{scrape:?}");
    }
    assert!(requests.iter().all(|one| !one.is_finished()), "the lock does not hold them up: the test shows nothing");
    drop(lock);
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap().status().as_u16() / 100, 2);
    }
    wait_for(&app, |scrape| scrape.value(&series("_in_use")) + scrape.value(&series("_waiting")) == 0).await;
    let waits = format!("guildhall_database_connection_wait_seconds_count{{pool=\"{pool}\"}}");
    assert!(Scrape::of(&app).await.value(&waits) >= 6);
}

async fn neither_slow_clients_nor_many_keep_a_scrape_or_the_end_waiting(kind: Kind) {
    let mut app = Setup::on(kind).await.with(PORT, "0").start();
    let address = app.server.management_url().trim_start_matches("http://").to_owned();
    let before = app.server.open_files();
    let mut slow = Vec::new();
    for number in 0..400 {
        let mut stream = TcpStream::connect(&address).unwrap();
        let sent = match number % 4 {
            // Nothing, a part of a head, a body that does not come, scrapes whose answers nobody reads.
            0 => "",
            1 => "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ",
            2 => "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx",
            _ => &"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50),
        };
        // Connections that are too many are closed.
        let _ = stream.write_all(sent.as_bytes());
        slow.push(stream);
        if number % 50 == 0 {
            let scrape = Scrape::of(&app).await;
            assert!(scrape.value("process_open_fds") - i64::from(before) < 200, "{scrape:?}");
        }
    }
    assert_eq!(app.get("/groups/Everyone").await.status, 200);
    assert_eq!(Scrape::of(&app).await.value("guildhall_build_info{version=\"0.1.0\"}"), 1);
    // The first ones had to leave.
    slow[0].set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(slow[0].read(&mut [0]).unwrap_or_default(), 0);
    let begun = Instant::now();
    app.server.terminate();
    assert_eq!(app.server.ended().await.code(), Some(0), "{}", app.server.output());
    assert!(begun.elapsed() < Duration::from_secs(10), "it took {:?}", begun.elapsed());
}

#[tokio::test]
async fn while_requests_are_finished_it_lives_and_is_not_ready() {
    let mut app = Setup::on(Kind::Sqlite).await.with(PORT, "0").start();
    let lock = app.setup.database.lock_users();
    let user =
        json!({ "username": "late", "email": "late@fightclub.com", "credentials": { "password": "F1ghtC1ub1234!" } });
    let creation = tokio::spawn(app.request(Method::POST, "/users").json(&user).send());
    wait_for(&app, |scrape| scrape.sum("guildhall_lane_running") > 0).await;
    let client = client();
    let management = app.server.management_url();
    let get = async |path: &str| client.get(format!("{management}{path}")).send().await.unwrap().status().as_u16();
    app.server.terminate();
    let begun = Instant::now();
    while get("/health/ready").await != 503 {
        assert!(begun.elapsed() < PATIENCE);
    }
    assert_eq!((get("/health/live").await, get("/metrics").await), (200, 200));
    drop(lock);
    assert_eq!(creation.await.unwrap().unwrap().status(), 201);
    assert_eq!(app.server.ended().await.code(), Some(0), "{}", app.server.output());
}

#[tokio::test]
async fn a_port_that_is_taken_stops_the_start_and_is_named() {
    let app = TestApp::on(Kind::Sqlite).await;
    let taken = app.server.address().rsplit_once(':').unwrap().1.to_owned();
    let setup = Setup::on(Kind::Sqlite).await.with(PORT, &taken);
    let output = setup.run(&["serve"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("cannot listen on 127.0.0.1 port {taken}")), "{said}");
}

/// Scrapes until this is so.
async fn wait_for(app: &TestApp, is_so: impl Fn(&Scrape) -> bool) {
    let begun = Instant::now();
    loop {
        let scrape = Scrape::of(app).await;
        if is_so(&scrape) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{scrape:?}");
    }
}
