//! New passwords.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::client::{Client, USER_PASSWORD};
use crate::database::Kind;

on_both_databases! {
    users_replace_their_own_password_by_knowing_it,
    administrators_replace_any_password,
    the_policy_holds_for_new_users_and_new_passwords,
    five_wrong_passwords_lock_the_account,
    the_password_of_an_external_user_is_not_kept_here,
    a_due_password_change_comes_before_everything_else,
    a_password_falls_due_with_time,
}

const NEW: &str = "An0ther!One";
const TOO_SHORT: &str = "The password must have 8 or more characters";
const HOLDS_NAME: &str = "The password must not include any part of the user's name";
const TOO_UNIFORM: &str = "The password must mix three or more of: lower case, upper case, digits, symbols";

fn path(user: &str) -> String {
    format!("/users/{user}/credentials/password")
}

async fn users_replace_their_own_password_by_knowing_it(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let id = admin.create_user("marla").await;
    admin.create_user("bob").await;
    let marla = Client::of(&app, "marla");
    let send = async |body: Value| marla.send_with("POST", &path("@current"), &body).await;
    send(json!({ "new": NEW })).await.refuses(&[("existing", "The existing password is required")]);
    send(json!({ "existing": "", "new": NEW })).await.refuses(&[("existing", "The existing password is required")]);
    send(json!({ "existing": USER_PASSWORD })).await.refuses_only(&["new"]);
    send(json!({})).await.refuses_only(&["existing", "new"]);
    send(json!({ "existing": USER_PASSWORD, "new": USER_PASSWORD }))
        .await
        .refuses(&[("new", "The new password must differ from the current one")]);
    let wrong = send(json!({ "existing": "Wr0ng!Password", "new": NEW })).await;
    wrong.is_error(409, "The existing password is incorrect", &Value::Null);
    for user in ["bob", "admin", "nobody"] {
        let other = marla.send_with("POST", &path(user), &json!({ "existing": USER_PASSWORD, "new": NEW })).await;
        other.is_error(403, "Access denied", &Value::Null);
    }

    let before = admin.get("/users/marla").await;
    let done = marla.send_with("POST", &path(&id), &json!({ "new": NEW, "existing": USER_PASSWORD })).await.is(200);
    assert_eq!(done.body, "");
    assert_eq!(marla.status("GET", "/users/@current").await, 401, "tokens end with the password they came from");
    let after = admin.get("/users/marla").await;
    assert!(after["passwordChanged"].as_str() > before["passwordChanged"].as_str(), "{after}");
    assert!(after["modified"].as_str() > before["modified"].as_str(), "{after}");
    let marla = Client::of(&app, "marla");
    marla
        .send_with("POST", &path("marla"), &json!({ "existing": USER_PASSWORD, "new": "Th1rd!Password" }))
        .await
        .is(409);
    marla.send_with("POST", &path("marla"), &json!({ "existing": NEW, "new": "Th1rd!Password" })).await.is(200);
}

async fn administrators_replace_any_password(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("marla").await;
    let marla = Client::of(&app, "marla");
    let send = async |body: Value| admin.send_with("POST", &path("marla"), &body).await;
    send(json!({ "existing": "Wr0ng!Password", "new": NEW })).await.is_error(
        409,
        "The existing password is incorrect",
        &Value::Null,
    );
    send(json!({})).await.refuses_only(&["new"]);
    assert_eq!(marla.status("GET", "/users/@current").await, 200);
    assert_eq!(send(json!({ "new": NEW })).await.is(200).body, "");
    assert_eq!(marla.status("GET", "/users/@current").await, 401);
    send(json!({ "new": NEW })).await.refuses(&[("new", "The new password must differ from the current one")]);
    send(json!({ "existing": NEW, "new": USER_PASSWORD })).await.is(200);
    let nobody = admin.send_with("POST", &path("nobody"), &json!({ "new": NEW })).await;
    nobody.is_error(404, "User not found", &Value::Null);
}

async fn the_policy_holds_for_new_users_and_new_passwords(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for (number, (first_name, password, broken)) in [
        ("Tyler", "pr0j3ctM4yh3m", vec![]),
        ("Tyler", "F1ghtC1ub1234!", vec![]),
        ("Tyler", "MyPassword", vec![TOO_UNIFORM]),
        ("Tyler", "m4rl451ng3r", vec![TOO_UNIFORM]),
        ("Tyler", "Tyler1234!", vec![HOLDS_NAME]),
        ("Tyler", "xtYLER12!", vec![HOLDS_NAME]),
        ("Ty", "Ty123456!", vec![]),
        ("Mary-Ann Lee", "ann!A123456", vec![HOLDS_NAME]),
        ("Tyler", "Aa1!", vec![TOO_SHORT]),
        ("Tyler", "tyler", vec![TOO_SHORT, HOLDS_NAME, TOO_UNIFORM]),
        ("Tyler", "\u{e9}\u{c9}1234567", vec![]),
        ("Tyler", "Pass word one", vec![]),
    ]
    .into_iter()
    .enumerate()
    {
        let named = json!({ "email": format!("user{number}@fightclub.com"), "firstName": first_name });
        let mut body = named.clone();
        body["credentials"] = json!({ "password": password });
        let created = admin.send_with("POST", "/users", &body).await;
        let fields = |field: &'static str| broken.iter().map(|message| (field, *message)).collect::<Vec<_>>();
        if broken.is_empty() {
            created.is(201);
        } else {
            assert_eq!(created.json()["message"], "There are validation errors creating the user");
            created.refuses(&fields("credentials.password"));
            body["credentials"] = json!({ "password": USER_PASSWORD });
            admin.send_with("POST", "/users", &body).await.is(201);
            let user = format!("user{number}@fightclub.com");
            let refused = admin.send_with("POST", &path(&user), &json!({ "new": password })).await;
            assert_eq!(refused.json()["message"], "There are validation errors updating the password");
            refused.refuses(&fields("new"));
        }
    }
    let without = admin.send_with("POST", "/users", &json!({ "email": "none@fightclub.com" })).await;
    without.refuses(&[("credentials.password", "The password is required")]);
    let long = "Aa1!".repeat(257);
    admin.create_user("marla").await;
    admin.send_with("POST", &path("marla"), &json!({ "new": long })).await.refuses_only(&["new"]);
}

async fn five_wrong_passwords_lock_the_account(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("marla").await;
    let marla = Client::of(&app, "marla");
    for failures in 1..=5 {
        assert_eq!(admin.get("/users/marla").await["status"]["locked"], false);
        marla.send_with("POST", &path("marla"), &json!({ "existing": "Wr0ng!Password", "new": NEW })).await.is(409);
        let user = admin.get("/users/marla").await;
        assert_eq!(
            (&user["failedLoginAttempts"], &user["failedLoginAttemptsSinceLastSuccess"]),
            (&json!(failures), &json!(failures))
        );
        assert!(user["lastFailedLogin"].is_string());
    }
    assert_eq!(admin.get("/users/marla").await["status"]["locked"], true);
    // A lock keeps passwords out, and no session.
    assert_eq!(marla.status("GET", "/users/@current").await, 200);
    admin.send_with("POST", "/users/marla/actions", &json!({ "type": "unlock" })).await.is(204);
    let user = admin.get("/users/marla").await;
    assert_eq!((&user["failedLoginAttempts"], &user["failedLoginAttemptsSinceLastSuccess"]), (&json!(5), &json!(0)));
    assert_eq!(Client::of(&app, "marla").status("GET", "/users/@current").await, 200);
}

async fn the_password_of_an_external_user_is_not_kept_here(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("marla").await;
    app.setup.database.execute("UPDATE users SET provider_kind = 'external' WHERE username_key = 'marla'");
    assert_eq!(admin.get("/users/marla").await["credentials"]["provider"]["type"], "external");
    admin.send_with("POST", &path("marla"), &json!({ "new": NEW })).await.refuses_only(&["new"]);
}

async fn a_due_password_change_comes_before_everything_else(kind: Kind) {
    const DUE: &str = "Password reset required";
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let id = admin.create_user("marla").await;
    admin.send("PUT", "/groups/System Administrators/users/marla").await.is(204);
    let marla = Client::of(&app, "marla");
    assert_eq!(marla.status("GET", "/groups").await, 200);
    admin.send_with("POST", "/users/marla/actions", &json!({ "type": "forcePasswordReset" })).await.is(204);
    for own in ["/users/@current", &format!("/users/{id}"), "/users/@current/groups", "/users/marla/groups"] {
        assert_eq!(marla.status("GET", own).await, 200, "{own}");
    }
    assert_eq!(marla.get("/users/@current").await["status"]["passwordResetRequired"], true);
    for (method, path) in [
        ("GET", "/users"),
        ("GET", "/groups"),
        ("GET", "/users/admin"),
        ("GET", "/groups/Everyone"),
        ("GET", "/groups/Everyone/users"),
        ("PUT", "/groups/Everyone/users/marla"),
        ("DELETE", "/users/marla"),
        ("DELETE", "/groups/System Administrators/users/marla"),
    ] {
        let refusal = marla.send(method, path).await;
        refusal.is_error(403, DUE, &Value::Null);
    }
    for (method, path, body) in [
        ("PUT", "/users/@current", json!({ "firstName": "Marla" })),
        ("PATCH", "/users/@current", json!({ "firstName": "Marla" })),
        ("POST", "/users", json!({})),
        ("POST", "/groups/Everyone/users", json!([])),
        ("POST", "/users/admin/credentials/password", json!({ "new": NEW })),
    ] {
        marla.send_with(method, path, &body).await.is_error(403, DUE, &Value::Null);
    }
    marla.send_with("POST", &path("@current"), &json!({ "existing": USER_PASSWORD, "new": NEW })).await.is(200);
    let marla = Client::of(&app, "marla");
    assert_eq!(marla.get("/users/@current").await["status"]["passwordResetRequired"], false);
    assert_eq!(marla.status("GET", "/groups").await, 200);
}

async fn a_password_falls_due_with_time(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("marla").await;
    let marla = Client::of(&app, "marla");
    let due = async || marla.get("/users/@current").await["status"]["passwordResetRequired"] == true;
    assert!(!due().await);
    app.setup.database.execute("UPDATE users SET password_changed = 1 WHERE username_key = 'marla'");
    assert!(due().await);
    marla.send_with("PUT", "/users/marla", &json!({})).await.is_error(403, "Password reset required", &Value::Null);
    let never = json!({ "credentials": { "passwordChangeFrequency": 0 } });
    admin.send_with("PUT", "/users/marla", &never).await.is(200);
    assert!(!due().await);
    marla.send_with("PUT", "/users/marla", &json!({})).await.is(200);
}
