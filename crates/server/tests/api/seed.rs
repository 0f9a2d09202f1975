//! The documented examples: many users added to a group in a single request.

use reqwest::Method;
use serde_json::json;

use crate::answer::Answer;
use crate::app::{GROUP, GROUP_NAME, TestApp, USERS};
use crate::database::Kind;

on_both_databases! {
    the_documented_request_by_id_adds_exactly_those_users,
    the_documented_request_by_name_adds_exactly_those_users,
    a_second_identical_request_changes_nothing,
    every_spelling_of_the_route_answers_alike,
}

async fn the_documented_request_by_id_adds_exactly_those_users(kind: Kind) {
    documented_request(kind, GROUP).await;
}

async fn the_documented_request_by_name_adds_exactly_those_users(kind: Kind) {
    documented_request(kind, "Paper%20Street%20Soap%20Company").await;
}

async fn documented_request(kind: Kind, group: &str) {
    let app = TestApp::on(kind).await;
    app.create_documented().await;
    app.create_user("bystander").await;
    let answer = app.post(&format!("/groups/{group}/users/"), &json!(USERS)).await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{answer:?}");
    assert_eq!(app.members(GROUP).await, sorted(&USERS));
    assert_eq!(app.members(GROUP_NAME).await, sorted(&USERS));
    assert_eq!(app.member_count(GROUP).await, 5);
}

async fn a_second_identical_request_changes_nothing(kind: Kind) {
    let app = TestApp::on(kind).await;
    app.create_documented().await;
    assert_eq!(app.post(&format!("/groups/{GROUP}/users/"), &json!(USERS)).await.status, 204);
    let before =
        (app.get(&format!("/groups/{GROUP}")).await.json(), app.get(&format!("/groups/{GROUP}/users")).await.json());
    assert_eq!(app.post(&format!("/groups/{GROUP}/users/"), &json!(USERS)).await.status, 204);
    let after =
        (app.get(&format!("/groups/{GROUP}")).await.json(), app.get(&format!("/groups/{GROUP}/users")).await.json());
    assert_eq!(before, after);
    assert_eq!(app.members(GROUP).await, sorted(&USERS));
}

async fn every_spelling_of_the_route_answers_alike(kind: Kind) {
    let app = TestApp::on(kind).await;
    app.create_documented().await;
    let spellings = [
        GROUP,
        "%7B6254736C-70E1-43B0-B769-F8E0F6359862%7D",
        "Paper%20Street%20Soap%20Company",
        "paper street SOAP company",
    ];
    let mut added = 0;
    for prefix in ["/api/security", "/api/management/security"] {
        for group in spellings {
            for slash in ["", "/"] {
                let user = USERS[added % USERS.len()];
                let url = format!("{}{prefix}/groups/{group}/users{slash}", app.server.url);
                let request = app.client.request(Method::POST, url).bearer_auth(&app.token).json(&json!([user]));
                let answer = Answer::to(request).await;
                assert_eq!(answer.status, 204, "{prefix} {group} {slash:?}: {answer:?}");
                added += 1;
                assert_eq!(app.members(GROUP).await.len(), added.min(USERS.len()));
            }
        }
    }
}

fn sorted(ids: &[&str]) -> Vec<String> {
    let mut ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    ids.sort();
    ids
}
