//! What the metrics say of what was done, and what they are documented to say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{GROUP, PASSWORD, Setup, TestApp, USERS};
use crate::audit::{by_password, sign_in};
use crate::database::Kind;
use crate::management::PORT;
use crate::scrape::Scrape;

on_both_databases! {
    every_metric_is_documented_and_every_documented_one_is_there,
    sign_ins_are_counted_by_grant_and_outcome,
    memberships_are_counted_by_whatever_way_they_begin_and_end,
    requests_are_counted_by_route_method_and_status_and_by_nothing_that_clients_choose,
    failures_of_the_database_are_counted_by_kind,
}

async fn with_metrics(kind: Kind) -> TestApp {
    Setup::on(kind).await.with(PORT, "0").start()
}

/// The rows of the tables in `docs/metrics.md`: name, type, labels.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    let text = fs::read_to_string(file).unwrap();
    let code = |cell: &str| -> BTreeSet<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let row = |line: &str| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, name, kind, labels, ..] = cells[..] else { return None };
        let name = code(name).pop_first()?;
        Some((name, (kind.to_owned(), code(labels))))
    };
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| `")).filter_map(row).collect();
    let table: BTreeMap<_, _> = rows.iter().cloned().collect();
    assert_eq!(table.len(), rows.len(), "a metric is documented twice");
    table
}

async fn every_metric_is_documented_and_every_documented_one_is_there(kind: Kind) {
    let endpoint = "http://127.0.0.1:1";
    let app = Setup::on(kind).await.with(PORT, "0").with("GUILDHALL_TELEMETRY__OTLP_ENDPOINT", endpoint).start();
    app.get("/groups/Everyone").await.is(200);
    let scrape = Scrape::of(&app).await;
    let mut expected = documented();
    if kind == Kind::Postgres {
        // It is documented to be SQLite's.
        expected.remove("guildhall_database_at_once_total").unwrap();
        assert!(!scrape.types.contains_key("guildhall_database_at_once_total"));
    }
    let labels = |name: &String| scrape.labels(name);
    let found: BTreeMap<_, _> =
        scrape.types.iter().map(|(name, kind)| (name.clone(), (kind.clone(), labels(name)))).collect();
    assert_eq!(found, expected);
}

async fn sign_ins_are_counted_by_grant_and_outcome(kind: Kind) {
    let setup = Setup::on(kind).await.with(PORT, "0").with("GUILDHALL_AUTH__LOCKOUT_THRESHOLD", "2");
    let app = setup.with("GUILDHALL_LIMITS__TOKEN_REQUESTS_PER_ACCOUNT", "4").start();
    let key = app.post("/apiKeys", &json!({ "name": "Factory" })).await.is(201).json();
    let flow = &key["flows"][0];
    let (id, secret) = (flow["clientId"].as_str().unwrap(), flow["clientSecret"].as_str().unwrap());
    app.create_user("marla").await;
    let form = |parameters: &'static [(&str, &str)]| sign_in(&app, parameters);
    let accepted = by_password(&app, "admin", PASSWORD).await.is(200).json();
    let refresh = accepted["refresh_token"].as_str().unwrap();
    sign_in(&app, &[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await.is(200);
    form(&[("grant_type", "refresh_token"), ("refresh_token", "nonsense")]).await.is(400);
    let client = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    sign_in(&app, &client).await.is(200);
    sign_in(&app, &[client[0], client[1], ("client_secret", "wrong")]).await.is(400);
    form(&[("grant_type", "magic")]).await.is(400);
    form(&[("grant_type", "password"), ("username", "x")]).await.is(400);
    // Two wrong passwords lock; the fifth attempt is throttled.
    for _ in 0..4 {
        by_password(&app, "marla", "wrong").await.is(400);
    }
    by_password(&app, "marla", "wrong").await.is(429);
    let scrape = Scrape::of(&app).await;
    let counted = |grant: &str, outcome: &str| {
        scrape.value(&format!("guildhall_sign_ins_total{{grant=\"{grant}\",outcome=\"{outcome}\"}}"))
    };
    for (grant, outcome, expected) in [
        ("password", "accepted", 1),
        ("password", "refused", 4),
        ("password", "throttled", 1),
        ("refresh", "accepted", 1),
        ("refresh", "refused", 1),
        ("client", "accepted", 1),
        ("client", "refused", 1),
        ("unreadable", "refused", 2),
        ("external", "accepted", 0),
    ] {
        assert_eq!(counted(grant, outcome), expected, "{grant} {outcome}");
    }
    assert_eq!(scrape.sum("guildhall_sign_ins_total"), 12);
    assert_eq!(scrape.value("guildhall_account_locks_total"), 1);
    assert_eq!(scrape.value("guildhall_throttled_total{limit=\"account\"}"), 1);
    assert_eq!(scrape.value("guildhall_throttled_total{limit=\"address\"}"), 0);
    assert!(scrape.value("guildhall_password_hash_seconds_count") >= 5);
    // The one that was created was hashed there too; the one that was throttled was not.
    assert_eq!(scrape.value("guildhall_lane_wait_seconds_count{lane=\"password\"}"), 6);
    // The administrator's token was verified once, and then found.
    let hits = scrape.value("guildhall_token_cache_hits_total");
    assert_eq!(
        (scrape.value("guildhall_token_cache_misses_total"), scrape.value("guildhall_token_cache_tokens")),
        (1, 1)
    );
    app.get("/users/@current").await.is(200);
    assert_eq!(Scrape::of(&app).await.value("guildhall_token_cache_hits_total"), hits + 1);
}

async fn memberships_are_counted_by_whatever_way_they_begin_and_end(kind: Kind) {
    let app = with_metrics(kind).await;
    app.create_documented().await;
    let sub = app.create_group("Project Mayhem").await;
    let group = |path: &str| format!("/groups/{GROUP}/{path}");
    let everyone = 1;
    let user = json!({ "username": "lou", "email": "lou@fightclub.com", "groups": [GROUP],
                       "credentials": { "password": "F1ghtC1ub1234!" } });
    let steps = [
        ("many", Method::POST, group("users"), json!(USERS), 204, [5, 0, 0, 0]),
        ("many again", Method::POST, group("users"), json!(USERS), 204, [0; 4]),
        ("unknown", Method::POST, group("users"), json!([USERS[0], sub]), 404, [0; 4]),
        ("one", Method::PUT, format!("/groups/{sub}/users/{}", USERS[0]), Value::Null, 204, [1, 0, 0, 0]),
        ("one again", Method::PUT, format!("/groups/{sub}/users/{}", USERS[0]), Value::Null, 204, [0; 4]),
        ("removed", Method::DELETE, group(&format!("users/{}", USERS[1])), Value::Null, 204, [0, 1, 0, 0]),
        ("removed again", Method::DELETE, group(&format!("users/{}", USERS[1])), Value::Null, 404, [0; 4]),
        ("child", Method::PUT, group(&format!("groups/{sub}")), Value::Null, 204, [0, 0, 1, 0]),
        ("a circle", Method::PUT, format!("/groups/{sub}/groups/{GROUP}"), Value::Null, 422, [0; 4]),
        ("child removed", Method::DELETE, group(&format!("groups/{sub}")), Value::Null, 204, [0, 0, 0, 1]),
        ("children", Method::POST, group("groups"), json!([sub]), 204, [0, 0, 1, 0]),
        ("created", Method::POST, "/users".to_owned(), user, 201, [everyone, 0, 0, 0]),
        ("user deleted", Method::DELETE, format!("/users/{}", USERS[0]), Value::Null, 204, [0, 2 + everyone, 0, 0]),
        ("group deleted", Method::DELETE, format!("/groups/{GROUP}"), Value::Null, 204, [0, 3, 0, 1]),
    ];
    let mut before = Scrape::of(&app).await;
    for (what, method, path, body, status, expected) in steps {
        let request = app.request(method, &path);
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = Answer::to(request).await;
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        let after = Scrape::of(&app).await;
        let counted = [("user", "added"), ("user", "removed"), ("group", "added"), ("group", "removed")].map(
            |(member, change)| {
                let series = format!("guildhall_membership_changes_total{{change=\"{change}\",member=\"{member}\"}}");
                after.since(&before, &series)
            },
        );
        assert_eq!(counted, expected, "{what}");
        before = after;
    }
}

async fn requests_are_counted_by_route_method_and_status_and_by_nothing_that_clients_choose(kind: Kind) {
    let app = with_metrics(kind).await;
    let series = |method: &str, route: &str, status: &str| {
        format!(
            "guildhall_http_request_duration_seconds_count{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}"
        )
    };
    let before = Scrape::of(&app).await;
    app.get("/groups/Everyone").await.is(200);
    app.get("/GROUPS/everyone/").await.is(200);
    app.get("/groups/nowhere").await.is(404);
    Answer::to(app.request(Method::HEAD, "/groups/Everyone/users/admin")).await.is(204);
    Answer::to(app.client.get(app.url("/groups/Everyone"))).await.is(401);
    app.post("/groups/Everyone", &json!({})).await.is(405);
    let expect = app.client.post(app.url("/groups/Everyone/users")).header("expect", "100-continue").json(&json!([]));
    Answer::to(expect).await.is(401);
    let after = Scrape::of(&app).await;
    for (method, route, status, expected) in [
        ("GET", "/api/security/groups/{group}", "200", 2),
        ("GET", "/api/security/groups/{group}", "404", 1),
        ("GET", "/api/security/groups/{group}", "401", 1),
        ("POST", "/api/security/groups/{group}", "405", 1),
        ("HEAD", "/api/security/groups/{group}/users/{user}", "204", 1),
        ("POST", "/api/security/groups/{group}/users", "401", 1),
    ] {
        assert_eq!(after.since(&before, &series(method, route, status)), expected, "{method} {route} {status}");
    }
    assert_eq!(after.value("guildhall_http_requests_in_progress"), 0);
    // What clients make up adds one series each for the path and the method that are none.
    for number in 0..20 {
        let url = format!("{}/made-up-{number}/x?y={number}", app.server.url);
        let method = Method::from_bytes(format!("MADE{number}").as_bytes()).unwrap();
        Answer::to(app.client.request(method.clone(), &url)).await.is(404);
        Answer::to(app.client.get(&url).header("user-agent", format!("made-up-{number}"))).await.is(404);
        Answer::to(app.request(method, &format!("/groups/made-up-{number}"))).await.is(405);
        app.get(&format!("/users/made-up-{number}")).await.is(404);
        by_password(&app, &format!("made-up-{number}"), "made-up").await.is(400);
    }
    let last = Scrape::of(&app).await;
    assert_eq!(last.since(&after, &series("other", "unmatched", "404")), 20);
    assert_eq!(last.since(&after, &series("GET", "unmatched", "404")), 20);
    assert_eq!(last.since(&after, &series("other", "/api/security/groups/{group}", "405")), 20);
    let names = last.series();
    assert!(!names.iter().any(|series| series.to_lowercase().contains("made")), "{names:?}");
    let new: Vec<_> = names.difference(&after.series()).filter(|series| series.contains("_count")).copied().collect();
    assert_eq!(new.len(), 5, "{new:?}");
}

async fn failures_of_the_database_are_counted_by_kind(kind: Kind) {
    let app = with_metrics(kind).await;
    let error =
        |scrape: &Scrape, kind: &str| scrape.value(&format!("guildhall_database_errors_total{{kind=\"{kind}\"}}"));
    let before = Scrape::of(&app).await;
    assert_eq!((before.sum("guildhall_database_errors_total"), before.value("guildhall_database_faulty")), (0, 0));
    if kind == Kind::Postgres {
        // Connections that are lost are replaced, and the work is done over another one.
        app.setup.database.disconnect_everybody();
        app.get("/groups").await.is(200);
        assert!(Scrape::of(&app).await.sum("guildhall_database_errors_total") > 0);
    }
    app.setup.database.execute("ALTER TABLE groups RENAME TO elsewhere");
    let answer = app.get("/groups").await;
    assert!(answer.status >= 500, "{answer:?}");
    let scrape = Scrape::of(&app).await;
    // What PostgreSQL refuses is not clear at first, and tried again.
    let expected = if kind == Kind::Sqlite { "missing_tables" } else { "unclear" };
    assert!(error(&scrape, expected) > 0, "{scrape:?}");
    assert_eq!(scrape.value("guildhall_database_faulty"), 1);
    app.setup.database.execute("ALTER TABLE elsewhere RENAME TO groups");
}
