//! Memberships and edges that begin and end by a date, as time goes by.

use std::time::{Duration, UNIX_EPOCH};

use guildhall_domain::time::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::app::{API, TestApp};
use crate::client::Client;
use crate::database::Kind;
use crate::server::Server;

on_both_databases! {
    every_answer_goes_by_the_moment_at_which_it_was_asked_for,
    an_edge_begins_and_ends_for_all_who_are_below_it,
    what_comes_while_nobody_answers_has_come_at_the_first_request,
    many_who_ask_at_the_moment_are_all_answered,
    an_administrator_with_an_end_is_none_after_it,
    what_is_cancelled_never_begins,
}

/// Long enough to send what sets a date, on a busy machine.
const AHEAD: Duration = Duration::from_secs(4);

fn now() -> Timestamp {
    Timestamp::from_milliseconds(0).plus(UNIX_EPOCH.elapsed().unwrap())
}

async fn until(moment: Timestamp) {
    while now() < moment {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn ends(at: Timestamp) -> Value {
    json!({ "validUntil": at.to_string() })
}

fn begins(at: Timestamp) -> Value {
    json!({ "validFrom": at.to_string() })
}

/// From when until when something counts.
#[derive(Clone, Copy)]
struct Term(Timestamp, Timestamp);

impl Term {
    /// What holds throughout a request that was sent and answered at these moments; `None`: it may be either.
    fn holds(self, sent: Timestamp, answered: Timestamp) -> Option<bool> {
        let Self(from, until) = self;
        let is_outside = answered < from || sent >= until;
        let is_inside = sent >= from && answered < until;
        if is_outside { Some(false) } else { is_inside.then_some(true) }
    }
}

/// The number of an answer's listing, of its group or of its checks.
fn count(answer: &Answer) -> u64 {
    let body = answer.json();
    let count = ["totalCount", "userCount", "pathCount"].iter().find_map(|name| body[name].as_u64());
    count.unwrap_or_else(|| u64::from(body["results"][0] == true))
}

/// Whether somebody is in, as each of these paths tells it. They are asked of the servers in turn, until some time after the term.
async fn watch(app: &TestApp, other: Option<&Server>, term: Term, paths: &[&str]) {
    let bases: Vec<String> =
        [app.server.url.clone()].into_iter().chain(other.map(|server| server.url.clone())).collect();
    let (mut seen, mut rounds_after) = ([0, 0], 0);
    for (number, base) in bases.iter().cycle().enumerate() {
        for path in paths {
            let (method, path) = path.split_once(' ').unwrap();
            let url = format!("{base}{API}{path}");
            let request =
                app.client.request(Method::from_bytes(method.as_bytes()).unwrap(), url).bearer_auth(&app.token);
            let request = if method == "POST" {
                request.json(&json!({ "checks": [{ "user": "marla", "group": "Top" }] }))
            } else {
                request
            };
            let sent = now();
            let answer = Answer::to(request).await;
            let answered = now();
            let is_in = match (method, answer.status) {
                ("HEAD", 204) => true,
                ("HEAD", 404) => false,
                (_, 200) => count(&answer) == 1,
                _ => panic!("{method} {path}: {answer:?}"),
            };
            if let Some(expected) = term.holds(sent, answered) {
                assert_eq!(is_in, expected, "round {number}: {method} {path}, sent at {sent}, answered at {answered}");
                seen[usize::from(expected)] += 1;
            }
        }
        if now() >= term.1 {
            rounds_after += 1;
            if rounds_after > 2 * bases.len() {
                break;
            }
        }
    }
    assert!(seen[0] > 0 && seen[1] > 0, "it was never asked in time: {seen:?}");
}

/// Another instance over the same database, where there may be several.
fn other_instance(kind: Kind, app: &TestApp) -> Option<Server> {
    (kind == Kind::Postgres).then(|| Server::start(&app.setup))
}

async fn every_answer_goes_by_the_moment_at_which_it_was_asked_for(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let other = other_instance(kind, &app);
    admin.create_user("marla").await;
    admin.create_group("Soap", &[], &[]).await;
    admin.create_group("Top", &[], &["Soap"]).await;
    let from = now().plus(AHEAD);
    let term = Term(from, from.plus(AHEAD));
    let dates = json!({ "validFrom": term.0.to_string(), "validUntil": term.1.to_string() });
    admin.send_with("PUT", "/groups/Soap/users/marla", &dates).await.is(204);
    let paths = [
        "HEAD /groups/Soap/users/marla",
        "HEAD /groups/Top/users/marla",
        "HEAD /users/marla/groups/Top",
        "GET /groups/Soap",
        "GET /groups/Soap/users",
        "GET /groups/Top/users?includeInherited=true",
        "GET /groups/Soap/memberships?cursor=",
        "GET /users/marla/groups?q=soap",
        "GET /users/marla/memberships?q=soap",
        "GET /groups/Top/memberships/marla",
        "POST /memberships/check",
    ];
    watch(&app, other.as_ref(), term, &paths).await;
    assert_eq!(app.member_count("Soap").await, 0);
    assert_eq!(admin.get("/groups/Soap/memberships?state=all").await["totalCount"], 0);
}

async fn an_edge_begins_and_ends_for_all_who_are_below_it(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let other = other_instance(kind, &app);
    admin.create_user("marla").await;
    admin.create_group("Lye", &["marla"], &[]).await;
    admin.create_group("Soap", &[], &["Lye"]).await;
    admin.create_group("Top", &[], &[]).await;
    let from = now().plus(AHEAD);
    let term = Term(from, from.plus(AHEAD));
    let dates = json!({ "validFrom": term.0.to_string(), "validUntil": term.1.to_string() });
    admin.send_with("PUT", "/groups/Top/groups/Soap", &dates).await.is(204);
    let paths = [
        "HEAD /groups/Top/users/marla",
        "HEAD /users/marla/groups/Top",
        "GET /groups/Top/users?includeInherited=true",
        "GET /groups/Top/groups",
        "GET /groups/Top/children?order=-name",
        "GET /users/marla/groups?includeInherited=true&q=top",
        "GET /groups/Top/memberships/marla",
        "POST /memberships/check",
    ];
    watch(&app, other.as_ref(), term, &paths).await;
    assert_eq!(admin.get("/groups/Top").await["childGroupCount"], 0);
    admin.send("PUT", "/groups/Lye/groups/Top").await.is(204);
}

async fn what_comes_while_nobody_answers_has_come_at_the_first_request(kind: Kind) {
    let mut app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for name in ["marla", "tyler"] {
        admin.create_user(name).await;
    }
    admin.create_group("Soap", &["marla"], &[]).await;
    let moment = now().plus(AHEAD);
    admin.send_with("PUT", "/groups/Soap/users/marla", &ends(moment)).await.is(204);
    admin.send_with("PUT", "/groups/Soap/users/tyler", &begins(moment)).await.is(204);
    assert_eq!(admin.listed("/groups/Soap/users", "username").await, ["marla"]);
    app.server.kill();
    until(moment).await;
    app.restart();
    let admin = Client::admin(&app);
    assert_eq!(admin.listed("/groups/Soap/users", "username").await, ["tyler"]);
    assert_eq!(app.member_count("Soap").await, 1);
    let listed = admin.get("/groups/Soap/memberships?state=all").await;
    let (item, begun) = (&listed["items"][0], json!(moment.to_string()));
    assert_eq!((&listed["totalCount"], &item["validFrom"], &item["state"]), (&json!(1), &begun, &json!("active")));
}

async fn many_who_ask_at_the_moment_are_all_answered(kind: Kind) {
    const MEMBERS: usize = 30;
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let other = other_instance(kind, &app);
    let users: Vec<String> = (0..MEMBERS).map(|number| format!("m{number:02}")).collect();
    for user in &users {
        admin.create_user(user).await;
    }
    admin.create_group("Soap", &[], &[]).await;
    let moment = now().plus(AHEAD);
    let element = |user: &String| json!({ "user": user, "validUntil": moment.to_string() });
    let patch = json!({ "set": users.iter().map(element).collect::<Vec<_>>() });
    let report = admin.send_with("PATCH", "/groups/Soap/users", &patch).await.is(200).json();
    assert_eq!((&report["added"], &report["userCount"]), (&json!(MEMBERS), &json!(MEMBERS)));
    let mut asking = JoinSet::new();
    for (number, user) in users.iter().enumerate().take(16) {
        let server = other.as_ref().filter(|_| number % 2 == 1).unwrap_or(&app.server);
        let url = format!("{}{API}/groups/Soap/users/{}", server.url, user);
        let (client, token) = (app.client.clone(), app.token.clone());
        asking.spawn(async move {
            let mut after = 0;
            while after < 5 {
                let sent = now();
                let answer = Answer::to(client.head(&url).bearer_auth(&token)).await;
                let answered = now();
                assert!(matches!(answer.status, 204 | 404), "{answer:?}");
                assert!(sent < moment || answer.status == 404, "a member at {sent}");
                assert!(answered >= moment || answer.status == 204, "no member at {answered}");
                after += usize::from(sent >= moment);
            }
        });
    }
    while let Some(asked) = asking.join_next().await {
        asked.unwrap();
    }
    assert_eq!(app.member_count("Soap").await, 0);
}

async fn an_administrator_with_an_end_is_none_after_it(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for name in ["marla", "tyler"] {
        admin.create_user(name).await;
    }
    admin.create_group("Deputies", &["tyler"], &[]).await;
    let term = Term(now(), now().plus(AHEAD));
    admin.send_with("PUT", "/groups/System Administrators/users/marla", &ends(term.1)).await.is(204);
    admin.send_with("PUT", "/groups/System Administrators/groups/Deputies", &ends(term.1)).await.is(204);
    let clients = [Client::of(&app, "marla"), Client::of(&app, "tyler")];
    let mut is_over = false;
    while !is_over {
        is_over = now() >= term.1;
        for client in &clients {
            for (method, path) in [("GET", "/groups"), ("PUT", "/groups/Deputies/users/tyler")] {
                let sent = now();
                let status = client.status(method, path).await;
                assert!(matches!(status, 200 | 204 | 403), "{method} {path}: {status}");
                if let Some(expected) = term.holds(sent, now()) {
                    assert_eq!(status != 403, expected, "{method} {path}");
                }
            }
        }
    }
    // They are nobody special; their tokens are as good as before, and others are no better.
    for name in ["marla", "tyler"] {
        let client = Client::of(&app, name);
        client.send("GET", "/users/@current").await.is(200);
        client.send("GET", "/groups").await.is(403);
    }
    clients[0].send("GET", "/users/@current").await.is(200);
    assert_eq!(admin.listed("/groups/System Administrators/users?includeInherited=true", "username").await, ["admin"]);
}

async fn what_is_cancelled_never_begins(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("marla").await;
    for name in ["Soap", "Lye"] {
        admin.create_group(name, &[], &[]).await;
    }
    let moment = now().plus(AHEAD);
    for path in ["/groups/Soap/users/marla", "/groups/Soap/groups/Lye"] {
        admin.send_with("PUT", path, &begins(moment)).await.is(204);
        admin.send("DELETE", path).await.is(204);
        admin.send("DELETE", path).await.is(404);
    }
    until(moment).await;
    let soap = admin.get("/groups/Soap").await;
    assert_eq!((&soap["userCount"], &soap["childGroupCount"]), (&json!(0), &json!(0)));
    for listing in ["memberships", "children"] {
        assert_eq!(admin.get(&format!("/groups/Soap/{listing}?state=all")).await["totalCount"], 0);
    }
}
