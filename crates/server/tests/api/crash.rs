//! `kill -9` in the middle of a large request.

use std::fmt::Write;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use crate::answer::Answer;
use crate::app::{Setup, TestApp};
use crate::database::{Kind, user_ids};

on_both_databases! {
    a_server_that_is_killed_in_the_middle_has_added_all_or_nobody,
}

const USERS: u32 = 200_000;

async fn a_server_that_is_killed_in_the_middle_has_added_all_or_nobody(kind: Kind) {
    let mut app = Setup::alone_on(kind).await.start();
    app.setup.database.insert_users(USERS);
    let body = json!(user_ids(USERS)).to_string();
    app.create_group("Undisturbed").await;
    let mut whole = undisturbed(&app, "Undisturbed", &body).await;

    let mut outcomes = String::new();
    for percent in [20, 50, 75, 90, 96, 100, 104, 110] {
        let group = format!("Killed at {percent}");
        app.create_group(&group).await;
        let request = tokio::spawn(add(&app, &group, &body).send());
        tokio::time::sleep(whole * percent / 100).await;
        let answered = request.is_finished();
        app.kill_and_restart();
        let answered = answered || request.await.unwrap().is_ok();
        let members = app.member_count(&group).await;
        write!(outcomes, " {percent}%: {members};").unwrap();
        assert!(members == 0 || members == u64::from(USERS), "{outcomes}");
        assert!(members > 0 || !answered, "what was answered is gone: {outcomes}");
        if members == 0 {
            whole = undisturbed(&app, &group, &body).await;
        }
    }
    crate::tell(&format!("{kind:?}: {USERS} ids in {whole:.2?}; members after a kill at{outcomes}"));
    assert!(outcomes.contains(": 0;"), "no kill came in time: {outcomes}");
}

/// How long the request takes when nobody kills the server.
async fn undisturbed(app: &TestApp, group: &str, body: &str) -> Duration {
    let started = Instant::now();
    assert_eq!(Answer::to(add(app, group, body)).await.status, 204);
    let whole = started.elapsed();
    assert_eq!(app.member_count(group).await, u64::from(USERS));
    whole
}

fn add(app: &TestApp, group: &str, body: &str) -> reqwest::RequestBuilder {
    app.request(Method::POST, &format!("/groups/{group}/users"))
        .header("Content-Type", "application/json")
        .body(body.to_owned())
}
