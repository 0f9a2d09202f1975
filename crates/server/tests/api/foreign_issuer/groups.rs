//! Groups that an external issuer names.

use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_stands_for, now};
use crate::answer::Answer;
use crate::app::{Setup, TestApp};
use crate::client::Client;
use crate::database::Kind;
use crate::issuer::Issuer;

on_both_databases! {
    external_groups_follow_the_latest_token_and_others_stay,
    groups_that_nobody_has_are_created_where_that_is_wanted,
    the_issuer_has_no_say_in_groups_unless_it_is_given_one,
}

const TO_ALL: [&str; 2] = ["AD Users", "Everyone"];

/// An issuer, and a server that creates its users, with the groups Soap (external) and Fight Club.
async fn with_groups(kind: Kind, lines: &str) -> (Issuer, TestApp) {
    let setup = Setup::on(kind).await;
    let issuer = Issuer::start(setup.database.path());
    let app = setup.start_with(&issuer.table("keycloak", &format!("create_users = true\n{lines}")));
    for (name, group_type) in [("Soap", "external"), ("Lye", "external"), ("Fight Club", "contensis")] {
        app.post("/groups", &json!({ "name": name, "type": group_type })).await.is(201);
    }
    (issuer, app)
}

async fn assert_groups(app: &TestApp, more: &[&str], what: &str) {
    let mut expected = [&TO_ALL, more].concat();
    expected.sort_unstable();
    let mut groups = Client::admin(app).listed("/users/msinger/groups", "name").await;
    groups.sort();
    assert_eq!(groups, expected, "{what}");
}

async fn external_groups_follow_the_latest_token_and_others_stay(kind: Kind) {
    let (mut issuer, app) = with_groups(kind, "groups_claim = 'groups'").await;
    let start = now(&app) - 60;
    let mut token = |second: i64, groups: Value| {
        issuer.token_as(
            "msinger",
            &json!({ "iat": start + second, "groups": groups }),
            &json!({ "scope": "Security_Administrator" }),
        )
    };
    let first = token(1, json!(["soap", "Fight Club", "System Administrators", "Unknown"]));
    assert_stands_for(&app, &first, "msinger", "the first token").await;
    assert_groups(&app, &["Soap"], "the first token").await;
    // A system group by that name is not the issuer's to give.
    Answer::to(app.request_by(&first, Method::GET, "/users")).await.is(403);
    assert_eq!(app.get("/groups/Unknown").await.status, 404);
    app.put("/groups/Fight Club/users/msinger").await.is(204);
    for (second, groups, expected) in [
        (3, json!(["LYE"]), &["Lye", "Fight Club"][..]),
        (2, json!(["Soap"]), &["Lye", "Fight Club"]),
        (4, json!("Soap"), &["Soap", "Fight Club"]),
        (5, json!(["Soap", "Lye"]), &["Soap", "Lye", "Fight Club"]),
        (6, Value::Null, &["Fight Club"]),
        (7, json!([]), &["Fight Club"]),
        (8, json!(["Soap", 7, null, { "name": "Lye" }]), &["Soap", "Fight Club"]),
        (9, json!({ "Lye": true }), &["Soap", "Fight Club"]),
        (10, json!([null]), &["Fight Club"]),
    ] {
        let what = format!("{groups} at {second}");
        assert_stands_for(&app, &token(second, groups), "msinger", &what).await;
        assert_groups(&app, expected, &what).await;
        assert_stands_for(&app, &first, "msinger", "the first token").await;
        assert_groups(&app, expected, "the first token brings nothing back").await;
    }
    // Nor does a token from before the server started.
    let app = app.stop().start_with(&issuer.table("keycloak", "groups_claim = 'groups'"));
    assert_stands_for(&app, &first, "msinger", "the first token").await;
    assert_groups(&app, &["Fight Club"], "after another start").await;
}

async fn groups_that_nobody_has_are_created_where_that_is_wanted(kind: Kind) {
    let (mut issuer, app) = with_groups(kind, "groups_claim = 'realm_access.roles'\ncreate_groups = true").await;
    let start = now(&app) - 60;
    let mut token = |second: i64, groups: &[&str]| {
        issuer.token("msinger", &json!({ "iat": start + second, "realm_access": { "roles": groups } }))
    };
    assert_stands_for(&app, &token(1, &["Tall Ones", "soap", "", "fight club"]), "msinger", "the first").await;
    assert_groups(&app, &["Tall Ones", "Soap"], "the first").await;
    let made = app.get("/groups/Tall Ones").await.is(200).json();
    assert_eq!((&made["type"], &made["userCount"]), (&json!("external"), &json!(1)), "{made}");
    assert_stands_for(&app, &token(2, &["tall ones"]), "msinger", "the second").await;
    assert_groups(&app, &["Tall Ones"], "the second").await;
    assert_stands_for(&app, &token(3, &[]), "msinger", "the third").await;
    assert_groups(&app, &[], "the third").await;
    assert_eq!(app.get("/groups/Tall Ones").await.is(200).json()["id"], made["id"]);
}

async fn the_issuer_has_no_say_in_groups_unless_it_is_given_one(kind: Kind) {
    let (mut issuer, app) = with_groups(kind, "").await;
    let start = now(&app) - 60;
    let mut token =
        |second: i64, groups: &[&str]| issuer.token("msinger", &json!({ "iat": start + second, "groups": groups }));
    assert_stands_for(&app, &token(1, &["Soap"]), "msinger", "the first").await;
    assert_groups(&app, &[], "the first").await;
    app.put("/groups/Soap/users/msinger").await.is(204);
    assert_stands_for(&app, &token(2, &[]), "msinger", "the second").await;
    assert_groups(&app, &["Soap"], "the second").await;
}
