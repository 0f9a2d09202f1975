//! What the log says, and what it never says.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::{Mutex, Once, mpsc};
use std::time::Duration;

use actix_web::http::Method;
use tracing::level_filters::LevelFilter;

use crate::store::Mood;
use crate::world::{ADMINISTRATOR, World, by};

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what every thread logs, each for itself. A subscriber per thread would miss events: whether an event interests
/// anybody is remembered for all threads together.
fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::DEBUG).with_ansi(false);
        subscriber.with_writer(|| ThisThread).init();
    });
}

/// What this thread has logged since it was last asked.
fn logged() -> Log {
    Log(String::from_utf8(LOG.take()).unwrap())
}

struct Log(String);

impl Log {
    /// How many lines hold all of `words`.
    fn lines_with(&self, words: &[&str]) -> usize {
        self.0.lines().filter(|line| words.iter().all(|word| line.contains(word))).count()
    }
}

struct ThisThread;

/// The audit lines of all threads: those of work are written by the thread that does it.
static AUDIT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

impl Write for ThisThread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.windows(7).any(|part| part == b" audit:") {
            AUDIT.lock().unwrap().extend_from_slice(bytes);
        }
        LOG.with_borrow_mut(|log| log.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[actix_web::test]
async fn a_request_has_one_line_with_its_id_and_its_status() {
    let world = World::new();
    listen();
    let answer = world.ask(Method::GET, "/api/security/groups/Everyone?x=secret").await;
    let (log, id) = (logged(), answer.header("x-request-id").unwrap());
    let line = ["INFO", id, "method=GET", "path=\"/api/security/groups/Everyone\"", "status=200", "duration_ms="];
    assert_eq!(log.lines_with(&line), 1, "{}", log.0);
    assert_eq!(log.lines_with(&["secret"]), 0, "{}", log.0);
}

#[actix_web::test]
async fn neither_tokens_nor_bodies_are_logged() {
    let world = World::new();
    listen();
    let request = by("a-secret-token", Method::GET, "/api/security/groups/Everyone");
    assert_eq!(world.send(request).await.status, 401);
    let log = logged();
    assert_eq!(log.lines_with(&["INFO", "audit", "the token is not valid: nobody was given it"]), 1, "{}", log.0);
    let body = r#"{"email":"t@x.com","credentials":{"password":"F1ghtC1ub1234!"}}"#;
    assert_eq!(world.post("/api/security/users", body).await.status, 201);
    assert_eq!(world.post("/api/security/users", body).await.status, 409);
    let later = logged();
    assert_eq!(later.lines_with(&["status=409"]), 1, "{}", later.0);
    for secret in ["a-secret-token", ADMINISTRATOR, "F1ghtC1ub1234!"] {
        assert_eq!(log.lines_with(&[secret]) + later.lines_with(&[secret]), 0, "{}{}", log.0, later.0);
    }
}

#[actix_web::test]
async fn what_is_done_for_a_client_that_has_left_is_audited() {
    listen();
    let world = World::new();
    let name = "The key of somebody who left";
    world.add_api_key(name);
    let (release, released) = mpsc::channel();
    world.store.becomes(Mood::Waiting(released));
    let path = format!("/api/security/apiKeys/{}", name.replace(' ', "%20"));
    let asking = world.ask(Method::DELETE, &path);
    assert!(actix_web::rt::time::timeout(Duration::from_millis(200), asking).await.is_err());
    let has_line =
        || Log(String::from_utf8(AUDIT.lock().unwrap().clone()).unwrap()).lines_with(&[name, "deleted"]) == 1;
    assert!(!has_line());
    release.send(()).unwrap();
    while !has_line() {
        actix_web::rt::time::sleep(Duration::from_millis(10)).await;
    }
}

#[actix_web::test]
async fn a_failure_is_logged_once_with_everything_that_led_to_it() {
    listen();
    let world = World::new();
    for (mood, level, cause) in [
        (Mood::Broken, "ERROR", "the store failed: a table is missing"),
        (Mood::Away, "WARN", "the store is not available: nobody answers"),
    ] {
        world.store.becomes(mood);
        let answer = world.ask(Method::GET, "/api/security/groups/Everyone").await;
        let (log, id) = (logged(), answer.header("x-request-id").unwrap());
        assert_eq!(log.lines_with(&[level, id, cause]), 1, "{}", log.0);
        assert_eq!(log.lines_with(&[cause]), 1, "{}", log.0);
        assert!(!answer.body.contains(cause));
    }
}
