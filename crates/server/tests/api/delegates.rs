//! Those to whom administration is delegated, and the users and groups that are beyond them (contract 5.3).

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::client::{Client, USER_PASSWORD};
use crate::database::Kind;
use crate::permissions::{answer, delegating, requests_about};

on_both_databases! {
    users_who_administer_are_beyond_every_delegate,
    groups_that_make_administrators_are_beyond_every_delegate,
    a_disabled_api_key_stays_disabled,
    nobody_becomes_an_administrator_by_an_email_domain,
}

/// Who administers, and whom nobody administers for that reason: direct and inherited members of each administrators' group, and
/// the user of an API key.
const ADMINISTRATORS: [&str; 4] =
    ["System Administrators", "User Administrators", "Group Administrators", "API Key Administrators"];

/// A server with delegates of every kind. Each administrators' group has a direct member, `direct N`, and a group `Deputies N` with a
/// member, `inheriting N`, in a group `Deep N` below it. There are an API key, `Factory`, and an ordinary user, `marla`.
async fn with_targets(kind: Kind) -> TestApp {
    let app = delegating(kind).await;
    let admin = Client::admin(&app);
    for (delegate, group) in ["sys", "users", "groups", "keys"].into_iter().zip(ADMINISTRATORS) {
        admin.create_user(delegate).await;
        admin.send("PUT", &format!("/groups/{group}/users/{delegate}")).await.is(204);
    }
    admin.create_user("marla").await;
    admin.create("/apiKeys", &json!({ "name": "Factory" })).await;
    for (number, group) in ADMINISTRATORS.into_iter().enumerate() {
        let [direct, inheriting] = [format!("direct {number}"), format!("inheriting {number}")];
        for user in [&direct, &inheriting] {
            let email = format!("{}@fightclub.com", user.replace(' ', ""));
            let credentials = json!({ "password": USER_PASSWORD });
            admin.create("/users", &json!({ "username": user, "email": email, "credentials": credentials })).await;
        }
        admin.send("PUT", &format!("/groups/{group}/users/{direct}")).await.is(204);
        admin.create_group(&format!("Deep {number}"), &[&inheriting], &[]).await;
        admin.create_group(&format!("Deputies {number}"), &[], &[&format!("Deep {number}")]).await;
        admin.send("PUT", &format!("/groups/{group}/groups/Deputies {number}")).await.is(204);
    }
    app
}

async fn users_who_administer_are_beyond_every_delegate(kind: Kind) {
    let app = with_targets(kind).await;
    let admin = Client::admin(&app);
    let [users, groups, keys] = ["users", "groups", "keys"].map(|name| Client::of(&app, name));
    let targets: Vec<String> = (0..4)
        .flat_map(|number| [format!("direct {number}"), format!("inheriting {number}")])
        .chain(["Factory".to_owned()])
        .collect();
    let mut wrong = Vec::new();
    for target in &targets {
        let before = admin.get(&format!("/users/{target}")).await;
        for request in requests_about(target) {
            let is_reading = request.0 == "GET";
            for (name, client, expected) in [
                ("a User Administrator", &users, 403),
                ("a Group Administrator", &groups, if is_reading { 200 } else { 403 }),
                ("an API Key Administrator", &keys, 403),
            ] {
                let status = answer(client, &request).await;
                if status != expected {
                    wrong.push(format!("{request:?} by {name}: {status} instead of {expected}"));
                }
            }
        }
        assert_eq!(admin.get(&format!("/users/{target}")).await, before, "{target}");
    }
    assert_eq!(wrong, Vec::<String>::new());
    for request in requests_about("marla") {
        assert!(matches!(answer(&users, &request).await, 200 | 204), "{request:?}");
    }
    // Oneself is no other, and a System Administrator may do it to all of them.
    users.send_with("PATCH", "/users/@current", &json!({ "firstName": "Ulla" })).await.is(200);
    for target in &targets {
        for request in requests_about(target).into_iter().filter(|(_, path, _)| !path.ends_with("password")) {
            let status = answer(&admin, &request).await;
            let has_password = target != "Factory";
            let is_done = matches!(status, 200 | 204);
            let is_of_password = request.2["type"] == "forcePasswordReset";
            assert!(is_done || (!has_password && (is_of_password || request.0 == "PATCH")), "{request:?}: {status}");
        }
    }
}

async fn a_disabled_api_key_stays_disabled(kind: Kind) {
    let app = with_targets(kind).await;
    let admin = Client::admin(&app);
    admin.send_with("PUT", "/apiKeys/Factory", &json!({ "enabled": false })).await.is(200);
    let users = Client::of(&app, "users");
    users.send_with("POST", "/users/Factory/actions", &json!({ "type": "unsuspend" })).await.is(403);
    assert_eq!(admin.get("/apiKeys/Factory").await["enabled"], false);
}

async fn nobody_becomes_an_administrator_by_an_email_domain(kind: Kind) {
    let app = with_targets(kind).await;
    let admin = Client::admin(&app);
    let [users, groups] = ["users", "groups"].map(|name| Client::of(&app, name));
    for number in 0..4 {
        let deep = format!("/groups/Deep {number}");
        let domain = format!("mayhem{number}.org");
        let domains = json!({ "autoMembershipEmailDomains": [domain] });
        groups.send_with("PUT", &deep, &domains).await.is(403);
        groups.send_with("PUT", &deep, &json!({ "name": "What the issuer calls everybody" })).await.is(403);
        groups.send("DELETE", &deep).await.is(403);
        admin.send_with("PUT", &deep, &domains).await.is(200);
        let email = format!("general@{domain}");
        let general = json!({ "email": email, "credentials": { "password": USER_PASSWORD } });
        users.send_with("POST", "/users", &general).await.is(403);
        assert_eq!(admin.status("GET", &format!("/users/{email}")).await, 404);
    }
}

async fn groups_that_make_administrators_are_beyond_every_delegate(kind: Kind) {
    let app = with_targets(kind).await;
    let admin = Client::admin(&app);
    let marla = admin.get("/users/marla").await["id"].clone();
    let [users, groups, keys] = ["users", "groups", "keys"].map(|name| Client::of(&app, name));
    let ordinary = groups.create("/groups", &json!({ "name": "Ordinary" })).await;
    let above = groups.create("/groups", &json!({ "name": "Above" })).await;
    admin.send("PUT", &format!("/groups/{above}/groups/API Key Administrators")).await.is(204);
    let targets: Vec<String> = ADMINISTRATORS
        .into_iter()
        .map(str::to_owned)
        .chain((0..4).flat_map(|number| [format!("Deputies {number}"), format!("Deep {number}")]))
        .collect();
    for group in &targets {
        for request in [
            ("PUT", format!("/groups/{group}/users/marla"), Value::Null),
            ("PUT", format!("/groups/{group}/users/@current"), Value::Null),
            ("POST", format!("/groups/{group}/users"), json!([marla])),
            ("PATCH", format!("/groups/{group}/users"), json!({ "add": ["marla"] })),
            ("PATCH", format!("/groups/{group}/users"), json!({ "set": [] })),
            ("PATCH", format!("/groups/{group}/groups"), json!({ "add": [ordinary] })),
            ("PATCH", format!("/groups/{group}/groups"), json!({ "remove": [ordinary] })),
            ("DELETE", format!("/groups/{group}/users/admin"), Value::Null),
            ("PUT", format!("/groups/{group}/groups/{ordinary}"), Value::Null),
            ("POST", format!("/groups/{group}/groups"), json!([ordinary])),
            ("DELETE", format!("/groups/{group}/groups/Deputies 0"), Value::Null),
        ] {
            for (name, client) in [("users", &users), ("groups", &groups), ("keys", &keys)] {
                assert_eq!(answer(client, &request).await, 403, "{request:?} by {name}");
            }
        }
    }
    for group in ADMINISTRATORS.into_iter().chain(["Above"]) {
        let id = admin.get(&format!("/groups/{group}")).await["id"].clone();
        assert_eq!(groups.status("PUT", &format!("/groups/{ordinary}/groups/{group}")).await, 403, "{group}");
        let many = format!("/groups/{ordinary}/groups");
        assert_eq!(groups.send_with("POST", &many, &json!([id])).await.status, 403, "{group}");
        assert_eq!(groups.send_with("PATCH", &many, &json!({ "set": [id] })).await.status, 403, "{group}");
    }
    assert_eq!(admin.get(&format!("/groups/{ordinary}")).await["childGroupCount"], 0);
    groups.send("PUT", &format!("/groups/{ordinary}/users/marla")).await.is(204);
    groups.send("DELETE", &format!("/groups/{ordinary}")).await.is(204);
}
