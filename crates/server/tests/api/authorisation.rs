//! What an authenticated caller may do: the permission comes with every request from the groups, however deep.

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{GROUP, GROUP_NAME, TestApp, USERS};
use crate::database::Kind;

on_both_databases! {
    somebody_who_is_no_administrator_is_refused_whether_or_not_the_group_exists,
    a_refusal_comes_before_the_body_is_judged,
    an_administrator_through_nested_groups_may_add_users_until_the_membership_ends,
    the_last_administrator_cannot_be_removed,
    a_token_without_the_scope_is_refused,
}

async fn somebody_who_is_no_administrator_is_refused_whether_or_not_the_group_exists(kind: Kind) {
    let app = TestApp::on(kind).await;
    app.create_documented().await;
    let marla = app.create_user("marla").await;
    let token = app.token_of("marla");
    let nowhere = "00000000-0000-0000-0000-000000000001";
    for group in [GROUP, GROUP_NAME, nowhere, "No Such Group", "System Administrators"] {
        for (method, path) in [
            (Method::POST, format!("/groups/{group}/users/")),
            (Method::GET, format!("/groups/{group}/users")),
            (Method::GET, format!("/groups/{group}")),
            (Method::PUT, format!("/groups/{group}/users/{marla}")),
            (Method::DELETE, format!("/groups/{group}/users/{marla}")),
            (Method::PUT, format!("/groups/{group}/groups/Everyone")),
            (Method::POST, "/groups".to_owned()),
            (Method::POST, "/users".to_owned()),
        ] {
            let answer = Answer::to(app.request_by(&token, method.clone(), &path).json(&json!(USERS))).await;
            answer.is_error(403, "Access denied", &Value::Null);
        }
    }
    let head = Answer::to(app.request_by(&token, Method::HEAD, &format!("/groups/{nowhere}/users/admin"))).await;
    assert_eq!((head.status, head.body.as_str()), (403, ""));
    assert_eq!(app.member_count(GROUP).await, 0);
}

async fn a_refusal_comes_before_the_body_is_judged(kind: Kind) {
    let app = TestApp::on(kind).await;
    app.create_documented().await;
    app.create_user("marla").await;
    let token = app.token_of("marla");
    for body in ["", "{", "[1]", "\"\""] {
        let path = format!("/groups/{GROUP}/users");
        let nobody = app.client.request(Method::POST, app.url(&path)).header("Content-Type", "application/json");
        assert_eq!(Answer::to(nobody.body(body)).await.status, 401, "{body}");
        let marla = app.request_by(&token, Method::POST, &path).header("Content-Type", "application/json");
        assert_eq!(Answer::to(marla.body(body)).await.status, 403, "{body}");
        let admin = app.request(Method::POST, &path).header("Content-Type", "application/json");
        assert_eq!(Answer::to(admin.body(body)).await.status, 400, "{body}");
    }
    let unknown = app.request(Method::POST, "/groups/No Such Group/users").header("Content-Type", "application/json");
    assert_eq!(Answer::to(unknown.body("{")).await.status, 400, "syntax comes before the group");
}

async fn an_administrator_through_nested_groups_may_add_users_until_the_membership_ends(kind: Kind) {
    let app = TestApp::on(kind).await;
    app.create_documented().await;
    app.create_user("marla").await;
    let token = app.token_of("marla");
    let add = || app.request_by(&token, Method::POST, &format!("/groups/{GROUP}/users/")).json(&json!([USERS[0]]));
    app.create_group("Space Monkeys").await;
    app.create_group("Lieutenants").await;
    assert_eq!(app.put("/groups/Space Monkeys/users/marla").await.status, 204);
    assert_eq!(app.put("/groups/Lieutenants/groups/Space Monkeys").await.status, 204);
    assert_eq!(Answer::to(add()).await.status, 403);
    assert_eq!(app.put("/groups/System Administrators/groups/Lieutenants").await.status, 204);
    assert_eq!(Answer::to(add()).await.status, 204);
    assert_eq!(app.members(GROUP).await, [USERS[0]]);
    assert_eq!(app.delete("/groups/Space Monkeys/users/marla").await.status, 204);
    Answer::to(add()).await.is_error(403, "Access denied", &Value::Null);
}

async fn the_last_administrator_cannot_be_removed(kind: Kind) {
    let app = TestApp::on(kind).await;
    let removal = "/groups/System Administrators/users/admin";
    let refused = app.delete(removal).await;
    refused.is_error(409, refused.json()["message"].as_str().unwrap(), &Value::Null);
    app.create_user("marla").await;
    assert_eq!(app.put("/groups/System Administrators/users/marla").await.status, 204);
    app.setup.database.execute("UPDATE users SET suspended = (1 = 1) WHERE username_key = 'marla'");
    assert_eq!(app.delete(removal).await.status, 409, "a suspended administrator administers nothing");
    app.setup.database.execute("UPDATE users SET suspended = (1 = 0) WHERE username_key = 'marla'");
    assert_eq!(app.delete(removal).await.status, 204);
    assert_eq!(app.get("/groups/Everyone").await.status, 403);
}

async fn a_token_without_the_scope_is_refused(kind: Kind) {
    let app = TestApp::on(kind).await;
    app.create_documented().await;
    let mint = crate::tokens::Mint::of(&app);
    let token = mint.with("scope", json!("openid Entry_Read"));
    let request = app.request_by(&token, Method::POST, &format!("/groups/{GROUP}/users")).json(&json!(USERS));
    Answer::to(request).await.is_error(403, "Access denied", &Value::Null);
}
