//! Signing in at the token endpoint, and what ends what was handed out.

use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{PASSWORD, Setup, TestApp};
use crate::client::{Client, USER_PASSWORD};
use crate::database::Kind;

on_both_databases! {
    a_sign_in_counts_and_a_refresh_does_not,
    wrong_passwords_lock_until_somebody_unlocks,
    what_ends_a_user_ends_their_refresh_tokens,
    before_a_new_password_that_is_due_there_is_little_to_do,
    a_name_that_nobody_has_takes_as_long_as_a_wrong_password,
    too_many_requests_for_tokens_are_put_off,
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

async fn wrong_passwords_lock_until_somebody_unlocks(kind: Kind) {
    let app = Setup::on(kind).await.with("GUILDHALL_AUTH__LOCKOUT_THRESHOLD", "3").start();
    for _ in 0..3 {
        assert_error(&sign_in(&app, "admin", "wrong").await, "IncorrectUsernameorPassword");
    }
    assert_error(&sign_in(&app, "admin", PASSWORD).await, "AccountLocked");
    assert_error(&sign_in(&app, "admin", "wrong").await, "IncorrectUsernameorPassword");
    assert_eq!(app.get("/users").await.status, 401);
    // The only administrator is locked out: whoever runs the program lets them in again.
    let output = app.setup.run(&["unlock", "--user", "nobody"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot unlock 'nobody': user not found"));
    assert!(app.setup.run(&["unlock", "--user", "ADMIN"]).status.success());
    sign_in(&app, "admin", PASSWORD).await.is(200);
    assert_eq!(counters(&app, "admin").await, [1, 5, 0].map(Value::from));
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

/// Both answers are the same, and neither comes sooner: compared over many requests of one run, and only roughly.
async fn a_name_that_nobody_has_takes_as_long_as_a_wrong_password(kind: Kind) {
    let app = Setup::alone_on(kind)
        .await
        .with("GUILDHALL_AUTH__LOCKOUT_THRESHOLD", "1000")
        .with("GUILDHALL_LIMITS__TOKEN_REQUESTS_PER_ACCOUNT", "0")
        .start();
    app.create_user("marla").await;
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..25 {
        for (name, times) in ["marla", "nobody"].into_iter().zip(&mut times) {
            let begun = Instant::now();
            let answer = sign_in(&app, name, "wrong").await;
            times.push(begun.elapsed());
            assert_error(&answer, "IncorrectUsernameorPassword");
        }
    }
    let [known, unknown] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2].as_secs_f64()
    });
    let ratio = unknown / known;
    crate::tell(&format!("{kind:?}: an unknown name takes {ratio:.2} times as long as a wrong password"));
    assert!((0.67..1.5).contains(&ratio), "{ratio}");
}

async fn too_many_requests_for_tokens_are_put_off(kind: Kind) {
    let app = Setup::on(kind)
        .await
        .with("GUILDHALL_LIMITS__TOKEN_REQUESTS_PER_ADDRESS", "4")
        .with("GUILDHALL_LIMITS__TOKEN_REQUESTS_PER_ACCOUNT", "2")
        .with("GUILDHALL_SERVER__TRUSTED_PROXIES", "127.0.0.1")
        .start();
    let ask = async |client: &str, name: &str| {
        let parameters = [("grant_type", "password"), ("username", name), ("password", "wrong")];
        Answer::to(app.request_for_token(&parameters).header("X-Forwarded-For", client)).await
    };
    for _ in 0..2 {
        ask("192.0.2.1", "marla").await.is(400);
    }
    let refused = ask("192.0.2.2", "MARLA").await.is(429);
    assert_eq!(refused.json(), json!({ "error": "slow_down" }));
    let seconds: u64 = refused.headers["retry-after"].parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    for name in ["tyler", "robert"] {
        ask("192.0.2.1", name).await.is(400);
    }
    ask("192.0.2.1", "raymond").await.is(429);
    ask("192.0.2.3", "raymond").await.is(400);
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
