//! A collector that is away or does not answer, and a Prometheus that does not read: no request is slower for it. What happens to the log is in `log`.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::app::Setup;
use crate::collector::Collector;
use crate::comparison::assert_no_slower;
use crate::database::Kind;
use crate::management::PORT;
use crate::scrape::Scrape;
use crate::server::Server;

on_both_databases! {
    a_collector_that_refuses_slows_nothing,
    a_collector_that_hangs_slows_nothing,
    a_collector_that_closes_slows_nothing,
    a_collector_that_answers_with_errors_slows_nothing,
    a_prometheus_that_never_reads_slows_nothing,
}

const ENDPOINT: &str = "GUILDHALL_TELEMETRY__OTLP_ENDPOINT";

async fn a_collector_that_refuses_slows_nothing(kind: Kind) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    slows_nothing(kind, &url).await;
}

async fn a_collector_that_hangs_slows_nothing(kind: Kind) {
    let url = collector(|stream| {
        // It takes what comes, and never answers.
        let mut stream = stream;
        while stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
    });
    slows_nothing(kind, &url).await;
}

async fn a_collector_that_closes_slows_nothing(kind: Kind) {
    slows_nothing(kind, &collector(drop)).await;
}

async fn a_collector_that_answers_with_errors_slows_nothing(kind: Kind) {
    let url = collector(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ =
            stream.write_all(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        while stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
    });
    slows_nothing(kind, &url).await;
}

/// A collector that does this with every connection, until the test ends.
fn collector(with: impl Fn(TcpStream) + Copy + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || with(stream));
        }
    });
    url
}

/// Compares a server with this collector with one whose collector takes everything. What is lost is counted, said once, and keeps no end waiting.
async fn slows_nothing(kind: Kind, url: &str) {
    let collector = Collector::start();
    let setup = Setup::alone_on(kind).await.with(PORT, "0").with(ENDPOINT, &collector.url);
    let usual = Server::start(&setup);
    let mut app = setup.with(ENDPOINT, url).start();
    assert_no_slower(kind, &app, &usual).await;
    let begun = Instant::now();
    while Scrape::of(&app).await.value("guildhall_trace_spans_failed_total") == 0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "no failure is counted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let scrape = Scrape::of(&app).await;
    assert_eq!(scrape.value("guildhall_trace_spans_exported_total"), 0);
    assert!(scrape.value("guildhall_trace_spans_total") >= scrape.value("guildhall_trace_spans_failed_total"));
    assert!(Scrape::of_server(&usual).await.value("guildhall_trace_spans_exported_total") > 0);
    let begun = Instant::now();
    app.server.terminate();
    assert_eq!(app.server.ended().await.code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(10), "it took {:?}", begun.elapsed());
    let output = app.server.output();
    assert_eq!(output.matches("traces are lost").count(), 1, "{output}");
}

async fn a_prometheus_that_never_reads_slows_nothing(kind: Kind) {
    let setup = Setup::alone_on(kind).await.with(PORT, "0");
    let usual = Server::start(&setup);
    let app = setup.start();
    let address = app.server.management_url().trim_start_matches("http://").to_owned();
    let scrapes = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200);
    let readers: Vec<_> = (0..32)
        .map(|_| {
            let mut stream = TcpStream::connect(&address).unwrap();
            let _ = stream.write_all(scrapes.as_bytes());
            stream
        })
        .collect();
    assert_no_slower(kind, &app, &usual).await;
    assert_eq!(Scrape::of(&app).await.value("guildhall_build_info{version=\"0.1.0\"}"), 1);
    drop(readers);
}
