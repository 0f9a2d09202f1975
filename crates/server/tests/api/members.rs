//! What adding many members refuses and accepts, alone and at once.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::app::{GROUP, TestApp, USERS};
use crate::database::{Kind, user_id, user_ids};

on_both_databases! {
    an_unknown_group_is_not_found,
    every_unknown_user_is_named_and_nobody_is_added,
    a_malformed_element_is_named_by_its_index_and_nobody_is_added,
    duplicates_and_members_are_no_mistake,
    everyone_has_everybody_already,
    single_memberships_can_be_set_asked_and_ended,
    fifty_clients_at_once_add_the_union_of_their_lists,
    the_same_new_users_in_opposite_orders_do_not_block_one_another,
}

async fn documented(kind: Kind) -> TestApp {
    let app = TestApp::on(kind).await;
    app.create_documented().await;
    app
}

fn users_of(group: &str) -> String {
    format!("/groups/{group}/users/")
}

async fn an_unknown_group_is_not_found(kind: Kind) {
    let app = documented(kind).await;
    for group in ["00000000-0000-0000-0000-000000000001", "No Such Group", "%2F", "Paper%2520Street"] {
        let answer = app.post(&users_of(group), &json!(USERS)).await;
        answer.is_error(404, "Group not found", &Value::Null);
    }
}

async fn every_unknown_user_is_named_and_nobody_is_added(kind: Kind) {
    let app = documented(kind).await;
    let unknown = ["00000000-0000-0000-0000-000000000001", "ffffffff-ffff-4fff-bfff-fffffffffff0"];
    let list = [USERS[0], unknown[1], USERS[1], unknown[0], unknown[1]];
    let answer = app.post(&users_of(GROUP), &json!(list)).await;
    answer.is_error(404, "User not found", &json!({ "userIds": unknown }));
    assert_eq!(app.member_count(GROUP).await, 0);
    let many: Vec<String> = user_ids(40_000);
    let answer = app.post(&users_of(GROUP), &json!(many)).await;
    assert_eq!(answer.status, 404);
    let named: BTreeSet<String> = serde_json::from_value(answer.json()["data"]["userIds"].clone()).unwrap();
    assert_eq!(named, many.into_iter().collect());
    assert_eq!(app.member_count(GROUP).await, 0);
}

async fn a_malformed_element_is_named_by_its_index_and_nobody_is_added(kind: Kind) {
    let app = documented(kind).await;
    let malformed = [
        json!("member0@fightclub.com"),
        json!("admin"),
        json!(""),
        json!(1),
        json!(null),
        json!([]),
        json!({}),
        json!(true),
        json!("75490b0f-56f7-4690-a20a-6f2a822f1d3"),
        json!("75490b0f-56f7-4690-a20a-6f2a822f1d3g"),
        json!("\u{0}"),
    ];
    for element in malformed {
        let mut list: Vec<Value> = (0..23).map(|number| json!(USERS[number % USERS.len()])).collect();
        list[17] = element.clone();
        let answer = app.post(&users_of(GROUP), &json!(list)).await;
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        answer.is_error(400, &message, &Value::Null);
        assert!(message.contains("17"), "{element}: {message}");
        assert_eq!(app.member_count(GROUP).await, 0, "{element}");
    }
}

async fn duplicates_and_members_are_no_mistake(kind: Kind) {
    let app = documented(kind).await;
    assert_eq!(app.post(&users_of(GROUP), &json!([])).await.status, 204);
    assert_eq!(app.member_count(GROUP).await, 0);
    let upper_case = USERS[0].to_uppercase();
    assert_eq!(app.post(&users_of(GROUP), &json!([USERS[0], USERS[0], upper_case])).await.status, 204);
    assert_eq!(app.members(GROUP).await, [USERS[0]]);
    assert_eq!(app.post(&users_of(GROUP), &json!([USERS[0], USERS[1]])).await.status, 204);
    assert_eq!(app.member_count(GROUP).await, 2);
}

async fn everyone_has_everybody_already(kind: Kind) {
    let app = documented(kind).await;
    assert_eq!(app.member_count("Everyone").await, 6);
    assert_eq!(app.post(&users_of("everyone"), &json!(USERS)).await.status, 204);
    assert_eq!(app.member_count("Everyone").await, 6);
    assert_eq!(app.delete(&format!("/groups/Everyone/users/{}", USERS[0])).await.status, 409);
    let above = app.request(Method::HEAD, &format!("/groups/CMS Editors/users/{}", USERS[0]));
    assert_eq!(Answer::to(above).await.status, 204);
    assert_eq!(app.member_count("CMS Editors").await, 0);
}

async fn single_memberships_can_be_set_asked_and_ended(kind: Kind) {
    let app = documented(kind).await;
    for user in [USERS[0], "member0@fightclub.com", "%7B75490B0F56F74690A20A6F2A822F1D3F%7D", "MEMBER0@FIGHTCLUB.COM"] {
        let path = format!("/groups/{GROUP}/users/{user}");
        let is_member = || async { Answer::to(app.request(Method::HEAD, &path)).await.status };
        assert_eq!(is_member().await, 404, "{user}");
        let empty =
            app.request(Method::PUT, &path).header("Content-Type", "application/json").header("Content-Length", "0");
        assert_eq!(Answer::to(empty).await.status, 204, "{user}");
        assert_eq!(app.put(&path).await.status, 204, "{user}");
        assert_eq!(is_member().await, 204, "{user}");
        assert_eq!(app.members(GROUP).await, [USERS[0]]);
        assert_eq!(app.delete(&path).await.status, 204, "{user}");
        assert_eq!(app.delete(&path).await.status, 404, "{user}");
    }
    assert_eq!(app.put(&format!("/groups/{GROUP}/users/nobody")).await.status, 404);
    assert_eq!(app.put(&format!("/groups/nothing/users/{}", USERS[0])).await.status, 404);
}

async fn fifty_clients_at_once_add_the_union_of_their_lists(kind: Kind) {
    const CLIENTS: u32 = 50;
    let app = documented(kind).await;
    app.setup.database.insert_users(1000);
    let list = |client: u32| (client * 15..client * 15 + 200).map(user_id).collect::<Vec<_>>();
    let mut requests = JoinSet::new();
    for client in 0..CLIENTS {
        let mut list = list(client);
        if client % 2 == 1 {
            list.reverse();
        }
        requests.spawn(Answer::to(app.request(Method::POST, &users_of(GROUP)).json(&json!(list))));
    }
    while let Some(answer) = requests.join_next().await {
        let answer = answer.unwrap();
        assert_eq!(answer.status, 204, "{answer:?}");
    }
    let union: BTreeSet<String> = (0..CLIENTS).flat_map(list).collect();
    assert_eq!(app.members(GROUP).await, Vec::from_iter(union));
    assert_eq!(app.member_count(GROUP).await, 935);
}

async fn the_same_new_users_in_opposite_orders_do_not_block_one_another(kind: Kind) {
    const CLIENTS: usize = 8;
    let app = documented(kind).await;
    app.setup.database.insert_users(20_000);
    let forwards: Vec<String> = (0..20_000).map(user_id).collect();
    let backwards: Vec<String> = forwards.iter().rev().cloned().collect();
    let mut requests = JoinSet::new();
    for client in 0..CLIENTS {
        let list = if client % 2 == 0 { &forwards } else { &backwards };
        requests.spawn(Answer::to(app.request(Method::POST, &users_of(GROUP)).json(list)));
    }
    while let Some(answer) = requests.join_next().await {
        let answer = answer.unwrap();
        assert_eq!(answer.status, 204, "{answer:?}");
    }
    assert_eq!(app.member_count(GROUP).await, 20_000);
}
