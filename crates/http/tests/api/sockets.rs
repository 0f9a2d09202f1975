//! What a client who may not can make the server read.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::server::{Running, read_all};
use crate::world::{ADMINISTRATOR, ORDINARY, World};

/// The most of a body that is read for somebody who may not send it, and that is read in vain for somebody who may.
const UNWANTED: usize = 512 * 1024;
const BULK: &str = "/api/security/groups/Everyone/users/";

/// Sends a body without end until the other side takes no more of it, or it was all sent.
fn flood(stream: &mut TcpStream, head: &str, chunked: bool, most: usize) -> usize {
    stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    write!(stream, "{head}\r\n").unwrap();
    let data = vec![b' '; 8 * 1024];
    let part = if chunked { [b"2000\r\n".as_slice(), &data, b"\r\n"].concat() } else { data };
    let mut sent = 0;
    while sent < most {
        match stream.write(&part[sent % part.len()..]) {
            Ok(written) => sent += written,
            Err(_) => break,
        }
    }
    sent
}

/// How many bytes wait in the kernel: sent but not acknowledged at one end, received but not read at the other. Nothing
/// once the connection is closed.
#[cfg(target_os = "linux")]
fn waiting(client: u16, server: u16) -> Option<usize> {
    let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let port = |address: &str| u16::from_str_radix(address.rsplit_once(':').unwrap().1, 16).unwrap();
    let size = |size: &str| usize::from_str_radix(size, 16).unwrap();
    let (mut to_send, mut to_read) = (None, None);
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (sending, reading) = columns[4].split_once(':').unwrap();
        match (port(columns[1]), port(columns[2])) {
            pair if pair == (client, server) => to_send = Some(size(sending)),
            pair if pair == (server, client) => to_read = Some(size(reading)),
            _ => {}
        }
    }
    Some(to_send? + to_read?)
}

fn head(method: &str, path: &str, token: Option<&str>, length: &str) -> String {
    let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!("{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{authorization}{length}")
}

const CHUNKED: &str = "transfer-encoding: chunked\r\n";
const DECLARED: &str = "content-length: 40000000\r\n";

#[cfg(target_os = "linux")]
#[test]
fn a_body_nobody_may_send_is_not_read() {
    let world = World::new();
    let server = Running::new(world.api());
    let cases = [
        ("POST", BULK, None, 401),
        ("POST", BULK, Some("unknown"), 401),
        ("POST", BULK, Some(ORDINARY), 403),
        ("POST", BULK, Some(ADMINISTRATOR), 413),
        ("POST", "/api/security/users", None, 401),
        ("POST", "/nothing", None, 404),
        ("PUT", BULK, None, 405),
        ("PATCH", BULK, None, 401),
        ("PATCH", BULK, Some(ORDINARY), 403),
        ("PATCH", BULK, Some(ADMINISTRATOR), 413),
        ("GET", "/health/live", None, 200),
        ("GET", BULK, Some(ADMINISTRATOR), 200),
        ("PUT", "/api/security/groups/Everyone/users/bob", Some(ORDINARY), 403),
        ("PUT", "/api/security/groups/Everyone/users/bob", Some(ADMINISTRATOR), 413),
    ];
    std::thread::scope(|scope| {
        for (method, path, token, expected) in cases {
            for length in [DECLARED, CHUNKED] {
                let head = head(method, path, token, length);
                let server = &server;
                scope.spawn(move || assert_stays_unread(server, &head, length == CHUNKED, expected));
            }
        }
    });
}

#[cfg(target_os = "linux")]
fn assert_stays_unread(server: &Running, head: &str, chunked: bool, expected: u16) {
    // On a busy machine the connection may be closed before it can be looked at.
    let looked_at = (0..20).find_map(|_| {
        let mut stream = server.connect();
        let client = stream.local_addr().unwrap().port();
        let sent = flood(&mut stream, head, chunked, 40_000_000);
        let waiting = waiting(client, server.address.port())?;
        Some((stream, sent, (head.len() + sent).saturating_sub(waiting)))
    });
    let (mut stream, sent, read) = looked_at.unwrap();
    assert!(read <= UNWANTED, "{head}: {read} of {sent} bytes were read");
    let answer = read_all(&mut stream);
    assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{head}: {answer}");
    assert!(answer.contains("connection: close\r\n"), "{head}: {answer}");
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{head}: {answer}");
    if expected == 401 {
        let body = r#"{"message":"Authorization has been denied for this request."}"#;
        assert!(answer.ends_with(body), "{head}: {answer}");
    }
}

#[test]
fn a_client_that_never_sends_its_body_gets_its_answer() {
    let world = World::new();
    let server = Running::new(world.api());
    for length in ["content-length: 10\r\n", CHUNKED] {
        let mut stream = server.connect();
        write!(stream, "{}\r\n", head("POST", BULK, None, length)).unwrap();
        let begun = Instant::now();
        let answer = read_all(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("connection: close\r\n"), "{answer}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn a_client_that_asks_before_it_sends_gets_its_answer() {
    let world = World::new();
    let server = Running::new(world.api());
    let mut stream = server.connect();
    write!(stream, "{}expect: 100-continue\r\n\r\n", head("POST", BULK, None, DECLARED)).unwrap();
    let answer = read_all(&mut stream);
    assert!(answer.contains("HTTP/1.1 401 "), "{answer}");
}

#[test]
fn a_body_that_breaks_off_or_is_garbled_is_a_bad_request() {
    let world = World::new();
    let server = Running::new(world.api());
    let mut stream = server.connect();
    let head = head("POST", BULK, Some(ADMINISTRATOR), CHUNKED);
    write!(stream, "{head}\r\n2\r\n[]\r\nnonsense\r\n\r\n").unwrap();
    assert_is_error(&read_all(&mut stream), 400);
    let mut stream = server.connect();
    write!(stream, "{head}\r\n2\r\n[").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_is_error(&read_all(&mut stream), 400);
    // Whoever may not send a body is not told about it.
    let mut stream = server.connect();
    write!(stream, "{}\r\nnonsense\r\n", self::head("POST", BULK, None, CHUNKED)).unwrap();
    assert!(read_all(&mut stream).starts_with("HTTP/1.1 401 "));
}

#[test]
fn what_is_no_request_is_refused_and_ends_the_connection() {
    let world = World::new();
    let server = Running::new(world.api());
    let of_size = |bytes: usize| {
        let rest = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx: \r\n\r\n".len();
        format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx: {}\r\n\r\n", "x".repeat(bytes - rest))
    };
    let (largest, larger, long) = (of_size(15 * 1024), of_size(15 * 1024 + 1), of_size(300_000));
    let mut stream = server.connect();
    stream.write_all(largest.as_bytes()).unwrap();
    assert!(read_all(&mut stream).starts_with("HTTP/1.1 200 "));
    for (request, expected) in [
        ("nonsense\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: x\r\nb\u{e4}d: x\r\n\r\n", 400),
        ("GET / HTTP/9.9\r\nhost: x\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n", 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (larger.as_str(), 400),
        (long.as_str(), 400),
        ("GET / HTTP/1.1\r\nhost", 408),
    ] {
        let mut stream = server.connect();
        // The connection may be closed before all of it was sent.
        let _ = stream.write_all(request.as_bytes());
        let answer = read_all(&mut stream);
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{request:.50}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
        assert_eq!(answer.matches("\r\nconnection: close\r\n").count(), 1, "{answer}");
        assert_is_error(&answer, expected);
        assert_eq!(answer.contains("larger than 15360 bytes"), request.len() > 15_360, "{answer}");
    }
}

#[test]
fn a_connection_that_was_good_says_that_it_ends_too() {
    let world = World::new();
    let server = Running::new(world.api());
    let mut stream = server.connect();
    // The error of a HEAD has no body.
    let first = "HEAD /nothing HTTP/1.1\r\nhost: x\r\n\r\n";
    write!(stream, "{first}").unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 404 ") && !head.contains("connection: close"), "{head}");
    write!(stream, "nonsense\r\n\r\n").unwrap();
    let answer = read_all(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("\r\nconnection: close\r\n"), "{answer}");
    assert_is_error(&answer, 400);
}

fn assert_is_error(answer: &str, status: u16) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let header =
        |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{answer}"));
    let error: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"));
    assert_eq!(header("x-request-id: "), error["logId"], "{answer}");
    assert_eq!(header("content-length: "), body.len().to_string(), "{answer}");
    assert_eq!(header("content-type: "), "application/json; charset=utf-8", "{answer}");
    assert_eq!(header("connection: "), "close", "{answer}");
    assert_eq!(error["type"], "Error", "{answer}");
}
