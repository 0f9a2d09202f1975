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
    a_million_members_are_set_as_soon_as_they_are_added,
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

/// The most memory that an id of a set may take, in bytes.
const BYTES_PER_ID: u64 = 120;

/// Against a million members of whom a few differ, in turns with the bulk request of the same ids.
async fn a_million_members_are_set_as_soon_as_they_are_added(kind: Kind) {
    let app = Setup::alone_on(kind).await.start();
    app.setup.database.insert_users(USERS);
    app.create_group("Project Mayhem").await;
    let ids = user_ids(USERS);
    let most = ids.len() - 5;
    let send = async |method: Method, body: String, status: u16| {
        let request = app.request(method, "/groups/Project Mayhem/users").header("Content-Type", "application/json");
        let started = Instant::now();
        let answer = Answer::to(request.body(body).timeout(Duration::from_mins(10))).await;
        assert_eq!(answer.status, status, "{answer:?}");
        (started.elapsed(), answer)
    };
    let (mut added, mut set, mut grown) = (Vec::new(), Vec::new(), 0);
    for round in 0..4 {
        let bulk = json!(ids[..most]).to_string();
        let patch = json!({ "set": ids[round..most + round] }).to_string();
        let (time, _) = send(Method::POST, bulk, 204).await;
        let before = forget_peak(app.server.pid());
        let (other_time, answer) = send(Method::PATCH, patch, 200).await;
        let report = answer.json();
        assert_eq!(report["userCount"].as_u64(), Some(most as u64), "{report}");
        assert_eq!(report["added"], u64::from(round > 0), "{report}");
        grown = grown.max(peak_memory(app.server.pid()).saturating_sub(before));
        // The first addition is to an empty group.
        if round > 0 {
            added.push(time);
            set.push(other_time);
        }
    }
    let (added, set) = (added.into_iter().min().unwrap(), set.into_iter().min().unwrap());
    let bytes = grown * 1024 * 1024 / u64::from(USERS);
    crate::tell(&format!(
        "{kind:?}: {most} ids added in {added:.2?}, set in {set:.2?}, with {bytes} bytes an id above idle"
    ));
    assert!(set < added * 2, "{set:?} for {added:?}");
    assert!(bytes <= BYTES_PER_ID, "{bytes} bytes an id");
}

/// Makes the present memory of a process its peak, and returns it in mebibytes.
pub(crate) fn forget_peak(pid: u32) -> u64 {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
    peak_memory(pid)
}

/// The peak of a process's resident memory, in mebibytes.
pub(crate) fn peak_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}
