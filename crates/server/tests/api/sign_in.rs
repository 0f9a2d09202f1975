//! Signing in at the token endpoint, and what ends what was handed out.

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{PASSWORD, TestApp};
use crate::client::{Client, USER_PASSWORD};
use crate::database::Kind;

on_both_databases! {
    a_sign_in_counts_and_a_refresh_does_not,
    what_ends_a_user_ends_their_refresh_tokens,
    before_a_new_password_that_is_due_there_is_little_to_do,
    secrets_are_kept_as_digests_only,
}

async fn sign_in(app: &TestApp, name: &str, password: &str) -> Answer {
    Answer::to(app.request_for_token(&[("grant_type", "password"), ("username", name), ("password", password)])).await
}

async fn refresh(app: &TestApp, token: &str) -> Answer {
    Answer::to(app.request_for_token(&[("grant_type", "refresh_token"), ("refresh_token", token)])).await
}

fn text(answer: &Answer, key: &str) -> String {
    answer.json()[key].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

fn assert_error(answer: &Answer, error: &str) {
    assert_eq!((answer.status, answer.json()), (400, json!({ "error": error })));
}

async fn counters(app: &TestApp, user: &str) -> [Value; 3] {
    let user = app.get(&format!("/users/{user}")).await.json();
    ["successfulLoginAttempts", "failedLoginAttempts", "failedLoginAttemptsSinceLastSuccess"]
        .map(|key| user[key].clone())
}

async fn a_sign_in_counts_and_a_refresh_does_not(kind: Kind) {
    let app = TestApp::on(kind).await;
    app.create_user("marla").await;
    assert_error(&sign_in(&app, "marla", "wrong").await, "IncorrectUsernameorPassword");
    assert_eq!(counters(&app, "marla").await, [0, 1, 1].map(Value::from));
    let session = sign_in(&app, "Marla@FightClub.com", USER_PASSWORD).await.is(200);
    let refreshed = refresh(&app, &text(&session, "refresh_token")).await.is(200);
    assert_eq!(text(&refreshed, "refresh_token"), text(&session, "refresh_token"));
    assert_eq!(counters(&app, "marla").await, [1, 1, 0].map(Value::from));
    for token in [text(&session, "access_token"), text(&refreshed, "access_token")] {
        let me = Answer::to(app.request_by(&token, Method::GET, "/users/@current")).await.is(200).json();
        assert!(me["lastLogin"].is_string() && me["lastFailedLogin"].is_string(), "{me}");
    }
}

async fn what_ends_a_user_ends_their_refresh_tokens(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let mut tokens = Vec::new();
    for name in ["suspended", "deleted", "changed"] {
        app.create_user(name).await;
        let session = sign_in(&app, name, USER_PASSWORD).await.is(200);
        tokens.push((text(&session, "refresh_token"), text(&session, "access_token")));
    }
    admin.send_with("POST", "/users/suspended/actions", &json!({ "type": "suspend" })).await.is(204);
    assert_error(&sign_in(&app, "suspended", USER_PASSWORD).await, "AccountSuspended");
    assert_error(&sign_in(&app, "suspended", "wrong").await, "IncorrectUsernameorPassword");
    admin.send_with("POST", "/users/suspended/actions", &json!({ "type": "unsuspend" })).await.is(204);
    admin.send("DELETE", "/users/deleted").await.is(204);
    admin.send_with("POST", "/users/changed/credentials/password", &json!({ "new": "An0ther!One" })).await.is(200);
    for (refresh_token, access_token) in &tokens {
        assert_error(&refresh(&app, refresh_token).await, "invalid_grant");
        assert_eq!(Answer::to(app.request_by(access_token, Method::GET, "/users/@current")).await.status, 401);
    }
    assert_error(&sign_in(&app, "changed", USER_PASSWORD).await, "IncorrectUsernameorPassword");
    sign_in(&app, "changed", "An0ther!One").await.is(200);
}

async fn before_a_new_password_that_is_due_there_is_little_to_do(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let id = app.create_user("marla").await;
    admin.send("PUT", "/groups/System Administrators/users/marla").await.is(204);
    admin.send_with("POST", "/users/marla/actions", &json!({ "type": "forcePasswordReset" })).await.is(204);
    let token = text(&sign_in(&app, "marla", USER_PASSWORD).await.is(200), "access_token");
    for (path, expected) in [
        ("/users/@current", 200),
        (&*format!("/users/{id}"), 200),
        ("/users/@current/groups", 200),
        ("/users", 403),
        ("/users/admin", 403),
        ("/groups", 403),
    ] {
        let answer = Answer::to(app.request_by(&token, Method::GET, path)).await.is(expected);
        assert!(expected == 200 || answer.json()["message"] == "Password reset required", "{answer:?}");
    }
    let change = json!({ "existing": USER_PASSWORD, "new": "An0ther!One" });
    let request = app.request_by(&token, Method::POST, "/users/@current/credentials/password").json(&change);
    Answer::to(request).await.is(200);
    let token = text(&sign_in(&app, "marla", "An0ther!One").await.is(200), "access_token");
    Answer::to(app.request_by(&token, Method::GET, "/users")).await.is(200);
}

async fn secrets_are_kept_as_digests_only(kind: Kind) {
    let app = TestApp::on(kind).await;
    let refresh_token = text(&sign_in(&app, "admin", PASSWORD).await.is(200), "refresh_token");
    let created = app.post("/apiKeys", &json!({ "name": "Factory" })).await.is(201).json();
    let secret = created["flows"][0]["clientSecret"].as_str().unwrap().to_owned();
    assert_eq!((refresh_token.len(), secret.len()), (96, 98));
    // Too short to be the secret itself.
    for (table, column) in [("refresh_tokens", "digest"), ("api_keys", "secret_digest")] {
        let digests = format!("SELECT count(*) AS number FROM {table} WHERE length({column}) = 32");
        assert_eq!(app.setup.database.count(&digests), 1, "{table}");
    }
}
