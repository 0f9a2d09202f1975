//! Who was in which group at a moment in the past.

use std::time::{Duration, Instant, UNIX_EPOCH};

use guildhall_domain::time::Timestamp;
use serde_json::{Value, json};

use crate::app::{Setup, TestApp};
use crate::client::Client;
use crate::database::Kind;

on_both_databases! {
    the_past_is_as_it_was,
    who_was_deleted_is_shown_by_name,
    what_came_and_went_by_date_was_in_between,
    what_cannot_be_asked_is_refused,
    what_was_pruned_is_gone,
    a_million_events_back_is_told_within_a_second,
}

fn now() -> Timestamp {
    Timestamp::from_milliseconds(0).plus(UNIX_EPOCH.elapsed().unwrap())
}

/// A moment at which nothing happens: before and after it, the clock moves on.
async fn moment() -> Timestamp {
    let pause = || tokio::time::sleep(Duration::from_millis(3));
    pause().await;
    let moment = now();
    pause().await;
    moment
}

/// Those of a listing, each with whether they were deleted.
async fn listed(client: &Client<'_>, path: &str, name: &str) -> Vec<(String, bool)> {
    let page = client.get(path).await;
    let items = page["items"].as_array().unwrap();
    assert_eq!(page["totalCount"], items.len(), "{page}");
    items.iter().map(|item| (item[name].as_str().unwrap().to_owned(), item.get("deleted").is_some())).collect()
}

fn existing(names: &[&str]) -> Vec<(String, bool)> {
    names.iter().map(|name| ((*name).to_owned(), false)).collect()
}

async fn the_past_is_as_it_was(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let before = moment().await;
    let users = [admin.create_user("bob").await, admin.create_user("marla").await, admin.create_user("tyler").await];
    admin.create_group("Soap", &["bob"], &[]).await;
    admin.create_group("Top", &["tyler"], &["Soap"]).await;
    let one = moment().await;
    admin.send_with("POST", "/groups/Soap/users", &json!(users)).await.is(204);
    let two = moment().await;
    admin.send("DELETE", "/groups/Soap/users/bob").await.is(204);
    admin.send("DELETE", "/groups/Top/groups/Soap").await.is(204);
    let three = moment().await;
    admin.send_with("PATCH", "/groups/Soap/users", &json!({ "set": ["bob"] })).await.is(200);
    let four = moment().await;
    for (at, soap, top) in [
        (before, &[][..], &[][..]),
        (one, &["bob"], &["bob", "tyler"]),
        (two, &["bob", "marla", "tyler"], &["bob", "marla", "tyler"]),
        (three, &["marla", "tyler"], &["tyler"]),
        (four, &["bob"], &["tyler"]),
    ] {
        assert_eq!(listed(&admin, &format!("/groups/Soap/users?asOf={at}"), "username").await, existing(soap), "{at}");
        let inherited = format!("/groups/Top/users?asOf={at}&includeInherited=true");
        assert_eq!(listed(&admin, &inherited, "username").await, existing(top), "{at}");
        let is_in = top.contains(&"bob");
        let told = admin.get(&format!("/groups/Top/memberships/bob?asOf={at}")).await;
        assert_eq!((&told["member"], &told["direct"]), (&json!(is_in), &Value::Null), "{told}");
        let groups: Vec<_> = [(soap, "Soap"), (top, "Top")]
            .iter()
            .filter(|(of, _)| of.contains(&"bob"))
            .map(|(_, name)| *name)
            .collect();
        let found = listed(&admin, &format!("/users/bob/groups?asOf={at}&includeInherited=true"), "name").await;
        let found: Vec<_> = found.into_iter().filter(|(name, _)| ["Soap", "Top"].contains(&&**name)).collect();
        assert_eq!(found, existing(&groups), "{at}");
    }
    // Whoever exists is shown as by the listing of the present.
    let shown = admin.get(&format!("/groups/Soap/users?asOf={four}")).await;
    assert_eq!(shown["items"], admin.get("/groups/Soap/users").await["items"]);
    let told = admin.get(&format!("/groups/Top/memberships/marla?asOf={two}")).await;
    let ended = told["paths"][0]["validUntil"].as_str().map(Timestamp::parse).unwrap().unwrap();
    assert!(two < ended && ended < three, "{told}");
    let first = admin.get(&format!("/groups/Soap/users?asOf={two}&pageSize=2&cursor=")).await;
    let cursor = first["nextCursor"].as_str().unwrap();
    let rest = admin.get(&format!("/groups/Soap/users?asOf={two}&pageSize=2&cursor={cursor}")).await;
    assert_eq!((&rest["items"][0]["username"], rest["nextCursor"].is_null()), (&json!("tyler"), true), "{rest}");
    // A cursor is of the moment that it was made for.
    admin.send("GET", &format!("/groups/Soap/users?asOf={one}&pageSize=2&cursor={cursor}")).await.is(400);
    let own = Client::of(&app, "marla");
    assert_eq!(own.get(&format!("/users/@current/groups?asOf={two}")).await["totalCount"], 2);
    assert_eq!(own.status("GET", &format!("/groups/Soap/users?asOf={two}")).await, 403);
}

async fn who_was_deleted_is_shown_by_name(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let [bob, _marla] = [admin.create_user("bob").await, admin.create_user("marla").await];
    let soap = admin.create_group("Soap", &["bob", "marla"], &[]).await;
    admin.create_group("Top", &[], &["Soap"]).await;
    let then = moment().await;
    admin.send("DELETE", "/users/bob").await.is(204);
    admin.send("DELETE", "/groups/Soap").await.is(204);
    let page = admin.get(&format!("/groups/{soap}/users?asOf={then}")).await;
    let deleted = Timestamp::parse(page["items"][0]["deleted"].as_str().unwrap()).unwrap();
    assert!(then < deleted && deleted <= now());
    assert_eq!(page["items"][0], json!({ "id": bob, "username": "bob", "deleted": deleted.to_string() }));
    assert_eq!((&page["items"][1]["username"], &page["totalCount"]), (&json!("marla"), &json!(2)));
    let inherited = listed(&admin, &format!("/groups/Top/users?asOf={then}&includeInherited=1"), "username").await;
    assert_eq!(inherited, [("bob".to_owned(), true), ("marla".to_owned(), false)]);
    let of_bob = listed(&admin, &format!("/users/{bob}/groups?asOf={then}"), "name").await;
    assert_eq!(of_bob, [("Everyone".to_owned(), false), ("Soap".to_owned(), true)]);
    let told = admin.get(&format!("/groups/Top/memberships/{bob}?asOf={then}")).await;
    assert_eq!((&told["member"], &told["paths"][0]["groups"][1]["name"]), (&json!(true), &json!("Soap")), "{told}");
    for path in
        [format!("/groups/{soap}/users"), format!("/users/{bob}/groups"), "/groups/Soap/users?asOf=2020-01-01".into()]
    {
        assert_eq!(admin.status("GET", &path).await, 404, "{path}");
    }
    let now = moment().await;
    assert_eq!(admin.get(&format!("/groups/{soap}/users?asOf={now}")).await["totalCount"], 0);
}

async fn what_came_and_went_by_date_was_in_between(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("bob").await;
    admin.create_group("Soap", &[], &[]).await;
    let from = now().plus(Duration::from_millis(1500));
    let until = from.plus(Duration::from_millis(200));
    let term = json!({ "validFrom": from.to_string(), "validUntil": until.to_string() });
    admin.send_with("PUT", "/groups/Soap/users/bob", &term).await.is(204);
    // Nobody asks meanwhile.
    tokio::time::sleep(Duration::from_secs(2)).await;
    for (milliseconds, expected) in [(-1, 0), (0, 1), (199, 1), (200, 0)] {
        let at = Timestamp::from_milliseconds(from.milliseconds() + milliseconds);
        assert_eq!(admin.get(&format!("/groups/Soap/users?asOf={at}")).await["totalCount"], expected, "{at}");
    }
}

async fn what_cannot_be_asked_is_refused(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_group("Soap", &[], &[]).await;
    for path in ["/groups/Soap/users?asOf=", "/users/admin/groups?asOf=", "/groups/Soap/memberships/admin?asOf="] {
        for (value, message) in [
            ("", "The parameter 'asOf' must be an ISO 8601 date, such as 2024-09-03"),
            ("yesterday", "The parameter 'asOf' must be an ISO 8601 date, such as 2024-09-03"),
            ("2020-01-01&asOf=2020-01-01", "The parameter 'asOf' is given more than once"),
            ("9999-01-01", "The parameter 'asOf' must not be in the future"),
        ] {
            let answer = admin.send("GET", &format!("{path}{value}")).await;
            answer.is_error(400, message, &Value::Null);
        }
    }
    for name in ["q", "zenql", "order", "excludedGroups"] {
        let answer = admin.send("GET", &format!("/groups/Soap/users?asOf=2020-01-01&{name}=name")).await;
        answer.is_error(400, &format!("The parameter '{name}' cannot be given together with 'asOf'"), &Value::Null);
    }
    assert_eq!(admin.get("/groups/Soap/users?asOf=2020-01-01").await["totalCount"], 0);
}

async fn what_was_pruned_is_gone(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("bob").await;
    admin.create_group("Soap", &["bob"], &[]).await;
    // What is committed gets its place.
    admin.get("/events/head").await;
    let known = now();
    app.setup.database.execute(&format!(
        "INSERT INTO event_checkpoint (id, sequence, hash, known_from) SELECT 1, 0, hash, {} FROM events WHERE sequence = 1",
        known.milliseconds()
    ));
    let before = Timestamp::from_milliseconds(known.milliseconds() - 1);
    for path in ["/groups/Soap/users", "/users/bob/groups", "/groups/Soap/memberships/bob"] {
        let gone = admin.send("GET", &format!("{path}?asOf={before}")).await;
        gone.is_error(410, &format!("Events before {known} are gone"), &Value::Null);
        admin.send("GET", &format!("{path}?asOf={known}")).await.is(200);
    }
}

/// A hundred thousand users came to one group and left it ten times, nobody else, after the moment that is asked about first.
async fn a_million_events_back_is_told_within_a_second(kind: Kind) {
    const USERS: u32 = 100_000;
    let app = Setup::alone_on(kind).await.start();
    let admin = Client::admin(&app);
    app.setup.database.insert_users(USERS);
    admin.create_group("Soap", &[], &[]).await;
    admin.create_group("Top", &[], &["Soap"]).await;
    let times: Vec<String> = (0..10).map(|number| format!("SELECT {number} AS n")).collect();
    app.setup.database.execute(&format!(
        "INSERT INTO past_memberships (group_id, user_id, began, ended) \
         SELECT g.id, u.id, 1000000000000 + k.n * 1000, 1000000000500 + k.n * 1000 \
         FROM groups g CROSS JOIN ({}) k CROSS JOIN users u WHERE g.name = 'Soap' AND u.username <> 'admin'; \
         UPDATE group_children SET added = 0",
        times.join(" UNION ALL ")
    ));
    for (path, at, total) in [
        ("/groups/Soap/users", 1_000_000_000_250, USERS),
        ("/groups/Soap/users", 1_000_000_000_750, 0),
        ("/groups/Soap/users", 1_000_000_009_250, USERS),
        ("/groups/Top/users", 1_000_000_000_250, USERS),
    ] {
        let path = format!("{path}?includeInherited=1&asOf={}", Timestamp::from_milliseconds(at));
        let mut fastest = Duration::MAX;
        for _ in 0..3 {
            let begun = Instant::now();
            assert_eq!(admin.get(&path).await["totalCount"], total, "{path}");
            fastest = fastest.min(begun.elapsed());
        }
        println!("{kind:?} {path}: {fastest:?}");
        assert!(fastest < Duration::from_secs(1), "{path} took {fastest:?}");
    }
}
