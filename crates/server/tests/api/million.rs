//! The largest request that is allowed.

use std::fs;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use crate::answer::Answer;
use crate::app::Setup;
use crate::database::{Kind, user_ids};

on_both_databases! {
    a_million_users_are_added_in_a_single_request,
}

const USERS: u32 = 1_000_000;
/// The most memory that the request may take, in mebibytes.
const MEMORY: u64 = 1024;

async fn a_million_users_are_added_in_a_single_request(kind: Kind) {
    let app = Setup::alone_on(kind).await.start();
    app.setup.database.insert_users(USERS);
    app.create_group("Project Mayhem").await;
    let body = json!(user_ids(USERS)).to_string();
    let before = peak_memory(app.server.pid());
    let mut times = Vec::new();
    for _ in 0..2 {
        let request =
            app.request(Method::POST, "/groups/Project Mayhem/users").header("Content-Type", "application/json");
        let started = Instant::now();
        let answer = Answer::to(request.body(body.clone()).timeout(Duration::from_mins(10))).await;
        times.push(started.elapsed());
        assert_eq!(answer.status, 204, "{answer:?}");
        assert_eq!(app.member_count("Project Mayhem").await, u64::from(USERS));
    }
    let peak = peak_memory(app.server.pid());
    crate::tell(&format!(
        "{kind:?}: {USERS} ids, {} bytes, in {:.2?}, and again in {:.2?}; the server's peak memory is {peak} MiB ({before} before)",
        body.len(),
        times[0],
        times[1],
    ));
    assert!(peak < MEMORY, "{peak} MiB");
}

/// The peak of a process's resident memory, in mebibytes.
fn peak_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}
