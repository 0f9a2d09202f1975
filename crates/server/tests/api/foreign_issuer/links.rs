//! Who somebody is: the issuer and the subject say it, and nobody can make it somebody else.

use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_denied, assert_stands_for, me, now};
use crate::answer::Answer;
use crate::app::{Setup, TestApp};
use crate::client::Client;
use crate::database::Kind;
use crate::issuer::Issuer;

on_both_databases! {
    nobody_takes_over_the_account_that_somebody_else_is_about_to_get,
    a_name_that_is_taken_keeps_nobody_out,
    a_user_who_is_here_is_linked_once_and_only_where_that_is_wanted,
    two_issuers_with_one_subject_are_two_people,
    whoever_is_renamed_at_the_issuer_stays_who_they_are,
    administrators_see_and_remove_links,
}

const SCOPE: &str = "Security_Administrator";

/// An executive has names at the issuer and is in a group there that administers here; Mallory, an ordinary user, takes one of the
/// names before the executive comes for the first time.
async fn nobody_takes_over_the_account_that_somebody_else_is_about_to_get(kind: Kind) {
    let wanted = json!({
        "preferred_username": "executive", "email": "executive@fightclub.com", "email_verified": true,
        "upn": "executive@upn.test", "groups": ["Chiefs"],
    });
    for (claim, taken) in [
        ("email", json!({ "email": "executive@fightclub.com" })),
        ("email", json!({ "username": "executive@fightclub.com" })),
        ("preferred_username", json!({ "username": "executive" })),
        ("upn", json!({ "username": "executive@upn.test" })),
        ("sub", json!({ "username": "auth0|executive" })),
    ] {
        let setup = Setup::on(kind).await;
        let mut issuer = Issuer::start(setup.database.path());
        let lines = format!(
            "name_claim = '{claim}'\ngroups_claim = 'groups'\ncreate_users = true\nlink_existing = true\n\
             link_administrators = true\nscopes = ['{SCOPE}']"
        );
        let app = setup.start_with(&issuer.table("corp", &lines));
        let admin = Client::admin(&app);
        let mallory_id = admin.create_user("mallory").await;
        admin.create("/groups", &json!({ "name": "Chiefs", "type": "external" })).await;
        admin.send("PUT", "/groups/System Administrators/groups/Chiefs").await.is(204);
        let mallory = Client::of(&app, "mallory");
        mallory.send_with("PUT", &format!("/users/{mallory_id}"), &taken).await.is(200);

        let token = issuer.token("auth0|executive", &wanted);
        let executive = me(&app, &token).await.is(200).json();
        assert_ne!(executive["id"], json!(mallory_id), "{claim}: {executive}");
        Answer::to(app.request_by(&token, Method::GET, "/users")).await.is(200);
        assert_eq!(mallory.status("GET", "/users").await, 403, "{claim}");
        let groups = mallory.listed(&format!("/users/{mallory_id}/groups"), "name").await;
        assert_eq!(groups, ["Everyone"], "{claim}");
    }
}

async fn a_name_that_is_taken_keeps_nobody_out(kind: Kind) {
    let setup = Setup::on(kind).await;
    let mut issuer = Issuer::start(setup.database.path());
    let app = setup.start_with(&issuer.table("corp", "create_users = true"));
    let admin = Client::admin(&app);
    for name in ["executive", "squatter", "third"] {
        admin.create_user(name).await;
    }
    let squatter = Client::of(&app, "squatter");
    squatter.send_with("PATCH", "/users/@current", &json!({ "username": "executive (corp)" })).await.is(200);
    let claims = json!({
        "preferred_username": "executive", "email": "executive@fightclub.com", "email_verified": true,
    });
    let token = issuer.token("e-1", &claims);
    let user = me(&app, &token).await.is(200).json();
    let name = format!("executive (corp {})", user["id"].as_str().unwrap());
    assert_eq!((user["username"].as_str(), &user["email"]), (Some(name.as_str()), &Value::Null));
    let unverified = json!({ "preferred_username": "third", "email": "new@fightclub.com" });
    let user = me(&app, &issuer.token("e-2", &unverified)).await.is(200).json();
    assert_eq!((&user["username"], &user["email"]), (&json!("third (corp)"), &Value::Null), "an unverified address");
}

async fn a_user_who_is_here_is_linked_once_and_only_where_that_is_wanted(kind: Kind) {
    let setup = Setup::on(kind).await;
    let mut issuer = Issuer::start(setup.database.path());
    let tables = [
        ("silent", ""),
        ("linking", "link_existing = true"),
        ("addresses", "link_existing = true\nname_claim = 'email'"),
        ("everybody", "link_existing = true\nlink_administrators = true"),
    ];
    let app = setup.start_with(&tables.map(|(name, lines)| issuer.table_as(name, lines)).concat());
    let admin = Client::admin(&app);
    admin.create_user("marla").await;
    admin.create_user("bob").await;
    admin.create("/apiKeys", &json!({ "name": "Factory" })).await;
    let address = "Marla@FightClub.com";
    for (table, subject, claims, expected) in [
        ("silent", "1", json!({ "preferred_username": "marla" }), None),
        ("linking", "marla", json!({}), None),
        ("linking", "1", json!({ "preferred_username": address }), None),
        ("linking", "1", json!({ "preferred_username": address, "email": address }), None),
        ("linking", "1", json!({ "preferred_username": "Factory" }), None),
        ("linking", "1", json!({ "preferred_username": "admin" }), None),
        ("linking", "1", json!({ "preferred_username": "@current" }), None),
        ("linking", "1", json!({ "preferred_username": "MARLA" }), Some("marla")),
        ("linking", "2", json!({ "preferred_username": "marla" }), None),
        ("linking", "1", json!({ "preferred_username": "bob" }), Some("marla")),
        ("addresses", "1", json!({ "email": address }), None),
        ("addresses", "1", json!({ "email": address, "email_verified": false }), None),
        ("addresses", "1", json!({ "email": address, "email_verified": "false" }), None),
        ("addresses", "1", json!({ "preferred_username": "marla" }), None),
        ("addresses", "1", json!({ "email": address, "email_verified": true }), Some("marla")),
        ("everybody", "1", json!({ "preferred_username": "admin" }), Some("admin")),
        ("everybody", "2", json!({ "preferred_username": "Factory" }), None),
    ] {
        let what = format!("{table}: {subject} {claims}");
        let mut claims = claims;
        claims["iss"] = json!(Issuer::url_as(table));
        let token = issuer.token(subject, &claims);
        match expected {
            Some(username) => assert_stands_for(&app, &token, username, &what).await,
            None => assert_denied(&app, &token, &what).await,
        }
    }
}

async fn two_issuers_with_one_subject_are_two_people(kind: Kind) {
    let setup = Setup::on(kind).await;
    let mut one = Issuer::start(setup.database.path());
    let mut other = Issuer::with_keys(setup.database.path().join("other.json"));
    let creating = &[("create_users", "true")];
    let app = setup.trusting("one", &one, creating).trusting("other", &other, creating).start();
    let claims = json!({ "preferred_username": "msinger" });
    assert_stands_for(&app, &one.token("u-1", &claims), "msinger", "one").await;
    assert_stands_for(&app, &other.token("u-1", &claims), "msinger (other)", "the other").await;
    assert_denied(&app, &other.token("u-1", &json!({ "iss": one.url })), "the other in the one's name").await;
    let provider = Client::admin(&app).get("/users/msinger (other)").await["credentials"]["provider"].clone();
    assert_eq!(provider, json!({ "type": "external", "name": "other" }));
}

async fn whoever_is_renamed_at_the_issuer_stays_who_they_are(kind: Kind) {
    let setup = Setup::on(kind).await;
    let mut issuer = Issuer::start(setup.database.path());
    let app = setup.start_with(&issuer.table("corp", "create_users = true\nlink_existing = true"));
    let admin = Client::admin(&app);
    admin.create_user("boss").await;
    let start = now(&app) - 60;
    let mut token = |subject: &str, name: &str, second: i64| {
        issuer.token(subject, &json!({ "preferred_username": name, "iat": start + second }))
    };
    let marla = me(&app, &token("u-1", "msinger", 1)).await.is(200).json()["id"].clone();
    assert_eq!(me(&app, &token("u-1", "boss", 2)).await.is(200).json()["id"], marla);
    // Whoever gets the name that is free over there is somebody else, and the name here is still Marla's.
    let successor = me(&app, &token("u-2", "msinger", 3)).await.is(200).json();
    assert_ne!(successor["id"], marla);
    assert_eq!(successor["username"], "msinger (corp)");
}

async fn with_marla(kind: Kind) -> (TestApp, String, Value) {
    let setup = Setup::on(kind).await;
    let mut issuer = Issuer::start(setup.database.path());
    let app = setup.start_with(&issuer.table("corp", "create_users = true"));
    let token = issuer.token("u-1", &json!({ "preferred_username": "msinger" }));
    let user = me(&app, &token).await.is(200).json();
    (app, token, user)
}

async fn administrators_see_and_remove_links(kind: Kind) {
    let (app, token, user) = with_marla(kind).await;
    let admin = Client::admin(&app);
    let page = admin.get("/users/msinger/identities").await;
    let link = &page["items"][0];
    assert_eq!((&page["totalCount"], &link["subject"]), (&json!(1), &json!("u-1")), "{page}");
    assert!(link["issuer"].as_str().unwrap().starts_with("http://"), "{page}");
    assert!(link["linked"].is_string() && link["latestToken"].is_string(), "{page}");
    let own = Answer::to(app.request_by(&token, Method::GET, "/users/@current/identities")).await;
    assert_eq!(own.status, 403);
    let names = json!({ "username": "admin2", "email": "msinger@fightclub.com" });
    for (key, value) in names.as_object().unwrap() {
        let change = app.request_by(&token, Method::PATCH, "/users/@current");
        let change =
            change.header("Content-Type", "application/merge-patch+json").body(json!({ key: value }).to_string());
        assert_eq!(Answer::to(change).await.status, 403, "{key}");
    }
    assert_eq!(admin.status("DELETE", "/users/msinger/identities?subject=u-2").await, 404);
    admin.send("DELETE", "/users/msinger/identities?subject=u-1").await.is(204);
    assert_eq!(admin.get("/users/msinger/identities").await["totalCount"], 0);
    let stranger = me(&app, &token).await.is(200).json();
    assert_ne!(stranger["id"], user["id"], "the link is gone");
    assert_eq!(stranger["username"], "msinger (corp)");
}
