//! What administrators do to accounts.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::client::{Client, USER_PASSWORD};
use crate::database::Kind;

on_both_databases! {
    every_action_does_what_it_says_and_may_be_repeated,
    actions_that_cannot_be_done_are_refused_by_field,
    a_suspended_users_tokens_stop_at_once_and_for_good,
    an_account_that_expires_is_suspended,
}

async fn act(client: &Client<'_>, user: &str, action: &str) -> crate::answer::Answer {
    client.send_with("POST", &format!("/users/{user}/actions"), &json!({ "type": action })).await
}

async fn every_action_does_what_it_says_and_may_be_repeated(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("marla").await;
    let never = json!({ "credentials": { "passwordChangeFrequency": 0 } });
    admin.send_with("PUT", "/users/marla", &never).await.is(200);
    app.setup.database.execute(
        "UPDATE users SET locked_until = 253402300799999, failed_login_attempts = 7, failed_login_attempts_since_last_success = 5
         WHERE username_key = 'marla'",
    );
    let mut user = admin.get("/users/marla").await;
    for (action, pointer, value) in [
        ("suspend", "/status/suspended", json!(true)),
        ("UNSUSPEND", "/status/suspended", json!(false)),
        ("unlock", "/status/locked", json!(false)),
        ("forcePasswordReset", "/status/passwordResetRequired", json!(true)),
        ("setpasswordtoexpirable", "/credentials/passwordChangeFrequency", json!(180)),
    ] {
        assert_ne!(user.pointer(pointer), Some(&value), "{action}");
        *user.pointer_mut(pointer).unwrap() = value;
        if action == "unlock" {
            user["failedLoginAttemptsSinceLastSuccess"] = json!(0);
        }
        assert_eq!(act(&admin, "marla", action).await.is(204).body, "");
        let once = admin.get("/users/marla").await;
        user["modified"] = once["modified"].clone();
        assert_eq!(once, user, "{action}");
        act(&admin, "MARLA@fightclub.com", action).await.is(204);
        user["modified"] = admin.get("/users/marla").await["modified"].clone();
        assert_eq!(admin.get("/users/marla").await, user, "{action} again");
    }
    let monthly = json!({ "credentials": { "passwordChangeFrequency": 30 } });
    admin.send_with("PUT", "/users/marla", &monthly).await.is(200);
    act(&admin, "marla", "setPasswordToExpirable").await.is(204);
    assert_eq!(admin.get("/users/marla").await["credentials"]["passwordChangeFrequency"], 30);
}

async fn actions_that_cannot_be_done_are_refused_by_field(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("marla").await;
    admin.create_user("second").await;
    admin.send("PUT", "/groups/System Administrators/users/second").await.is(204);
    act(&admin, "marla", "explode").await.refuses(&[("type", "The action type 'explode' is not valid")]);
    for body in [
        json!({}),
        json!({ "type": null }),
        json!({ "type": "" }),
        json!({ "action": "suspend" }),
        json!({ "type": 1 }),
    ] {
        admin.send_with("POST", "/users/marla/actions", &body).await.refuses_only(&["type"]);
    }
    act(&admin, "nobody", "suspend").await.is_error(404, "User not found", &Value::Null);
    for oneself in ["@current", "admin"] {
        act(&admin, oneself, "suspend").await.refuses_only(&["type"]);
    }
    app.setup.database.execute("UPDATE users SET provider_kind = 'external' WHERE username_key = 'marla'");
    for action in ["forcePasswordReset", "setPasswordToExpirable"] {
        act(&admin, "marla", action).await.refuses_only(&["type"]);
    }
    act(&admin, "marla", "suspend").await.is(204);
    app.setup.database.execute("UPDATE users SET expiry = 1 WHERE username_key = 'marla'");
    act(&admin, "marla", "unsuspend").await.refuses_only(&["expiry"]);
    admin.send_with("PATCH", "/users/marla", &json!({ "expiry": null })).await.is(200);
    act(&admin, "marla", "unsuspend").await.is(204);
    assert_eq!(admin.get("/users/marla").await["status"]["suspended"], false);
}

async fn a_suspended_users_tokens_stop_at_once_and_for_good(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("marla").await;
    let marla = Client::of(&app, "marla");
    assert_eq!(marla.status("GET", "/users/@current").await, 200);
    act(&admin, "marla", "suspend").await.is(204);
    let refused = marla.send("GET", "/users/@current").await.is(401);
    assert_eq!(refused.json(), json!({ "message": "Authorization has been denied for this request." }));
    assert!(!app.setup.run(&["token", "--user", "marla"]).status.success());
    act(&admin, "marla", "unsuspend").await.is(204);
    assert_eq!(marla.status("GET", "/users/@current").await, 401, "a token of before is a token of before");
    assert_eq!(Client::of(&app, "marla").status("GET", "/users/@current").await, 200);
    let password = json!({ "email": "later@fightclub.com", "credentials": { "password": USER_PASSWORD } });
    admin.send_with("POST", "/users?suspended=true", &password).await.is(201);
    assert!(!app.setup.run(&["token", "--user", "later@fightclub.com"]).status.success());
    act(&admin, "later@fightclub.com", "unsuspend").await.is(204);
    assert_eq!(Client::of(&app, "later@fightclub.com").status("GET", "/users/@current").await, 200);
}

async fn an_account_that_expires_is_suspended(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("marla").await;
    let marla = Client::of(&app, "marla");
    app.setup.database.execute("UPDATE users SET expiry = 1 WHERE username_key = 'marla'");
    assert_eq!(admin.get("/users/marla").await["status"]["suspended"], true);
    assert_eq!(marla.status("GET", "/users/@current").await, 401);
    admin.send_with("PUT", "/users/marla", &json!({ "expiry": "2099-01-01" })).await.is(200);
    assert_eq!(admin.get("/users/marla").await["status"]["suspended"], false);
    assert_eq!(marla.status("GET", "/users/@current").await, 200);
}
