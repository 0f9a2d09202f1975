//! Clients that take their time: how long they may, and that nobody waits for them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::app::{API, Setup, TestApp, Transport};
use crate::database::Kind;
use crate::secure::{self, Stream};
use crate::socket::head;

const LIVE: &str = "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n";
/// What is added to every limit on a busy machine.
const MARGIN: Duration = Duration::from_secs(8);
/// For how long somebody trickles who is never told to stop.
const LONGEST: Duration = Duration::from_mins(1);

on_both_databases_and_over_tls! {
    heads_and_idle_connections_have_their_time,
    slow_bodies_are_refused,
    nobody_waits_for_slow_clients_when_the_service_stops,
}

/// A connection, and what came over it.
struct Slow {
    stream: Stream,
    begun: Instant,
}

impl Slow {
    async fn to(app: &TestApp) -> Self {
        let address: SocketAddr = app.server.address().parse().unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        let begun = Instant::now();
        let stream =
            if app.server.is_tls() { secure::encrypt(stream, &["http/1.1"]).await.unwrap() } else { Box::new(stream) };
        Self { stream, begun }
    }

    async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Reads the answer to [`LIVE`].
    async fn lives(&mut self) {
        let mut answer = String::new();
        while !answer.ends_with("\"ok\"}") {
            answer.push(char::from(self.stream.read_u8().await.unwrap()));
        }
        self.begun = Instant::now();
    }

    /// Sends `piece` again and again until the other side closes the connection. Says what came, and after how long.
    async fn trickle(mut self, piece: &str, pause: Duration) -> (String, Duration) {
        let mut answer = Vec::new();
        while self.begun.elapsed() < LONGEST {
            // What comes after the answer is not read any more.
            let _ = self.stream.write_all(piece.as_bytes()).await;
            let _ = self.stream.flush().await;
            match timeout(pause, self.stream.read_to_end(&mut answer)).await {
                Err(_) => {}
                Ok(_) => return (String::from_utf8(answer).unwrap(), self.begun.elapsed()),
            }
        }
        panic!("it is open for ever: {}", String::from_utf8_lossy(&answer))
    }

    /// Waits until the other side closes the connection.
    async fn end(self) -> (String, Duration) {
        self.trickle("", Duration::from_millis(100)).await
    }
}

fn took(what: &str, took: Duration, limit: u64) {
    let limit = Duration::from_secs(limit);
    assert!(took + Duration::from_secs(1) >= limit && took <= limit + MARGIN, "{what}: {took:?} instead of {limit:?}");
}

async fn heads_and_idle_connections_have_their_time(kind: Kind, transport: Transport) {
    let app = Setup::on(kind).await.speaking(transport).start();
    let first = async {
        let mut slow = Slow::to(&app).await;
        slow.send("GET / HTTP/1.1\r\nhost: x\r\n").await;
        let (answer, after) = slow.trickle("x: y\r\n", Duration::from_secs(1)).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
        took("the first head", after, 10);
    };
    let second = async {
        let mut slow = Slow::to(&app).await;
        slow.send(LIVE).await;
        slow.lives().await;
        slow.send("GET / HTTP/1.1\r\nhost: x\r\n").await;
        let (answer, after) = slow.trickle("x: y\r\n", Duration::from_secs(1)).await;
        assert_eq!(answer, "");
        took("the second head", after, 10);
    };
    let silent = async {
        let (answer, after) = Slow::to(&app).await.end().await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
        took("no head at all", after, 10);
    };
    let idle = async {
        let mut slow = Slow::to(&app).await;
        for _ in 0..4 {
            slow.send(LIVE).await;
            slow.lives().await;
            sleep(Duration::from_secs(1)).await;
        }
        let (answer, after) = slow.end().await;
        assert_eq!(answer, "");
        took("an idle connection", after, 5);
    };
    let long = async {
        let mut slow = Slow::to(&app).await;
        slow.send(LIVE).await;
        slow.lives().await;
        let head = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}", "x".repeat(128 * 1024));
        // It is not read to its end.
        let _ = slow.stream.write_all(head.as_bytes()).await;
        let (answer, after) = slow.end().await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(after < MARGIN, "{after:?}");
    };
    let reader = async {
        let mut slow = Slow::to(&app).await;
        let one = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: x\r\n\r\n";
        let _ = timeout(Duration::from_secs(5), slow.stream.write_all(one.repeat(500).as_bytes())).await;
        sleep(Duration::from_secs(30) + MARGIN).await;
        let mut sent = Vec::new();
        let ended = timeout(MARGIN, slow.stream.read_to_end(&mut sent)).await;
        assert!(ended.is_ok(), "the connection of a reader that reads nothing is open for ever");
        assert!(sent.windows(9).filter(|window| window == b"HTTP/1.1 ").count() < 500);
    };
    tokio::join!(first, second, silent, idle, long, reader);
}

fn post(app: &TestApp, length: &str) -> String {
    format!("{}{length}\r\n\r\n", head(&app.token))
}

async fn slow_bodies_are_refused(kind: Kind, transport: Transport) {
    let app = Setup::on(kind).await.speaking(transport).start();
    app.create_documented().await;
    let refused = async |what: &str, head: String, piece: &str, pause: u64, limit: u64| {
        let mut slow = Slow::to(&app).await;
        slow.send(&head).await;
        let (answer, after) = slow.trickle(piece, Duration::from_millis(pause)).await;
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("connection: close\r\n"), "{what}: {answer}");
        assert!(answer.contains("\"type\":\"Error\"") && answer.contains("x-request-id: "), "{what}: {answer}");
        took(what, after, limit);
    };
    let chunked = "Transfer-Encoding: chunked";
    let form = "POST /authenticate/connect/token HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\
                content-type: application/x-www-form-urlencoded\r\n\r\n";
    let (extension, trailers) = ("x".repeat(8192), "x: y\r\n".repeat(1000));
    tokio::join!(
        refused("no body", post(&app, "Content-Length: 100"), "", 1000, 10),
        refused("a trickled body", post(&app, "Content-Length: 100000"), " ", 500, 10),
        refused("a trickled chunked body", post(&app, chunked), "1\r\n \r\n", 500, 10),
        refused("an endless extension", format!("{}5;", post(&app, chunked)), &extension, 200, 10),
        refused("endless trailers", format!("{}0\r\n", post(&app, chunked)), &trailers, 200, 10),
        async {
            let mut slow = Slow::to(&app).await;
            slow.send(form).await;
            let (answer, after) = slow.end().await;
            assert!(
                answer.starts_with("HTTP/1.1 408 ") && answer.ends_with(r#"{"error":"invalid_request"}"#),
                "{answer}"
            );
            took("a form that never comes", after, 10);
        },
        async {
            let mut slow = Slow::to(&app).await;
            let members = serde_json::to_string(&crate::app::USERS).unwrap();
            slow.send(&post(&app, &format!("Content-Length: {}", 16 * 2048 + members.len()))).await;
            for _ in 0..16 {
                slow.send(&" ".repeat(2048)).await;
                sleep(Duration::from_secs(1)).await;
            }
            slow.send(&members).await;
            let mut answer = [0; 12];
            slow.stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"HTTP/1.1 204", "a body that comes at 2 KiB a second");
        }
    );
}

async fn nobody_waits_for_slow_clients_when_the_service_stops(kind: Kind, transport: Transport) {
    let mut app = Setup::on(kind).await.speaking(transport).with("GUILDHALL_SERVER__SHUTDOWN_TIMEOUT", "120").start();
    let mut half = Slow::to(&app).await;
    half.send("GET / HTTP/1.1\r\nhost: x\r\n").await;
    let mut second = Slow::to(&app).await;
    second.send(LIVE).await;
    second.lives().await;
    second.send("GET /").await;
    let mut body = Slow::to(&app).await;
    body.send(&format!("{}Content-Length: 100000\r\nExpect: 100-continue\r\n\r\n", head(&app.token))).await;
    let mut waits = [0; 25];
    body.stream.read_exact(&mut waits).await.unwrap();
    assert_eq!(&waits, b"HTTP/1.1 100 Continue\r\n\r\n");
    body.send(&" ".repeat(20_000)).await;
    let mut reader = Slow::to(&app).await;
    let one = format!(
        "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: x\r\n\r\nGET {API}/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n"
    );
    let _ = timeout(Duration::from_secs(2), reader.stream.write_all(one.repeat(200).as_bytes())).await;
    let begun = Instant::now();
    app.server.terminate();
    let (answer, _) = body.trickle(" ", Duration::from_millis(300)).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\"type\":\"Error\""), "{answer}");
    assert_eq!(app.server.ended().await.code(), Some(0), "{}", app.server.output());
    assert!(begun.elapsed() < Duration::from_secs(7) + MARGIN, "it took {:?} to stop", begun.elapsed());
    assert_eq!(half.end().await.0, "");
    assert_eq!(second.end().await.0, "");
    drop(reader);
}
