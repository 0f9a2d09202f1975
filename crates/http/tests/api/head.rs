//! HEAD is answered wherever GET is, with the same status and headers and without a body.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};

use actix_web::http::Method;
use guildhall_http::routes;

use crate::access::{ROWS, world_of_the_table};
use crate::server::Running;
use crate::store::Mood;
use crate::world::{ADMINISTRATOR, ORDINARY, UNKNOWN};

/// The status line, the headers but those of the moment, and the body of what comes before the connection is closed.
fn answer(server: &Running, method: &str, path: &str, headers: &str) -> (String, BTreeMap<String, String>, Vec<u8>) {
    let mut stream = server.connect();
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n").unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let (status, lines) = head.split_once("\r\n").unwrap();
    let lines = lines.split("\r\n").map(|line| line.split_once(": ").unwrap());
    let headers = lines.filter(|(name, _)| !["date", "x-request-id"].contains(name));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    (status.to_owned(), headers, bytes[end + 4..].to_vec())
}

/// Checks that HEAD is answered as GET is, and returns the status.
fn assert_alike(server: &Running, path: &str, headers: &str) -> u16 {
    let (status, fields, body) = answer(server, "GET", path, headers);
    let head = answer(server, "HEAD", path, headers);
    assert_eq!(head, (status.clone(), fields.clone(), Vec::new()), "{path} {headers}");
    let length = fields.get("content-length").map(|length| length.parse().unwrap());
    assert_eq!(length.unwrap_or(0), body.len(), "{path} {headers}");
    status.split(' ').nth(1).unwrap().parse().unwrap()
}

fn token(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

#[test]
fn every_route_of_get_answers_head_alike() {
    let world = world_of_the_table();
    let server = Running::new(world.api());
    let mut count = 0;
    for route in routes().iter().filter(|route| route.method() == Method::GET) {
        let row = ROWS.iter().find(|row| (row.0, row.1) == ("GET", route.template())).unwrap();
        let callers = [String::new(), token(UNKNOWN), token(ORDINARY), token(ADMINISTRATOR)];
        for (caller, expected) in callers.iter().zip(row.4) {
            assert_eq!(assert_alike(&server, row.2, caller), expected, "{}", row.2);
        }
        count += 1;
    }
    assert_eq!(count, ROWS.iter().filter(|row| row.0 == "GET").count());
}

#[test]
fn refusals_and_conditions_are_alike_too() {
    let world = world_of_the_table();
    let server = Running::new(world.api());
    let admin = token(ADMINISTRATOR);
    let with = |line: &str| format!("{admin}{line}\r\n");
    for (path, headers, expected) in [
        ("/nothing", admin.clone(), 404),
        ("/docs/nothing", String::new(), 404),
        ("/docs/swagger-ui-bundle.js", String::new(), 200),
        ("/authenticate/connect/token", String::new(), 405),
        ("/api/security/users/nobody", admin.clone(), 404),
        ("/api/security/users?pageSize=0", admin.clone(), 400),
        ("/api/security/users?pageIndex=99", admin.clone(), 200),
        ("/api/security/users/bob", with("if-none-match: *"), 304),
        ("/api/security/users/bob", with("if-none-match: \"9.9\""), 200),
        ("/api/security/users/bob", with("if-none-match: nonsense"), 400),
        ("/api/security/groups/Soap", with("if-none-match: *"), 304),
    ] {
        assert_eq!(assert_alike(&server, path, &headers), expected, "{path} {headers}");
    }
    world.store.becomes(Mood::Away);
    for path in ["/health/ready", "/api/security/users"] {
        assert_eq!(assert_alike(&server, path, &admin), 503, "{path}");
    }
    world.store.becomes(Mood::Well);
    let (status, fields, body) = answer(&server, "HEAD", "/api/security/users/bob", &admin);
    assert_eq!((status.as_str(), body.len()), ("HTTP/1.1 200 OK", 0));
    let tag = &fields["etag"];
    assert_eq!(assert_alike(&server, "/api/security/users/bob", &with(&format!("if-none-match: {tag}"))), 304);
}

#[test]
fn a_connection_goes_on_after_head() {
    let world = world_of_the_table();
    let server = Running::new(world.api());
    let mut stream = server.connect();
    let head = format!("HEAD /api/security/users HTTP/1.1\r\nhost: x\r\n{}\r\n", token(ADMINISTRATOR));
    write!(stream, "{head}{head}GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let answers = crate::server::read_all(&mut stream);
    let statuses: Vec<_> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "200", "200"], "{answers}");
    assert_eq!(answers.matches('{').count(), 1, "{answers}");
}

#[test]
fn the_checks_of_membership_have_no_get() {
    let world = world_of_the_table();
    let server = Running::new(world.api());
    for (path, expected) in [
        ("/api/security/groups/Soap/users/tyler", "HTTP/1.1 204 No Content"),
        ("/api/security/groups/Soap/users/bob", "HTTP/1.1 404 Not Found"),
        ("/api/security/users/tyler/groups/Soap", "HTTP/1.1 204 No Content"),
    ] {
        assert_eq!(answer(&server, "HEAD", path, &token(ADMINISTRATOR)).0, expected, "{path}");
        let (status, fields, _) = answer(&server, "GET", path, &token(ADMINISTRATOR));
        assert_eq!(status, "HTTP/1.1 405 Method Not Allowed", "{path}");
        assert!(fields["allow"].ends_with("HEAD") && !fields["allow"].contains("GET"), "{path}: {fields:?}");
    }
}
