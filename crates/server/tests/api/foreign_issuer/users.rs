//! Whom a token stands for, and what it may be used for.

use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_denied, assert_stands_for, me, now, trusting};
use crate::answer::Answer;
use crate::app::{Setup, TestApp};
use crate::client::{Client, USER_PASSWORD};
use crate::database::Kind;
use crate::issuer::Issuer;

on_both_databases! {
    a_stranger_becomes_a_user_once,
    a_stranger_stays_one_where_nobody_is_to_be_created,
    a_user_of_the_issuer_has_no_password_here,
    who_is_suspended_is_not_heard_on_the_next_request,
    an_administrator_needs_the_scope_in_the_token_or_in_the_settings,
}

async fn a_stranger_becomes_a_user_once(kind: Kind) {
    let setup = Setup::on(kind).await;
    let mut issuer = Issuer::start(setup.database.path());
    let lines = "create_users = true";
    let app = setup.start_with(&issuer.table("paper-street", lines));
    let mut token = |iat: i64| {
        let claims = json!({
            "preferred_username": "msinger", "email": "marla@fightclub.com", "email_verified": true, "given_name": "Marla",
            "family_name": "Singer", "iat": iat,
        });
        issuer.token("u-1", &claims)
    };
    let (first, second) = (token(now(&app) - 50), token(now(&app) - 40));
    let ask = || tokio::spawn(Answer::to(app.request_by(&first, Method::GET, "/users/@current")));
    let at_the_same_time: Vec<_> = (0..8).map(|_| ask()).collect();
    for answer in at_the_same_time {
        assert_eq!(answer.await.unwrap().is(200).json()["username"], "msinger");
    }
    assert_stands_for(&app, &second, "msinger", "another token").await;
    let admin = Client::admin(&app);
    assert_eq!(admin.listed("/users", "username").await, ["admin", "msinger"]);
    let user = admin.get("/users/msinger").await;
    assert_eq!(user["credentials"]["provider"], json!({ "type": "external", "name": "paper-street" }));
    for (key, expected) in [
        ("email", json!("marla@fightclub.com")),
        ("firstName", json!("Marla")),
        ("lastName", json!("Singer")),
        ("successfulLoginAttempts", json!(2)),
        ("passwordChanged", Value::Null),
    ] {
        assert_eq!(user[key], expected, "{key}");
    }
    assert_eq!(admin.listed("/users/msinger/groups", "name").await, ["AD Users", "Everyone"]);
    assert_eq!(app.member_count("AD Users").await, 1);
}

async fn a_stranger_stays_one_where_nobody_is_to_be_created(kind: Kind) {
    let (mut issuer, app) = trusting(kind, &[]).await;
    let token = issuer.token("msinger", &json!({ "email": "singer@fightclub.com" }));
    assert_denied(&app, &token, "a stranger").await;
    assert_eq!(Client::admin(&app).listed("/users", "username").await, ["admin", "marla"]);
}

/// An issuer, and a server that has created `msinger` for the token.
async fn with_a_user_of_the_issuer(kind: Kind) -> (Issuer, TestApp, String) {
    let (mut issuer, app) = trusting(kind, &[("create_users", "true")]).await;
    let token = issuer.token("msinger", &json!({}));
    assert_stands_for(&app, &token, "msinger", "a stranger").await;
    (issuer, app, token)
}

async fn a_user_of_the_issuer_has_no_password_here(kind: Kind) {
    let (_issuer, app, _) = with_a_user_of_the_issuer(kind).await;
    let admin = Client::admin(&app);
    let new = json!({ "new": USER_PASSWORD });
    admin.send_with("POST", "/users/msinger/credentials/password", &new).await.refuses_only(&["new"]);
    for password in [USER_PASSWORD, "msinger"] {
        let parameters = [("grant_type", "password"), ("username", "msinger"), ("password", password)];
        let answer = Answer::to(app.request_for_token(&parameters)).await;
        let refused = json!({ "error": "IncorrectUsernameorPassword" });
        assert_eq!((answer.status, answer.json()), (400, refused), "{password}");
    }
}

async fn who_is_suspended_is_not_heard_on_the_next_request(kind: Kind) {
    let (mut issuer, app, token) = with_a_user_of_the_issuer(kind).await;
    let admin = Client::admin(&app);
    admin.send_with("POST", "/users/msinger/actions", &json!({ "type": "suspend" })).await.is(204);
    assert_denied(&app, &token, "a token of before").await;
    assert_denied(&app, &issuer.token("msinger", &json!({ "iat": now(&app) })), "another token").await;
    admin.send_with("POST", "/users/msinger/actions", &json!({ "type": "unsuspend" })).await.is(204);
    assert_stands_for(&app, &token, "msinger", "unsuspended").await;
    admin.send("DELETE", "/users/msinger").await.is(204);
    // Whoever is deleted here is a stranger again, and still signs in there.
    assert_eq!(me(&app, &token).await.is(200).json()["successfulLoginAttempts"], 1);
}

async fn an_administrator_needs_the_scope_in_the_token_or_in_the_settings(kind: Kind) {
    const SCOPE: &str = "Security_Administrator";
    let (mut issuer, mut app) = trusting(kind, &[]).await;
    let mut token = |subject: &str, scope: &str| issuer.token_as(subject, &json!({}), &json!({ "scope": scope }));
    let (bare, other) = (token("admin", ""), token("admin", "openid Entry_Read"));
    let (scoped, marla) = (token("admin", &format!("openid {SCOPE}")), token("marla", SCOPE));
    let listed = issuer.token("admin", &json!({ "scp": ["openid", SCOPE] }));
    for (settings, expected) in [("openid", [403, 403, 200, 403, 200]), (SCOPE, [200, 200, 200, 403, 200])] {
        app = app.stop().with("GUILDHALL_AUTH__ISSUERS__ELSEWHERE__SCOPES", settings).start();
        let mut statuses = Vec::new();
        for token in [&bare, &other, &scoped, &marla, &listed] {
            statuses.push(Answer::to(app.request_by(token, Method::GET, "/users")).await.status);
            assert_eq!(me(&app, token).await.status, 200);
        }
        assert_eq!(statuses, expected, "{settings}");
    }
}
