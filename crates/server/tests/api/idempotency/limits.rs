//! Callers who have answers kept, as many as they can.

use std::time::Duration;

use serde_json::{Value, json};

use super::{KEY, is_replay};
use crate::answer::Answer;
use crate::app::Setup;
use crate::client::Client;
use crate::database::Kind;

on_both_databases! {
    at_the_limit_nothing_is_done_and_nothing_kept_is_lost,
    the_limit_ends_when_it_is_said_to,
    nobody_fills_the_disk_with_answers,
    counted_answers_are_those_that_are_kept,
}

const ANSWERS: &str = "GUILDHALL_IDEMPOTENCY__ANSWERS_PER_CALLER";
const BYTES: &str = "GUILDHALL_IDEMPOTENCY__BYTES_PER_CALLER";
const OF_ADMINISTRATORS: &str = "GUILDHALL_IDEMPOTENCY__ANSWERS_PER_ADMINISTRATOR";
const LIMIT_REACHED: &str = "As many answers to requests with an Idempotency-Key are kept for this caller as may be. Nothing was done: send the \
                             request later, or without the header";

/// Changes the caller's own first name.
async fn rename(client: &Client<'_>, name: &str, key: &str) -> Answer {
    let request = client.request_with("PATCH", "/users/@current", &json!({ "firstName": name }));
    Answer::to(request.header(KEY, key)).await
}

/// The seconds after which to ask again.
fn limit_reached(answer: &Answer) -> u64 {
    answer.is_error(429, LIMIT_REACHED, &Value::Null);
    answer.headers["retry-after"].parse().unwrap()
}

async fn at_the_limit_nothing_is_done_and_nothing_kept_is_lost(kind: Kind) {
    let app = Setup::on(kind).await.with(ANSWERS, "3").with(OF_ADMINISTRATORS, "5").start();
    let admin = Client::admin(&app);
    for name in ["marla", "robert"] {
        admin.create_user(name).await;
    }
    let [marla, robert] = ["marla", "robert"].map(|name| Client::of(&app, name));
    let mut first = Vec::new();
    for number in 0..3 {
        first.push(rename(&marla, &format!("Name {number}"), &number.to_string()).await.is(200));
    }
    let before = app.setup.database.dump(&[]);
    let seconds = limit_reached(&rename(&marla, "Name 3", "3").await);
    // The retention, and at most a 24th of it, less the time that this test has taken.
    assert!((86_000..=90_001).contains(&seconds), "{seconds}");
    let preview = marla.request_with("PATCH", "/users/@current?dryRun=true", &json!({ "firstName": "x" }));
    limit_reached(&Answer::to(preview.header(KEY, "preview")).await);
    // What was kept is answered, refused and compared as ever.
    for (number, first) in first.iter().enumerate() {
        is_replay(&rename(&marla, &format!("Name {number}"), &number.to_string()).await, first);
    }
    rename(&marla, "Another", "0").await.is(422);
    rename(&marla, "Name 4", "mal formed").await.is(400);
    assert!(app.setup.database.dump(&[]) == before, "something was done");
    // Without the header, and by others, everything goes on.
    marla.send_with("PATCH", "/users/@current", &json!({ "firstName": "Marla" })).await.is(200);
    rename(&robert, "Robert", "0").await.is(200);
    for number in 0..5 {
        Answer::to(admin.request_with("POST", "/groups", &json!({ "name": format!("{number}") })).header(KEY, number))
            .await
            .is(201);
    }
    let sixth = admin.request_with("POST", "/groups", &json!({ "name": "sixth" })).header(KEY, "sixth");
    limit_reached(&Answer::to(sixth).await);
    assert_eq!(admin.get("/groups?q=sixth").await["totalCount"], 0);
    assert_eq!(app.setup.database.count("SELECT count(*) AS number FROM kept_answers"), 9);
}

async fn the_limit_ends_when_it_is_said_to(kind: Kind) {
    let app = Setup::on(kind).await.with(ANSWERS, "2").with("GUILDHALL_IDEMPOTENCY__RETENTION", "12").start();
    Client::admin(&app).create_user("marla").await;
    let marla = Client::of(&app, "marla");
    let answers = [rename(&marla, "Marla", "0").await, rename(&marla, "Marla", "1").await];
    assert_eq!(answers.map(|answer| answer.status), [200, 200]);
    let seconds = limit_reached(&rename(&marla, "Marla", "2").await);
    assert!((1..=13).contains(&seconds), "{seconds}");
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let again = rename(&marla, "Marla", "2").await.is(200);
    is_replay(&rename(&marla, "Marla", "2").await, &again);
}

async fn nobody_fills_the_disk_with_answers(kind: Kind) {
    let app = Setup::on(kind).await.with(BYTES, "500000").start();
    Client::admin(&app).create_user("marla").await;
    let marla = Client::of(&app, "marla");
    let large = json!({ "custom": { "a": "x".repeat(30_000), "b": "y".repeat(30_000) } });
    marla.send_with("PATCH", "/users/@current", &large).await.is(200);
    let size = || app.setup.database.count("SELECT coalesce(sum(length(answer)), 0) AS number FROM kept_answers");
    let mut statuses = Vec::new();
    for round in 0..3 {
        let sent: Vec<_> = (0..24)
            .map(|number| {
                let body = json!({ "firstName": format!("{round} {number}") });
                let request = marla.request_with("PATCH", "/users/@current", &body);
                tokio::spawn(Answer::to(request.header(KEY, format!("{round}-{number}"))))
            })
            .collect();
        for answer in sent {
            statuses.push(answer.await.unwrap().status);
        }
        // Requests at the same time may go beyond it by one answer each.
        assert!(size() <= 500_000 + 24 * 62_000, "{}", size());
        if round > 0 {
            assert!(statuses[24 * round..].iter().all(|status| *status == 429), "{statuses:?}");
        }
    }
    assert!(size() >= 500_000 - 62_000 && statuses.contains(&200), "{statuses:?}");
}

async fn counted_answers_are_those_that_are_kept(kind: Kind) {
    let app = Setup::on(kind).await.start();
    let admin = Client::admin(&app);
    let sent: Vec<_> = (0..64)
        .map(|number| {
            let request = admin.request_with("POST", "/groups", &json!({ "name": format!("Group {}", number / 2) }));
            tokio::spawn(Answer::to(request.header(KEY, number)))
        })
        .collect();
    for answer in sent {
        assert!(matches!(answer.await.unwrap().status, 201 | 409));
    }
    let database = &app.setup.database;
    let counted = ["answers", "bytes"].map(|column| {
        database.count(&format!("SELECT CAST(sum({column}) AS bigint) AS number FROM kept_answer_counts"))
    });
    let kept = ["count(*)", "sum(length(answer) + 256)"]
        .map(|sum| database.count(&format!("SELECT CAST({sum} AS bigint) AS number FROM kept_answers")));
    assert_eq!(counted, kept);
    assert_eq!(kept[0], 64);
}
