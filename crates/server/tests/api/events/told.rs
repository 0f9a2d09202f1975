//! Every changing route leaves the events that tell what it did, by whom, from where and by which request.

use std::time::{Duration, UNIX_EPOCH};

use guildhall_domain::time::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::{follow, last, types};
use crate::answer::Answer;
use crate::app::{Setup, TestApp};
use crate::client::Client;
use crate::database::Kind;
use crate::endpoints::{ENDPOINTS, Scene};
use crate::idempotency::changes;
use crate::issuer::Issuer;
use crate::tokens::Mint;
use crate::waiting::until;

on_both_databases! {
    every_changing_route_is_told,
    every_command_that_changes_something_is_told,
    what_nobody_asks_for_is_told,
}

/// What each changing route of the table of endpoints tells, in the order of that table.
const TOLD: [(&str, &[&str]); 25] = [
    ("POST /users", &["user.created"]),
    ("PUT /users/{user}", &["user.updated"]),
    ("PATCH /users/{user}", &["user.updated"]),
    ("DELETE /users/{user}", &["user.deleted"]),
    ("POST /users/{user}/credentials/password", &["user.password-changed"]),
    ("POST /users/{user}/actions", &["user.suspended"]),
    ("DELETE /users/{user}/identities", &["user.updated"]),
    ("POST /groups", &["group.created"]),
    ("POST /groups", &["group.created", "group.children.added"]),
    ("PUT /groups/{group}", &["group.updated"]),
    ("DELETE /groups/{group}", &["group.deleted"]),
    ("POST /groups/{group}/users", &["group.members.added"]),
    ("PATCH /groups/{group}/users", &["group.members.added"]),
    ("PUT /groups/{group}/users/{user}", &["group.members.added"]),
    ("DELETE /groups/{group}/users/{user}", &["group.members.removed"]),
    ("POST /groups/{group}/groups", &["group.children.added"]),
    ("PATCH /groups/{group}/groups", &["group.children.removed", "group.children.added"]),
    ("PUT /groups/{group}/groups/{child}", &["group.children.added"]),
    ("DELETE /groups/{group}/groups/{child}", &["group.children.removed"]),
    ("PUT /groups/{group}/managers/users/{user}", &["group.managers.added"]),
    ("DELETE /groups/{group}/managers/users/{user}", &["group.managers.removed"]),
    ("PUT /groups/{group}/managers/groups/{manager}", &["group.managers.added"]),
    ("DELETE /groups/{group}/managers/groups/{manager}", &["group.managers.removed"]),
    ("POST /apiKeys", &["user.created", "api-key.created"]),
    ("PUT /apiKeys/{key}", &["api-key.updated", "user.updated"]),
];
/// The rest of it.
const TOLD_OF_OTHERS: [(&str, &[&str]); 7] = [
    ("DELETE /apiKeys/{key}", &["api-key.deleted", "user.deleted"]),
    ("POST /apiKeys/{key}/secret", &["api-key.secret-rotated"]),
    ("POST /webhooks", &["webhook.created"]),
    ("PUT /webhooks/{webhook}", &["webhook.updated"]),
    ("DELETE /webhooks/{webhook}", &["webhook.deleted"]),
    ("POST /webhooks/{webhook}/secret", &["webhook.updated"]),
    ("POST /webhooks/{webhook}/actions", &["webhook.updated"]),
];

async fn every_changing_route_is_told(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let id = admin.get("/users/@current").await["id"].clone();
    let mut scene = Scene::new(&app, 60).await;
    let mut rows = TOLD.iter().chain(&TOLD_OF_OTHERS);
    for endpoint in ENDPOINTS.iter().filter(|endpoint| changes(endpoint)) {
        let name = format!("{} {}", endpoint.method, endpoint.template);
        let (of, expected) = rows.next().unwrap_or_else(|| panic!("it is not said what {name} tells"));
        assert_eq!(*of, name);
        let target = scene.next().await;
        let before = last(&admin).await;
        let answer = Answer::to(target.request(&admin, endpoint)).await;
        assert_eq!(answer.status, endpoint.done, "{name}: {answer:?}");
        let events = follow(&admin, before, 100).await;
        assert_eq!(types(&events), **expected, "{name}: {events:?}");
        for event in &events {
            let data = &event["data"];
            assert_eq!(data["actor"], json!({ "id": id, "username": "admin", "via": "api", "apiKey": null }), "{name}");
            assert_eq!(data["requestId"], answer.headers["x-request-id"], "{name}");
            assert_eq!(data["address"], "127.0.0.1", "{name}");
            names_whom_it_is_about(event);
        }
    }
    assert_eq!(rows.next(), None);
}

fn names_whom_it_is_about(event: &Value) {
    let (kind, data) = (event["type"].as_str().unwrap(), &event["data"]);
    let has_some = |name: &str| data[name].as_array().is_some_and(|ids| !ids.is_empty());
    if kind.contains(".members.") {
        assert!(has_some("userIds") && data["part"] == 1 && data["parts"] == 1, "{event}");
    }
    if kind.contains(".children.") {
        assert!(has_some("groupIds"), "{event}");
    }
    if kind.contains(".managers.") {
        assert!(has_some("userIds") || has_some("groupIds"), "{event}");
    }
    if kind.contains(".group.") {
        assert!(data["group"]["id"].is_string() && data["group"]["name"].is_string(), "{event}");
    }
    if kind.contains(".members.") || kind.contains(".children.") || kind.ends_with(".group.deleted") {
        assert!(has_some("groupsAbove"), "{event}");
    }
    if kind.contains(".user.") {
        assert!(data["user"]["id"].is_string() && data["user"]["username"].is_string(), "{event}");
    }
    if kind.ends_with(".updated") {
        assert!(data["changes"].as_object().is_some_and(|changes| !changes.is_empty()), "{event}");
    }
    if kind.contains(".api-key.") {
        assert!(event["subject"].as_str().unwrap().starts_with("api-keys/"), "{event}");
    }
}

/// What an operator does at the command line is told without an account.
async fn every_command_that_changes_something_is_told(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("marla").await;
    let wrong = [("grant_type", "password"), ("username", "marla"), ("password", "wrong")];
    for _ in 0..5 {
        Answer::to(app.request_for_token(&wrong)).await.is(400);
    }
    let write = |name: &str, text: &str| {
        let file = app.setup.database.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let users = write("users.csv", "userName\nbob\nchloe\n");
    let groups = write("groups.csv", "name\nSoap\nLye\n");
    let edges = write("edges.csv", "parent,child\nSoap,Lye\n");
    let memberships = write("memberships.csv", "group,userName,validUntil\nSoap,bob,\nLye,chloe,2999-01-01\n");
    let managers = write("managers.csv", "group,manager\nSoap,bob\n");
    let names = write("names.txt", "marla\n");
    let password = write("password.txt", "S0ap-and-nothing-else\n");
    for (arguments, expected) in [
        (&["unlock", "--user", "marla"] as &[&str], &["user.unlocked"] as &[&str]),
        (
            &["import", &users, &groups, &edges, &memberships, &managers],
            &[
                "user.created",
                "user.created",
                "group.created",
                "group.created",
                "group.children.added",
                "group.members.added",
                "group.members.added",
                "group.managers.added",
            ],
        ),
        (&["import", &users, &groups, &edges, &memberships, &managers, "--dry-run"], &[]),
        (&["user", "create", "--email", "lou@x.example"], &["user.created"]),
        (&["user", "update", "lou@x.example", "--first-name", "Lou"], &["user.updated"]),
        (&["user", "set-password", "lou@x.example", "--file", &password], &["user.password-changed"]),
        (&["group", "create", "Ash"], &["group.created"]),
        (&["group", "update", "Ash", "--description", "Wood"], &["group.updated"]),
        (&["group", "add-users", "Ash", "--file", &names], &["group.members.added"]),
        (&["group", "remove-users", "Ash", "--file", &names], &["group.members.removed"]),
        (&["group", "delete", "Ash"], &["group.deleted"]),
        (&["user", "delete", "lou@x.example"], &["user.deleted"]),
        (&["api-key", "create", "--name", "Factory"], &["user.created", "api-key.created"]),
        (&["api-key", "rotate", "Factory"], &["api-key.secret-rotated"]),
        (&["api-key", "delete", "Factory"], &["api-key.deleted", "user.deleted"]),
        (&["token", "--user", "marla"], &[]),
    ] {
        let before = last(&admin).await;
        let output = app.setup.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        let events = follow(&admin, before, 100).await;
        assert_eq!(types(&events), expected, "{arguments:?}: {events:?}");
        for event in &events {
            let nobody = json!({ "id": null, "username": null, "via": "cli", "apiKey": null });
            assert_eq!(event["data"]["actor"], nobody, "{arguments:?}");
            names_whom_it_is_about(event);
        }
    }
    assert_eq!(admin.get("/users/marla").await["status"]["locked"], false);
}

fn via(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["data"]["actor"]["via"].as_str().unwrap()).collect()
}

/// The first start and every other one, what an issuer says of its people, and dates that come.
async fn what_nobody_asks_for_is_told(kind: Kind) {
    let setup = Setup::on(kind).await;
    let mut issuer = Issuer::start(setup.database.path());
    let mut app = setup.start_with(&issuer.table("corp", "create_users = true\ngroups_claim = 'groups'"));
    let first = follow(&Client::admin(&app), 0, 100).await;
    let (at_start, bootstrap) = first.split_last().unwrap();
    assert_eq!(types(std::slice::from_ref(at_start)), ["settings.started"]);
    assert!(via(bootstrap).iter().all(|via| *via == "bootstrap"), "{bootstrap:?}");
    assert_eq!(types(&bootstrap[bootstrap.len() - 2..]), ["user.created", "group.members.added"]);
    let admin = Client::admin(&app);

    admin.create("/groups", &json!({ "name": "Soap", "type": "external" })).await;
    let before = last(&admin).await;
    let claims = json!({ "preferred_username": "executive", "iat": Mint::of(&app).moment("iat"), "groups": ["Soap"] });
    let token = issuer.token("u-1", &claims);
    let user = Answer::to(app.request_by(&token, Method::GET, "/users/@current")).await.is(200).json();
    let events = follow(&admin, before, 100).await;
    assert_eq!(types(&events)[..2], ["user.created", "group.members.added"], "{events:?}");
    assert!(via(&events).iter().all(|via| *via == "issuer:corp"), "{events:?}");
    assert_eq!(events[1]["data"]["userIds"], json!([user["id"]]));

    let [group, from, to] = [admin.create_group("Dated", &[], &[]).await, in_milliseconds(700), in_milliseconds(1400)];
    admin
        .send_with("PUT", &format!("/groups/{group}/users/admin"), &json!({ "validFrom": from, "validUntil": to }))
        .await
        .is(204);
    let before = last(&admin).await;
    until("the membership has ended", async || last(&admin).await == before + 2).await;
    let events = follow(&admin, before, 100).await;
    assert_eq!(types(&events), ["group.members.added", "group.members.removed"]);
    for (event, date) in events.iter().zip([from, to]) {
        assert_eq!(event["time"], date);
        let nobody = json!({ "id": null, "username": null, "via": "schedule", "apiKey": null });
        assert_eq!(event["data"]["actor"], nobody);
        names_whom_it_is_about(event);
    }

    let before = last(&admin).await;
    app.kill_and_restart();
    assert_eq!(types(&follow(&Client::admin(&app), before, 100).await), ["settings.started"]);
}

fn in_milliseconds(milliseconds: u64) -> String {
    let moment = Timestamp::from_milliseconds(0).plus(UNIX_EPOCH.elapsed().unwrap());
    moment.plus(Duration::from_millis(milliseconds)).to_string()
}
