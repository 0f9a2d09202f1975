//! A log that cannot be written: its reader is gone or does not read, or the disk is full.

use std::fs::File;
use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write, pipe};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::{Value, json};

use crate::app::{Setup, TestApp};
use crate::comparison::assert_no_slower;
use crate::database::Kind;
use crate::management::PORT;
use crate::scrape::Scrape;
use crate::secure;
use crate::server::{Server, management_url};
use crate::tell;

on_both_databases! {
    a_log_without_a_reader_from_the_start_changes_nothing,
    a_log_whose_reader_leaves_changes_nothing,
    a_log_that_nobody_reads_changes_nothing,
    a_log_on_a_full_disk_changes_nothing,
    lost_lines_are_counted_once_the_log_is_read_again,
    nobody_needs_to_read_the_output_of_the_first_start,
}

/// How many bytes a pipe holds.
const PIPE: usize = 64 * 1024;
/// For how long to wait for an answer that does not come.
const PATIENCE: Duration = Duration::from_secs(10);

async fn a_log_without_a_reader_from_the_start_changes_nothing(kind: Kind) {
    let (reader, log) = pipe().unwrap();
    drop(reader);
    changes_nothing(kind, log.into(), || ()).await;
}

async fn a_log_whose_reader_leaves_changes_nothing(kind: Kind) {
    let (reader, log) = pipe().unwrap();
    changes_nothing(kind, log.into(), || drop(reader)).await;
}

async fn a_log_that_nobody_reads_changes_nothing(kind: Kind) {
    let (_reader, log) = full_pipe();
    changes_nothing(kind, log.into(), || ()).await;
}

async fn a_log_on_a_full_disk_changes_nothing(kind: Kind) {
    changes_nothing(kind, File::options().write(true).open("/dev/full").unwrap().into(), || ()).await;
}

/// Compares a server with this log with one whose log is read, request by request over one database. All are answered, what is
/// created is there, and both end when they are told to.
async fn changes_nothing(kind: Kind, log: Stdio, lose: impl FnOnce()) {
    let setup = Setup::alone_on(kind).await;
    let usual = Server::start(&setup);
    let mut app = start(setup, Stdio::null(), log);
    lose();
    assert_no_slower(kind, &app, &usual).await;
    ends_soon(&mut app).await;
}

async fn lost_lines_are_counted_once_the_log_is_read_again(kind: Kind) {
    const CALLERS: usize = 32;
    const CALLS: usize = 400;
    let (reader, log) = pipe().unwrap();
    let mut app = start(Setup::alone_on(kind).await.with(PORT, "0"), Stdio::null(), log.into());
    let live = |client: Client, url: String| async move {
        client.get(format!("{url}/health/live")).send().await.unwrap().status().as_u16()
    };
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (client, url) = (app.client.clone(), app.server.url.clone());
            tokio::spawn(async move {
                for _ in 0..CALLS {
                    assert_eq!(live(client.clone(), url.clone()).await, 200);
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let lines = Arc::new(Mutex::new(Vec::<Value>::new()));
    let read = Arc::clone(&lines);
    let reading = thread::spawn(move || {
        for line in BufReader::new(reader).lines() {
            read.lock().unwrap().push(serde_json::from_str(&line.unwrap()).unwrap());
        }
    });
    // One of them to see that it answers.
    let mut requests = CALLERS * CALLS + 1;
    while !lines.lock().unwrap().iter().any(|line| line["lost"].is_u64()) {
        assert_eq!(live(app.client.clone(), app.server.url.clone()).await, 200);
        requests += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let url = lines.lock().unwrap().iter().find_map(|line| management_url(line["message"].as_str()?)).unwrap();
    let counted = Scrape::at(&url).await.value("guildhall_log_lines_lost_total");
    ends_soon(&mut app).await;
    reading.join().unwrap();
    let lines = lines.lock().unwrap();
    let answered = lines.iter().filter(|line| line["status"] == 200).count();
    let lost: u64 = lines.iter().filter_map(|line| line["lost"].as_u64()).sum();
    tell(&format!("{kind:?}: {answered} lines were written, {lost} lost"));
    assert!(lost > 0);
    assert_eq!(answered as u64 + lost, requests as u64);
    assert_eq!(u64::try_from(counted), Ok(lost));
    let report = lines.iter().find(|line| line["lost"].is_u64()).unwrap();
    assert_eq!((&report["level"], report["timestamp"].is_string()), (&json!("WARN"), true), "{report}");
    let message = report["message"].as_str().unwrap();
    assert!(message.ends_with(" lines of this log were lost"), "{message}");
    assert_eq!(lines.last().unwrap()["message"], "stopped");
}

async fn nobody_needs_to_read_the_output_of_the_first_start(kind: Kind) {
    let (reader, closed) = pipe().unwrap();
    drop(reader);
    starts_writing_to(kind, &closed).await;
    let (_reader, full) = full_pipe();
    starts_writing_to(kind, &full).await;
}

/// Starts a server that prints a password there, and logs there.
async fn starts_writing_to(kind: Kind, output: &PipeWriter) {
    let setup = Setup::on(kind).await.without("GUILDHALL_BOOTSTRAP__ADMIN_PASSWORD");
    let mut app = start(setup, output.try_clone().unwrap().into(), output.try_clone().unwrap().into());
    assert_eq!(app.get("/groups/Everyone").await.status, 200);
    ends_soon(&mut app).await;
}

#[test]
fn a_start_that_fails_ends_though_nobody_reads_why() {
    let (reader, closed) = pipe().unwrap();
    drop(reader);
    let (_reader, full) = full_pipe();
    for log in [closed, full] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guildhall"));
        command.env_clear().env("GUILDHALL_SERVER__PORT", "none").stderr(log);
        let (ended, has_ended) = std::sync::mpsc::channel();
        let mut child = command.spawn().unwrap();
        let pid = child.id();
        thread::spawn(move || ended.send(child.wait().unwrap().code()).unwrap());
        let code = has_ended.recv_timeout(PATIENCE);
        if code.is_err() {
            Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap();
        }
        assert_eq!(code.unwrap(), Some(1));
    }
}

/// A server that writes there, with a client that does not wait for ever.
fn start(setup: Setup, output: Stdio, log: Stdio) -> TestApp {
    let server = Server::start_writing_to(&setup, output, log);
    let client = secure::client_builder().timeout(PATIENCE).build().unwrap();
    let mut app = TestApp { setup, server, client, token: String::new() };
    app.token = app.token_of("admin");
    app
}

/// Ends the server. Its own limits are seconds; the test allows for a busy machine.
async fn ends_soon(app: &mut TestApp) {
    let begun = Instant::now();
    app.server.terminate();
    assert_eq!(app.server.ended().await.code(), Some(0));
    assert!(begun.elapsed() < PATIENCE, "it took {:?}", begun.elapsed());
}

/// A pipe that has no room left.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = pipe().unwrap();
    writer.write_all(&vec![b'\n'; PIPE]).unwrap();
    (reader, writer)
}
