//! What it costs everybody that many memberships fall due at one moment.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::app::{API, Setup};
use crate::client::Client;
use crate::database::{Kind, user_ids};
use crate::million::{forget_peak, peak_memory};

on_both_databases! {
    a_manager_gives_no_more_dates_than_they_may,
    everybody_is_answered_when_hundreds_of_thousands_are_due,
}

async fn a_manager_gives_no_more_dates_than_they_may(kind: Kind) {
    let app = Setup::on(kind).await.with("GUILDHALL_AUTHORIZATION__DATES_PER_CALLER", "2").start();
    let admin = Client::admin(&app);
    for name in ["marla", "bob", "tyler", "chloe"] {
        admin.create_user(name).await;
    }
    admin.create_group("Soap", &[], &[]).await;
    admin.send("PUT", "/groups/Soap/managers/users/marla").await.is(204);
    let marla = Client::of(&app, "marla");
    let dates = json!({ "validFrom": "2100-01-01T00:00:00Z" });
    marla.send_with("PUT", "/groups/Soap/users/bob", &dates).await.is(204);
    marla.send_with("PUT", "/groups/Soap/users/tyler", &dates).await.is(204);
    let refused = marla.send_with("PUT", "/groups/Soap/users/chloe", &dates).await.is(409).json();
    assert_eq!(refused["message"], "No more dates can be given: 2 of those that you gave are yet to come");
    let patch = json!({ "add": ["chloe", { "user": "marla", "validUntil": "2100-01-01" }] });
    for path in ["/groups/Soap/users", "/groups/Soap/users?mode=partial", "/groups/Soap/users?dryRun=true"] {
        marla.send_with("PATCH", path, &patch).await.is(409);
    }
    assert_eq!(marla.listed("/groups/Soap/users", "username").await, [""; 0]);
    marla.send("PUT", "/groups/Soap/users/chloe").await.is(204);
    admin.send_with("PUT", "/groups/Soap/users/chloe", &dates).await.is(204);
    marla.send("DELETE", "/groups/Soap/users/bob").await.is(204);
    marla.send_with("PATCH", "/groups/Soap/users", &patch).await.is(200);
}

/// Beside the same memberships added by a bulk request, for which nobody but other writers would have to wait.
async fn everybody_is_answered_when_hundreds_of_thousands_are_due(kind: Kind) {
    const USERS: u32 = 400_000;
    let app = Setup::alone_on(kind).await.start();
    app.setup.database.insert_users(USERS);
    for name in ["At once", "Later"] {
        app.create_group(name).await;
    }
    let ids = user_ids(USERS);
    let send = async |method: Method, path: &str, body: String| {
        let request = app.request(method, path).header("Content-Type", "application/json");
        let started = Instant::now();
        let answer = Answer::to(request.body(body).timeout(Duration::from_mins(10))).await;
        assert!(matches!(answer.status, 200 | 204), "{answer:?}");
        started.elapsed()
    };
    let element = |id: &String| json!({ "user": id, "validFrom": "2100-01-01" });
    let later = json!({ "add": ids.iter().map(element).collect::<Vec<_>>() }).to_string();
    let scheduled = send(Method::PATCH, "/groups/Later/users", later).await;
    let added = send(Method::POST, "/groups/At once/users", json!(ids).to_string()).await;
    app.setup.database.execute("UPDATE membership_dates SET valid_from = 1, next_at = 1");
    let before = forget_peak(app.server.pid());
    let started = Instant::now();
    let mut asking = JoinSet::new();
    for id in ids.iter().step_by(20_000) {
        let url = format!("{}{API}/groups/Later/users/{id}", app.server.url);
        let request = app.client.head(&url).bearer_auth(&app.token).timeout(Duration::from_mins(10));
        asking.spawn(async move { (Answer::to(request).await.status, started.elapsed()) });
    }
    let mut longest = Duration::ZERO;
    while let Some(asked) = asking.join_next().await {
        let (status, time) = asked.unwrap();
        assert_eq!(status, 204);
        longest = longest.max(time);
    }
    let grown = peak_memory(app.server.pid()).saturating_sub(before);
    assert_eq!(app.member_count("Later").await, u64::from(USERS));
    crate::tell(&format!(
        "{kind:?}: {USERS} memberships scheduled in {scheduled:.2?}; all who asked when they were due answered within {longest:.2?}, with {grown} MiB; \
         added at once in {added:.2?}"
    ));
    assert!(longest < added * 10, "{longest:?} for {added:?}");
    assert!(grown < 64, "{grown} MiB");
}
