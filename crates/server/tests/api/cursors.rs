//! Walking listings by cursors.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{API, TestApp};
use crate::client::Client;
use crate::database::Kind;
use crate::server::Server;
use crate::waiting::until;

on_both_databases! {
    every_listing_is_walked_by_cursors,
    a_walk_passes_by_whatever_changes_elsewhere,
    what_is_no_cursor_of_this_listing_is_refused,
    a_cursor_fits_into_a_request_whatever_the_texts_are,
    a_cursor_is_read_by_every_instance_until_the_keys_change,
}

/// The listings, with orders and filters.
const LISTINGS: [&str; 24] = [
    "/users?",
    "/users?order=-created,lastName&",
    "/users?q=m&order=firstName&",
    "/users?zenql=username%20startsWith%20m%20order%20by%20lastLogin%20desc&",
    "/users?where=%5B%7B%22field%22%3A%22username%22%2C%22contains%22%3A%22m%22%7D%5D&orderBy=-status.suspended&",
    "/users/search?order=-email&",
    "/users/m1/groups?",
    "/users/m1/groups?includeInherited=true&order=-name&",
    "/groups?",
    "/groups?order=-userCount&",
    "/groups?order=description&",
    "/groups/Top/users?",
    "/groups/Top/users?includeInherited=true&order=-username&",
    "/groups/Top/users?includeInherited=true&excludedGroups=Left&order=-created&",
    "/groups/Top/groups?includeInherited=true&includeSelf=true&order=-created&",
    "/apiKeys?",
    "/users/m1/identities?",
    "/groups/Top/managers?",
    "/users/m1/managedGroups?order=-name&",
    "/groups/Top/memberships?",
    "/groups/Top/memberships?state=all&order=-validUntil&",
    "/groups/Top/memberships?state=all&order=validFrom&q=m&expiringBefore=3000-01-01&",
    "/groups/Top/children?state=all&order=-added&",
    "/users/m1/memberships?order=-name&",
];

async fn seed(admin: &Client<'_>) {
    for number in 0..9 {
        admin.create_user(&format!("m{number}")).await;
    }
    admin.create_group("Left", &["m1", "m2", "m5"], &[]).await;
    admin.create_group("Right", &["m3", "m4"], &[]).await;
    admin.create_group("Top", &["m0", "m1", "m6", "m7", "m8"], &["Left", "Right"]).await;
    admin.create_group("Later", &[], &[]).await;
    for (member, dates) in [
        ("users/m0", json!({ "validUntil": "2990-01-01" })),
        ("users/m2", json!({ "validFrom": "2980-01-01", "validUntil": "2990-01-01" })),
        ("users/m3", json!({ "validFrom": "2980-01-01", "validUntil": "2995-01-01" })),
        ("users/m4", json!({ "validFrom": "2970-01-01" })),
        ("groups/Later", json!({ "validFrom": "2970-01-01" })),
    ] {
        admin.send_with("PUT", &format!("/groups/Top/{member}"), &dates).await.is(204);
    }
    for manager in ["users/m1", "users/m2", "users/m7", "groups/Left", "groups/Right"] {
        admin.send("PUT", &format!("/groups/Top/managers/{manager}")).await.is(204);
    }
    for name in ["k1", "k2", "k3", "k4", "k5"] {
        admin.create("/apiKeys", &json!({ "name": name })).await;
    }
}

fn ids(page: &Value) -> Vec<String> {
    let id = |item: &Value| {
        // Memberships and edges have none of their own.
        let named =
            [&item["user"], &item["child"], &item["group"]].map(|named| named["id"].as_str().unwrap_or_default());
        item["id"].as_str().map_or_else(|| named.concat(), str::to_owned)
    };
    page["items"].as_array().unwrap().iter().map(id).collect()
}

/// The ids that a walk finds in pages of two.
async fn walk(admin: &Client<'_>, listing: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("{listing}pageSize=2&cursor={cursor}")).await;
        let total = page["totalCount"].as_u64().unwrap();
        assert_eq!((&page["pageIndex"], &page["pageSize"]), (&json!(0), &json!(2)), "{listing}");
        assert_eq!(page["pageCount"], total.div_ceil(2), "{listing}");
        found.extend(ids(&page));
        match page.get("nextCursor") {
            Some(next) => next.as_str().unwrap().clone_into(&mut cursor),
            None => return found,
        }
        assert!(found.len() < 100, "{listing}: the walk does not end");
    }
}

async fn every_listing_is_walked_by_cursors(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    seed(&admin).await;
    for listing in LISTINGS {
        let page = admin.get(&format!("{listing}pageSize=1000")).await;
        assert_eq!(page.get("nextCursor"), None, "{listing}");
        assert!(listing.contains("identities") || ids(&page).len() > 2, "{listing}");
        assert_eq!(walk(&admin, listing).await, ids(&page), "{listing}");
    }
    let search = |cursor: &str| json!({ "q": "m", "order": "-username", "pageSize": 4, "cursor": cursor });
    let (mut found, mut cursor) = (Vec::new(), Some(String::new()));
    while let Some(now) = cursor {
        let page = admin.send_with("POST", "/users/search", &search(&now)).await.is(200).json();
        found.extend(ids(&page));
        cursor = page.get("nextCursor").map(|next| next.as_str().unwrap().to_owned());
    }
    assert_eq!(found, ids(&admin.get("/users?q=m&order=-username&pageSize=1000").await));
}

async fn a_walk_passes_by_whatever_changes_elsewhere(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for number in 0..30 {
        admin.create_user(&format!("m{number:02}")).await;
    }
    admin.create_group("Crew", &[], &[]).await;
    for number in 0..30 {
        admin.send("PUT", &format!("/groups/Crew/users/m{number:02}")).await.is(204);
    }
    let (mut found, mut cursor, mut round) = (Vec::new(), Some(String::new()), 0);
    while let Some(now) = cursor {
        let page = admin.get(&format!("/groups/Crew/users?pageSize=3&cursor={now}")).await;
        let names: Vec<String> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["username"].as_str().unwrap().to_owned())
            .collect();
        // Somebody comes before and behind the place, and the last one leaves, is renamed or is deleted.
        let last = names.last().unwrap().clone();
        for place in ["a", "zz"] {
            admin.create_user(&format!("{place}{round}")).await;
            admin.send("PUT", &format!("/groups/Crew/users/{place}{round}")).await.is(204);
        }
        match round % 3 {
            0 => admin.send("DELETE", &format!("/groups/Crew/users/{last}")).await.is(204),
            1 => admin
                .send_with("PUT", &format!("/users/{last}"), &json!({ "username": format!("b{last}") }))
                .await
                .is(200),
            _ => admin.send("DELETE", &format!("/users/{last}")).await.is(204),
        };
        found.extend(names);
        round += 1;
        cursor = page.get("nextCursor").map(|next| next.as_str().unwrap().to_owned());
        assert!(round < 40, "the walk does not end");
        if round > 12 && found.last().is_some_and(|name| name.starts_with("zz")) {
            break;
        }
    }
    let met: Vec<&String> = found.iter().filter(|name| name.starts_with('m')).collect();
    assert_eq!(met, (0..30).map(|number| format!("m{number:02}")).collect::<Vec<_>>().iter().collect::<Vec<_>>());
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), found.len(), "{found:?}");
}

async fn what_is_no_cursor_of_this_listing_is_refused(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    seed(&admin).await;
    let first = admin.get("/users?pageSize=2&order=-username&cursor=").await;
    let cursor = first["nextCursor"].as_str().unwrap().to_owned();
    assert!(cursor.len() < 200 && cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    let good = format!("/users?pageSize=3&order=-username&cursor={cursor}");
    assert_eq!(ids(&admin.get(&good).await).len(), 3);
    assert_eq!(admin.status("GET", &format!("{good}&cursor={cursor}")).await, 200);
    let refused = async |client: &Client<'_>, path: &str| {
        client.send("GET", path).await.is_error(400, "The cursor is not valid", &Value::Null);
    };
    // Other listings, other orders, other filters, other callers.
    for other in [
        "/users?",
        "/users?order=username&",
        "/users?order=-username&q=m&",
        "/users?order=-username&zenql=username%20startsWith%20m&",
        "/users?order=-username&where=%5B%5D&",
        "/users?orderBy=-username&",
        "/users/search?order=-username&",
        "/groups?order=-name&",
        "/groups/Top/users?order=-username&",
        "/groups/Left/users?order=-username&",
        "/apiKeys?order=-username&",
        "/users/m1/identities?order=-username&",
    ] {
        refused(&admin, &format!("{other}cursor={cursor}")).await;
    }
    let top = admin.get("/groups/Top/users?pageSize=2&cursor=").await["nextCursor"].as_str().unwrap().to_owned();
    for other in ["Left/users?", "Top/users?includeInherited=true&", "Top/users?excludedGroups=Left&"] {
        refused(&admin, &format!("/groups/{other}cursor={top}")).await;
    }
    admin.send("PUT", "/groups/System%20Administrators/users/m1").await.is(204);
    refused(&Client::of(&app, "m1"), &good).await;
    let search = json!({ "order": "-username", "cursor": cursor });
    admin.send_with("POST", "/users/search", &search).await.is_error(400, "The cursor is not valid", &Value::Null);
    // Every character counts.
    for at in 0..cursor.len() {
        let other = if &cursor[at..=at] == "A" { "B" } else { "A" };
        let flipped = format!("{}{other}{}", &cursor[..at], &cursor[at + 1..]);
        refused(&admin, &format!("/users?pageSize=2&order=-username&cursor={flipped}")).await;
        if at > 0 {
            refused(&admin, &format!("/users?pageSize=2&order=-username&cursor={}", &cursor[..at])).await;
        }
    }
    for forged in [
        format!("{cursor}A"),
        format!("{cursor}="),
        format!("{cursor}%00"),
        format!("{cursor}{cursor}"),
        "0".to_owned(),
        "A".repeat(10_000),
        "%F0%9F%98%80".to_owned(),
    ] {
        refused(&admin, &format!("/users?pageSize=2&order=-username&cursor={forged}")).await;
    }
    let long = json!({ "cursor": "A".repeat(900_000) });
    admin.send_with("POST", "/users/search", &long).await.is_error(400, "The cursor is not valid", &Value::Null);
    let (both, twice) = (
        "The parameter 'cursor' and 'pageIndex' cannot be given together",
        "The parameter 'cursor' is given more than once",
    );
    for (path, message) in [
        ("/users?pageIndex=0&cursor=", both),
        ("/users?CURSOR=&PAGEINDEX=1", both),
        ("/groups?pageIndex=0&cursor=x", both),
        ("/apiKeys?pageIndex=0&cursor=", both),
        ("/users/m1/identities?pageIndex=0&cursor=", both),
        ("/users?cursor=a&cursor=b", twice),
        ("/users?cursor=&cursor=b", twice),
        ("/users?cursor=%FF", "The parameter 'cursor' is not UTF-8"),
    ] {
        admin.send("GET", path).await.is_error(400, message, &Value::Null);
    }
    let both = json!({ "pageIndex": 0, "cursor": "" });
    let message = "The property 'cursor' and 'pageIndex' cannot be given together";
    admin.send_with("POST", "/users/search", &both).await.is_error(400, message, &Value::Null);
    // As with `undefined`, there is no cursor.
    assert_eq!(admin.get("/users?cursor=undefined&pageSize=1").await.get("nextCursor"), None);
    assert_eq!(admin.status("GET", "/users?cursor&pageSize=1").await, 200);
    assert_eq!(Client::of(&app, "m2").status("GET", "/users?cursor=x").await, 403);
}

async fn a_cursor_fits_into_a_request_whatever_the_texts_are(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let long = "\u{20000}".repeat(8_000);
    for number in 0..4 {
        let custom = json!({ "a": format!("{long}{number}"), "b": format!("{long}{number}") });
        let group = json!({ "name": format!("g{number}"), "description": format!("{long}{number}"), "custom": custom });
        admin.create("/groups", &group).await;
    }
    for order in ["description", "-description", "custom.a,-description,custom.b", "-custom.a"] {
        let mut found = walk(&admin, &format!("/groups?order={order}&")).await;
        let mut all = ids(&admin.get("/groups?pageSize=1000").await);
        found.sort();
        all.sort();
        assert_eq!(found, all, "{order}");
    }
}

async fn a_cursor_is_read_by_every_instance_until_the_keys_change(kind: Kind) {
    let mut app = TestApp::on(kind).await;
    seed(&Client::admin(&app)).await;
    let first = app.get("/users?pageSize=4&cursor=").await.json()["nextCursor"].as_str().unwrap().to_owned();
    let path = format!("/users?pageSize=4&cursor={first}");
    let expected = ids(&app.get(&path).await.is(200).json());
    app.kill_and_restart();
    assert_eq!(ids(&app.get(&path).await.is(200).json()), expected);
    // With PostgreSQL there may be several.
    let other = (kind == Kind::Postgres).then(|| Server::start(&app.setup));
    let servers = || [app.url("")].into_iter().chain(other.as_ref().map(|server| format!("{}{API}", server.url)));
    let ask = async |base: String| Answer::to(app.client.get(format!("{base}{path}")).bearer_auth(&app.token)).await;
    for base in servers() {
        assert_eq!(ids(&ask(base).await.is(200).json()), expected);
    }
    let output = app.setup.run(&["keys", "rotate"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for base in servers() {
        until("the keys are others", async || ask(base.clone()).await.status != 200).await;
        ask(base).await.is_error(400, "The cursor is not valid", &Value::Null);
    }
}
