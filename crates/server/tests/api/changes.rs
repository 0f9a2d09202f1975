//! Changing users: PUT and PATCH.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::TestApp;
use crate::client::{Client, USER_PASSWORD};
use crate::database::Kind;

on_both_databases! {
    a_put_sets_what_is_there_and_keeps_the_rest,
    an_expiry_is_set_kept_and_cleared,
    what_is_read_only_is_ignored,
    names_that_others_have_are_refused_by_field,
    values_that_are_not_valid_are_refused_by_field,
    a_patch_merges_custom_properties,
    a_patch_is_json_of_either_kind,
    users_change_themselves_but_for_what_is_the_administrators,
}

/// A user with something in every property.
async fn tyler(admin: &Client<'_>) -> Value {
    let body = json!({
        "username": "tdurden", "email": "t.durden@fightclub.com", "firstName": "Tyler", "lastName": "Durden",
        "timezone": "America/New_York", "language": "en-US", "custom": { "a": "1", "B": "2" },
        "credentials": { "password": USER_PASSWORD, "passwordChangeFrequency": 30 },
        "expiry": "2099-01-02T03:04:05.678Z", "optOutOfNotifications": true,
    });
    admin.send_with("POST", "/users", &body).await.is(201).json()
}

/// `user` with this instead, at any later moment.
fn with(user: &Value, changes: &Value) -> Value {
    let mut user = user.clone();
    for (key, value) in changes.as_object().unwrap() {
        user[key] = value.clone();
    }
    user["modified"] = Value::Null;
    user
}

async fn a_put_sets_what_is_there_and_keeps_the_rest(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let mut user = tyler(&admin).await;
    let path = format!("/users/{}", user["id"].as_str().unwrap());
    for (body, changes) in [
        (json!({}), json!({})),
        (json!({ "firstName": "Robert" }), json!({ "firstName": "Robert" })),
        (json!({ "LASTNAME": "Paulson", "unknown": {} }), json!({ "lastName": "Paulson" })),
        (json!({ "lastName": null }), json!({ "lastName": null })),
        (json!({ "custom": { "b": "3" } }), json!({ "custom": { "b": "3" } })),
        (json!({ "custom": {} }), json!({ "custom": {} })),
        (json!({ "optOutOfNotifications": false }), json!({ "optOutOfNotifications": false })),
        (
            json!({ "language": "fr", "timezone": "Europe/Paris" }),
            json!({ "language": "fr", "timezone": "Europe/Paris" }),
        ),
        (
            json!({ "username": "bob", "email": "Bob@FightClub.com" }),
            json!({ "username": "bob", "email": "Bob@FightClub.com" }),
        ),
        (
            json!({ "credentials": { "passwordChangeFrequency": 0 } }),
            json!({ "credentials": { "passwordChangeFrequency": 0, "provider": user["credentials"]["provider"] } }),
        ),
    ] {
        let expected = with(&user, &changes);
        let changed = admin.send_with("PUT", &path, &body).await.is(200).json();
        assert_eq!(with(&changed, &json!({})), expected, "{body}");
        assert_eq!(admin.get(&path).await, changed, "{body}");
        user = changed;
    }
    assert_ne!(user["modified"], user["created"]);
    assert_eq!(admin.status("GET", "/users/tdurden").await, 404);
    assert_eq!(admin.get("/users/bob@fightclub.com").await, user);
    admin.send_with("PUT", "/users/nobody", &json!({})).await.is_error(404, "User not found", &Value::Null);
}

async fn an_expiry_is_set_kept_and_cleared(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    tyler(&admin).await;
    for method in ["PUT", "PATCH"] {
        let put = async |body: Value| admin.send_with(method, "/users/tdurden", &body).await;
        let set = put(json!({ "expiry": "2098-05-06" })).await.is(200).json();
        assert_eq!(set["expiry"], "2098-05-06T00:00:00.000Z");
        assert_eq!(put(json!({ "firstName": "Robert" })).await.is(200).json()["expiry"], "2098-05-06T00:00:00.000Z");
        for past in ["2020-01-01", "1970-01-01T00:00:00Z"] {
            put(json!({ "expiry": past })).await.refuses(&[("expiry", "The expiry date must be in the future")]);
        }
        assert_eq!(put(json!({ "expiry": null })).await.is(200).json()["expiry"], Value::Null);
        assert_eq!(admin.get("/users/tdurden").await["expiry"], Value::Null);
    }
}

async fn what_is_read_only_is_ignored(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let user = tyler(&admin).await;
    let mut echo = user.clone();
    for (key, value) in [
        ("id", json!("75490b0f-56f7-4690-a20a-6f2a822f1d3f")),
        ("status", json!({ "suspended": true, "locked": true, "passwordResetRequired": true })),
        ("created", json!("2001-01-01T00:00:00.000Z")),
        ("modified", json!("2001-01-01T00:00:00.000Z")),
        ("lastLogin", json!("2001-01-01T00:00:00.000Z")),
        ("lastFailedLogin", json!("2001-01-01T00:00:00.000Z")),
        ("passwordChanged", json!("2001-01-01T00:00:00.000Z")),
        ("failedLoginAttempts", json!(7)),
        ("failedLoginAttemptsSinceLastSuccess", json!(7)),
        ("successfulLoginAttempts", json!(7)),
    ] {
        echo[key] = value;
    }
    echo["credentials"]["provider"] = json!({ "type": "external", "name": "adfs" });
    echo["credentials"]["password"] = json!("An0ther!One");
    for method in ["PUT", "PATCH"] {
        let answer = admin.send_with(method, "/users/tdurden", &echo).await.is(200).json();
        assert_eq!(with(&answer, &json!({})), with(&user, &json!({})), "{method}");
    }
    let own = json!({ "existing": USER_PASSWORD, "new": "An0ther!One" });
    let client = Client::of(&app, "tdurden");
    client.send_with("POST", "/users/@current/credentials/password", &own).await.is(200);
}

async fn names_that_others_have_are_refused_by_field(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let user = tyler(&admin).await;
    admin.create_user("marla").await;
    for method in ["PUT", "PATCH"] {
        for (body, fields) in [
            (json!({ "username": "marla" }), vec!["username"]),
            (json!({ "username": "MARLA" }), vec!["username"]),
            (json!({ "username": "marla@fightclub.com" }), vec!["username"]),
            (json!({ "email": "Marla@fightclub.com" }), vec!["email"]),
            (json!({ "username": "marla", "email": "marla@fightclub.com" }), vec!["username", "email"]),
        ] {
            admin.send_with(method, "/users/tdurden", &body).await.refuses_only(&fields);
        }
        let own = json!({ "username": "tdurden", "email": "t.durden@fightclub.com" });
        admin.send_with(method, "/users/tdurden", &own).await.is(200);
    }
    assert_eq!(admin.get("/users/tdurden").await, user);
}

async fn values_that_are_not_valid_are_refused_by_field(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let user = tyler(&admin).await;
    for method in ["PUT", "PATCH"] {
        for (body, field, message) in [
            (json!({ "email": "nowhere" }), "email", "The email address is not valid: it has no '@'"),
            (json!({ "email": null }), "email", "The email address is required"),
            (json!({ "username": "search" }), "username", "The username is reserved"),
            (json!({ "username": "@me" }), "username", "The username is reserved"),
            (json!({ "username": user["id"] }), "username", "The username is reserved"),
            (json!({ "language": "English" }), "language", "The language code is not valid"),
            (
                json!({ "credentials": { "passwordChangeFrequency": -1 } }),
                "credentials.passwordChangeFrequency",
                "The password change frequency must be zero or greater",
            ),
        ] {
            admin.send_with(method, "/users/tdurden", &body).await.refuses(&[(field, message)]);
        }
        for body in ["", "{", "[]", "null", "\"\""] {
            let answer =
                Answer::to(admin.request(method, "/users/tdurden").header("Content-Length", body.len()).body(body))
                    .await;
            assert_eq!(answer.status, 400, "{method} {body}");
        }
    }
    assert_eq!(admin.get("/users/tdurden").await, user);
}

async fn a_patch_merges_custom_properties(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let user = tyler(&admin).await;
    for (body, custom) in [
        (json!({ "custom": { "c": "3" } }), json!({ "a": "1", "B": "2", "c": "3" })),
        (json!({ "custom": { "a": null, "c": "4", "never": null } }), json!({ "B": "2", "c": "4" })),
        (json!({ "custom": { "b": "lower" } }), json!({ "B": "2", "b": "lower", "c": "4" })),
        (json!({ "custom": {} }), json!({ "B": "2", "b": "lower", "c": "4" })),
        (
            json!({ "custom": { "n": 1.50, "t": true } }),
            json!({ "B": "2", "b": "lower", "c": "4", "n": 1.5, "t": true }),
        ),
        (
            json!({ "id": "13f8cd48-7765-47b7-9fa3-2ad9c935a4be", "custom": { "n": null, "t": null } }),
            json!({ "B": "2", "b": "lower", "c": "4" }),
        ),
    ] {
        let answer = admin.send_with("PATCH", "/users/tdurden", &body).await.is(200).json();
        assert_eq!(with(&answer, &json!({})), with(&user, &json!({ "custom": custom })), "{body}");
    }
    admin.send_with("PATCH", "/users/nobody", &json!({})).await.is_error(404, "User not found", &Value::Null);
}

async fn a_patch_is_json_of_either_kind(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    tyler(&admin).await;
    for (kind, status) in [
        ("application/merge-patch+json; charset=utf-8", 200),
        ("application/merge-patch+json", 200),
        ("Application/JSON;charset=UTF-8", 200),
        ("application/json", 200),
        ("application/json-patch+json", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
    ] {
        let request = app.client.patch(app.url("/users/tdurden")).bearer_auth(&app.token).header("Content-Type", kind);
        let answer = Answer::to(request.body(r#"{"firstName":"Robert"}"#)).await;
        assert_eq!(answer.status, status, "{kind}: {answer:?}");
        assert!(answer.json().is_object());
    }
}

async fn users_change_themselves_but_for_what_is_the_administrators(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    tyler(&admin).await;
    let client = Client::of(&app, "tdurden");
    let whole = client.get("/users/@current").await;
    for method in ["PUT", "PATCH"] {
        let mut echo = with(&whole, &json!({ "firstName": method, "custom": { "own": method } }));
        echo["modified"] = whole["modified"].clone();
        let answer = client.send_with(method, "/users/@current", &echo).await.is(200).json();
        assert_eq!((&answer["firstName"], &answer["custom"]["own"]), (&json!(method), &json!(method)));
        let before = client.get("/users/@current").await;
        for body in [
            json!({ "firstName": "No", "expiry": "2098-01-01" }),
            json!({ "firstName": "No", "expiry": null }),
            json!({ "firstName": "No", "credentials": { "passwordChangeFrequency": 0 } }),
            json!({ "firstName": "No", "credentials": { "passwordChangeFrequency": 31 } }),
        ] {
            let refusal = client.send_with(method, "/users/tdurden", &body).await;
            refusal.is_error(403, "Access denied", &Value::Null);
        }
        assert_eq!(client.get("/users/@current").await, before);
        client.send_with(method, "/users/admin", &json!({})).await.is_error(403, "Access denied", &Value::Null);
    }
    let names = json!({ "username": "robert", "email": "paulson@fightclub.com", "lastName": "Paulson", "language": "fr",
                        "timezone": "Europe/Paris", "optOutOfNotifications": false });
    client.send_with("PATCH", "/users/tdurden", &names).await.is(200);
    assert_eq!(client.get("/users/robert").await["email"], "paulson@fightclub.com");
}
