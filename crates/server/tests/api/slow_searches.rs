//! Searches of the worst kind that is allowed, and whoever else is here meanwhile.

use std::fs;
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::app::{API, PASSWORD, Setup, TestApp};
use crate::database::{Kind, user_id};
use crate::socket::Wire;
use crate::waiting::until;

on_both_databases! {
    a_search_that_takes_too_long_is_ended_and_says_so,
    searches_end_with_their_clients,
    half_of_two_connections_is_left_to_everybody_else,
    checks_go_on_beside_searches_of_the_worst_kind,
    thousands_of_values_are_looked_up_by_index,
    large_answers_are_written_by_the_threads_that_did_the_work,
}

/// So many that a search of the worst kind takes a minute and more.
const USERS: u32 = 200_000;
/// Far less than that.
const SOON: Duration = Duration::from_secs(20);

/// A search that looks at every user with every comparison that it may make, so many of them with wildcards, and finds nobody.
fn worst_search(wildcards: usize) -> Value {
    const LETTERS: &[u8] = b"qwzxjkvyhg";
    let condition = |number: usize| {
        let [one, other] = [number / LETTERS.len(), number].map(|place| char::from(LETTERS[place % LETTERS.len()]));
        let wildcard = if number < wildcards { "?" } else { "" };
        json!({ "field": "username", "contains": format!("{one}{wildcard}{other}") })
    };
    json!({ "where": [{ "or": (0..4000).map(condition).collect::<Vec<_>>() }] })
}

async fn until_a_search_is_under_way(app: &TestApp) {
    let is_under_way = async || match app.setup.database.kind {
        Kind::Sqlite => processor_time(app, "long") > Duration::from_millis(500),
        Kind::Postgres => app.setup.database.clients("state = 'active' AND query LIKE '%LIKE%'") > 0,
    };
    until("a search is under way", is_under_way).await;
}

async fn a_search_that_takes_too_long_is_ended_and_says_so(kind: Kind) {
    let app = Setup::on(kind).await.with("GUILDHALL_DATABASE__STATEMENT_TIMEOUT", "2").start();
    app.setup.database.insert_users(USERS);
    for wildcards in [0, 100] {
        let begun = Instant::now();
        let answer = app.post("/users/search", &worst_search(wildcards)).await;
        answer.is_error(503, "The query took longer than 2 seconds", &Value::Null);
        assert!(answer.headers["retry-after"].parse::<u32>().is_ok_and(|seconds| seconds >= 1), "{answer:?}");
        assert!((Duration::from_secs(2)..SOON).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    }
    if kind == Kind::Postgres {
        assert_eq!(app.setup.database.clients("state = 'active'"), 0);
    }
    assert_eq!(app.get("/users?pageSize=1").await.status, 200);
}

async fn searches_end_with_their_clients(kind: Kind) {
    let setup = Setup::on(kind).await.with("GUILDHALL_DATABASE__STATEMENT_TIMEOUT", "0");
    let app = setup.with("GUILDHALL_DATABASE__POOL_SIZE", "2").start();
    app.setup.database.insert_users(USERS);
    let body = worst_search(0).to_string();
    let request = format!(
        "POST {API}/users/search HTTP/1.1\r\nHost: guildhall\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        app.token,
        body.len()
    );
    let clients: Vec<Wire> = (0..4)
        .map(|_| {
            let mut wire = Wire::to(&app);
            wire.send(&request);
            wire
        })
        .collect();
    until_a_search_is_under_way(&app).await;
    let begun = Instant::now();
    drop(clients);
    // There is one thread for all of them.
    assert_eq!(app.get("/users?pageSize=1").await.status, 200);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    if kind == Kind::Postgres {
        until("nothing runs any more", async || app.setup.database.clients("state = 'active'") == 0).await;
    }
}

async fn half_of_two_connections_is_left_to_everybody_else(kind: Kind) {
    let app = Setup::on(kind).await.with("GUILDHALL_DATABASE__POOL_SIZE", "2").start();
    app.setup.database.insert_users(USERS);
    app.create_group("Project Mayhem").await;
    let mut searches = JoinSet::new();
    for number in 0..6 {
        let search = app.request(Method::POST, "/users/search").json(&worst_search(number % 2 * 100));
        searches.spawn(again_and_again(search));
    }
    until_a_search_is_under_way(&app).await;
    for number in 0..20 {
        let begun = Instant::now();
        let ready = Answer::to(app.client.get(format!("{}/health/ready", app.server.url))).await;
        let check = Answer::to(app.request(Method::HEAD, "/groups/System%20Administrators/users/admin")).await;
        let form = [("grant_type", "password"), ("username", "admin"), ("password", PASSWORD)];
        let signed_in = Answer::to(app.request_for_token(&form)).await;
        let added = app.put(&format!("/groups/Project%20Mayhem/users/{}", user_id(number))).await;
        assert_eq!([ready.status, check.status, signed_in.status, added.status], [200, 204, 200, 204], "{signed_in:?}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }
    assert!(searches.try_join_next().is_none(), "a search was refused for another reason than its time");
}

/// How much longer nineteen of twenty checks may take beside the searches than alone.
const MOST: f64 = 5.0;
const SEARCHES: usize = 12;
const CHECKS: usize = 200;
/// Other processes disturb one measurement or another, so that the median of several counts.
const ROUNDS: usize = 9;

async fn checks_go_on_beside_searches_of_the_worst_kind(kind: Kind) {
    let app = Setup::alone_on(kind).await.start();
    app.setup.database.insert_users(USERS);
    let mut ratios = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        let alone = checks(&app).await;
        let mut searches = JoinSet::new();
        for number in 0..SEARCHES {
            let search = app.request(Method::POST, "/users/search").json(&worst_search(number % 2 * 100));
            searches.spawn(again_and_again(search));
        }
        searches.spawn(again_and_again(app.request(Method::GET, "/users?pageSize=25")));
        until_a_search_is_under_way(&app).await;
        let beside = checks(&app).await;
        assert!(searches.try_join_next().is_none(), "a search was refused for another reason than its time");
        for (which, ratios) in ratios.iter_mut().enumerate() {
            ratios.push(beside[which].as_secs_f64() / alone[which].as_secs_f64());
        }
        crate::tell(&format!(
            "{kind:?}: p95 of checks and readiness beside {SEARCHES} searches {beside:.2?}, alone {alone:.2?}"
        ));
        drop(searches);
        until("the searches have ended", async || app.get("/users?pageSize=1").await.status == 200).await;
    }
    let medians = ratios.map(|mut ratios| {
        ratios.sort_unstable_by(f64::total_cmp);
        ratios[ROUNDS / 2]
    });
    crate::tell(&format!("{kind:?}: checks take {:.1}, readiness {:.1} times as long", medians[0], medians[1]));
    assert!(medians.iter().all(|median| *median <= MOST), "{medians:?}");
}

/// Sends a search until this is dropped, or it is answered in another way than it should be.
async fn again_and_again(search: RequestBuilder) -> u16 {
    loop {
        let status = search.try_clone().unwrap().send().await.unwrap().status().as_u16();
        if ![200, 503].contains(&status) {
            return status;
        }
    }
}

/// The time that nineteen of twenty checks take at most, and as many questions whether the service is ready.
async fn checks(app: &TestApp) -> [Duration; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..CHECKS {
        let begun = Instant::now();
        let check = Answer::to(app.request(Method::HEAD, "/groups/System%20Administrators/users/admin")).await;
        times[0].push(begun.elapsed());
        let begun = Instant::now();
        let ready = Answer::to(app.client.get(format!("{}/health/ready", app.server.url))).await;
        times[1].push(begun.elapsed());
        assert_eq!((check.status, ready.status), (204, 200));
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[CHECKS * 95 / 100]
    })
}

async fn thousands_of_values_are_looked_up_by_index(kind: Kind) {
    let app = Setup::on(kind).await.start();
    app.setup.database.insert_users(USERS);
    if kind == Kind::Postgres {
        app.setup.database.execute("ANALYZE");
    }
    let time = async |conditions: Value, expected: u32| {
        let mut times = Vec::new();
        for _ in 0..3 {
            let begun = Instant::now();
            let answer = app.post("/users/search", &json!({ "where": [conditions], "pageSize": 1 })).await;
            times.push(begun.elapsed());
            assert_eq!((answer.status, &answer.json()["totalCount"]), (200, &json!(expected)), "{answer:?}");
        }
        times.into_iter().min().unwrap()
    };
    let scan = time(json!({ "field": "username", "contains": "zq" }), 0).await;
    let numbers = || (0..4000).map(|number| number * 50);
    let names: Vec<String> = numbers().map(|number| format!("USER-{number}")).collect();
    let equal: Vec<Value> = names[..3900].iter().map(|name| json!({ "field": "username", "equalTo": name })).collect();
    let strange: Vec<String> = numbers().map(|number| format!("nobody-{number}")).collect();
    let moments: Vec<String> = numbers()
        .map(|number| format!("2001-01-01T00:{:02}:{:02}Z", number / 50 / 60 % 60, number / 50 % 60))
        .collect();
    for (what, conditions, expected) in [
        ("usernames", json!({ "field": "username", "in": names }), 4000),
        ("ids", json!({ "field": "id", "in": numbers().map(user_id).collect::<Vec<_>>() }), 4000),
        ("single usernames", json!({ "or": equal }), 3900),
        ("addresses", json!({ "field": "email", "in": strange }), 0),
        ("last names", json!({ "field": "lastName", "in": strange }), 0),
        ("moments", json!({ "field": "created", "in": moments }), 0),
        ("numbers", json!({ "field": "successfulLoginAttempts", "in": (1..=4000).collect::<Vec<_>>() }), 0),
        ("custom properties", json!({ "field": "custom.level", "in": strange }), 0),
    ] {
        let taken = time(conditions, expected).await;
        let ratio = taken.as_secs_f64() / scan.as_secs_f64();
        crate::tell(&format!(
            "{kind:?}: 4,000 {what} in {taken:.2?}, one comparison of all users in {scan:.2?} ({ratio:.1}x)"
        ));
        assert!(ratio < 5.0, "{what}: {taken:?}, {scan:?}");
    }
}

async fn large_answers_are_written_by_the_threads_that_did_the_work(kind: Kind) {
    let app = Setup::on(kind).await.start();
    app.setup.database.insert_users(1000);
    // What has to be escaped takes longest to write.
    app.setup.database.execute_either(
        "UPDATE users SET custom = json_object('a', replace(hex(zeroblob(15000)), '0', '\"'))",
        "UPDATE users SET custom = json_build_object('a', repeat('\"', 30000))",
    );
    for _ in 0..5 {
        let answer = app.get("/users?pageSize=1000").await;
        assert!(answer.status == 200 && answer.body.len() > 50_000_000, "{} {}", answer.status, answer.body.len());
    }
    let (workers, lane) = (processor_time(&app, "actix"), processor_time(&app, "long"));
    crate::tell(&format!("{kind:?}: processor time of asynchronous threads {workers:.2?}, of the lane {lane:.2?}"));
    assert!(lane > 8 * workers, "asynchronous threads {workers:?}, the lane {lane:?}");
}

/// How long the server's threads whose names begin so have computed by themselves, without what the kernel did for them.
fn processor_time(app: &TestApp, name: &str) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{}/task", app.server.pid())).unwrap();
    let ticks = |stat: String| -> Option<u64> {
        let (start, fields) = stat.rsplit_once(')')?;
        let is_meant = start.split_once('(')?.1.starts_with(name);
        if is_meant { fields.split_whitespace().nth(11)?.parse().ok() } else { None }
    };
    let ticks = tasks.filter_map(|task| ticks(fs::read_to_string(task.ok()?.path().join("stat")).ok()?)).sum::<u64>();
    // Linux shows hundredths of a second on every machine.
    Duration::from_millis(10 * ticks)
}
