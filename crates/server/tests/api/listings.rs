//! Who is below whom: members, children and memberships within reach, and those left out.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::client::Client;
use crate::database::Kind;

on_both_databases! {
    members_are_listed_within_reach_and_without_those_of_excluded_groups,
    children_are_listed_within_reach_with_and_without_the_group_itself,
    the_groups_of_a_user_are_listed_within_reach,
    membership_of_any_of_several_groups_is_enough,
    a_name_with_a_comma_is_tried_as_a_whole_first,
}

/// ```text
///         Top (ann)
///        /   \
///   Left (bob) Right (cat)
///        \   /     \
///      Bottom (dan) Leaf (bob, eve)
/// ```
async fn diamond(admin: &Client<'_>) {
    for name in ["ann", "bob", "cat", "dan", "eve", "fay"] {
        admin.create_user(name).await;
    }
    admin.create_group("Bottom", &["dan"], &[]).await;
    admin.create_group("Leaf", &["bob", "eve"], &[]).await;
    admin.create_group("Left", &["bob"], &["Bottom"]).await;
    admin.create_group("Right", &["cat"], &["Bottom", "Leaf"]).await;
    admin.create_group("Top", &["ann"], &["Left", "Right"]).await;
}

async fn members_are_listed_within_reach_and_without_those_of_excluded_groups(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    diamond(&admin).await;
    let leaf = admin.get("/groups/Leaf").await["id"].as_str().unwrap().to_uppercase();
    for (query, expected) in [
        ("Top/users", vec!["ann"]),
        ("Top/users?includeInherited=false", vec!["ann"]),
        ("Top/users?includeInherited=undefined", vec!["ann"]),
        ("Top/users?includeInherited=true", vec!["ann", "bob", "cat", "dan", "eve"]),
        ("Top/users?INCLUDEINHERITED=True&excludedgroups=", vec!["ann", "bob", "cat", "dan", "eve"]),
        ("Right/users?includeInherited=1", vec!["bob", "cat", "dan", "eve"]),
        ("Bottom/users?includeInherited=true", vec!["dan"]),
        ("Top/users?includeInherited=true&excludedGroups=Leaf", vec!["ann", "cat", "dan"]),
        (&format!("Top/users?includeInherited=true&excludedGroups=%7B{leaf}%7D"), vec!["ann", "cat", "dan"]),
        ("Top/users?includeInherited=true&excludedGroups=Left", vec!["ann", "cat", "eve"]),
        ("Top/users?includeInherited=true&excludedGroups=left%2C%20Leaf%2Cnobody%2C", vec!["ann", "cat"]),
        ("Top/users?includeInherited=true&excludedGroups=unknown", vec!["ann", "bob", "cat", "dan", "eve"]),
        ("Top/users?includeInherited=true&excludedGroups=Top", vec![]),
        ("Leaf/users?excludedGroups=Left", vec!["eve"]),
        ("Left/users?excludedGroups=Right", vec!["bob"]),
        ("Left/users?excludedGroups=Right&includeInherited=true", vec![]),
    ] {
        assert_eq!(admin.listed(&format!("/groups/{query}"), "username").await, expected, "{query}");
    }
    let page = admin.get("/groups/Top/users?includeInherited=true&pageIndex=1&pageSize=2").await;
    assert_eq!((&page["totalCount"], &page["pageCount"]), (&json!(5), &json!(3)));
    let names: Vec<_> = page["items"].as_array().unwrap().iter().map(|user| user["username"].clone()).collect();
    assert_eq!(names, ["cat", "dan"]);
    admin.send("GET", "/groups/Nowhere/users").await.is_error(404, "Group not found", &Value::Null);
    assert_eq!(admin.status("GET", "/groups/Top/users?includeInherited=maybe").await, 400);
}

async fn children_are_listed_within_reach_with_and_without_the_group_itself(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    diamond(&admin).await;
    for (query, expected) in [
        ("Top/groups", vec!["Left", "Right"]),
        ("Top/groups?includeInherited=false&includeSelf=false", vec!["Left", "Right"]),
        ("Top/groups?includeInherited=true", vec!["Bottom", "Leaf", "Left", "Right"]),
        ("Top/groups?includeSelf=true", vec!["Left", "Right", "Top"]),
        ("Top/groups?includeInherited=true&includeSelf=true", vec!["Bottom", "Leaf", "Left", "Right", "Top"]),
        ("Leaf/groups", vec![]),
        ("Leaf/groups?includeSelf=true", vec!["Leaf"]),
        ("Right/groups?excludedGroups=Left", vec!["Leaf"]),
        ("Top/groups?includeInherited=true&excludedGroups=Right", vec!["Left", "Right"]),
        ("Top/groups?includeInherited=true&excludedGroups=Left,unknown", vec!["Leaf", "Left", "Right"]),
        ("Top/groups?includeInherited=true&excludedGroups=Left,Right", vec!["Left", "Right"]),
        ("Top/groups?excludedGroups=Right", vec!["Left", "Right"]),
    ] {
        assert_eq!(admin.listed(&format!("/groups/{query}"), "name").await, expected, "{query}");
    }
    let page = admin.get("/groups/Top/groups?includeInherited=true&includeSelf=true&pageIndex=2&pageSize=2").await;
    assert_eq!((&page["totalCount"], &page["items"][0]["name"]), (&json!(5), &json!("Top")));
    admin.send("GET", "/groups/Nowhere/groups").await.is_error(404, "Group not found", &Value::Null);
}

async fn the_groups_of_a_user_are_listed_within_reach(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    diamond(&admin).await;
    for (query, expected) in [
        ("bob/groups", vec!["Everyone", "Leaf", "Left"]),
        ("bob/groups?includeInherited=true", vec!["CMS Editors", "Everyone", "Leaf", "Left", "Right", "Top"]),
        ("dan/groups?includeInherited=true", vec!["Bottom", "CMS Editors", "Everyone", "Left", "Right", "Top"]),
        ("dan/groups?includeInherited=true&excludedGroups=Top", vec!["CMS Editors", "Everyone", "Top"]),
        (
            "dan/groups?includeInherited=true&excludedGroups=Left,CMS Editors",
            vec!["CMS Editors", "Left", "Right", "Top"],
        ),
        ("dan/groups?excludedGroups=Left", vec!["Everyone"]),
        ("dan/groups?excludedGroups=Top", vec!["Bottom", "Everyone"]),
        ("fay/groups", vec!["Everyone"]),
    ] {
        assert_eq!(admin.listed(&format!("/users/{query}"), "name").await, expected, "{query}");
    }
    let page = admin.get("/users/bob/groups?includeInherited=true&pageIndex=1&pageSize=4").await;
    assert_eq!((&page["totalCount"], &page["items"][0]["name"]), (&json!(6), &json!("Right")));
    admin.send("GET", "/users/nobody/groups").await.is_error(404, "User not found", &Value::Null);
}

async fn membership_of_any_of_several_groups_is_enough(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    diamond(&admin).await;
    let right = admin.get("/groups/Right").await["id"].as_str().unwrap().to_owned();
    for (user, groups, expected) in [
        ("dan", "Bottom", 204),
        ("dan", "Top", 204),
        ("dan", &right, 204),
        ("dan", "Leaf", 404),
        ("dan", "Leaf,Top", 204),
        ("dan", "unknown,,%20top%20,", 204),
        ("dan", "unknown,Leaf", 404),
        ("dan", "unknown", 404),
        ("dan", ",", 404),
        ("eve", &format!("Left,%7B{right}%7D"), 204),
        ("ann", "Left,Right,Bottom,Leaf", 404),
        ("dan@fightclub.com", "CMS%20Editors", 204),
        ("@current", "Everyone", 204),
        ("@current", "Top,System Administrators", 204),
        ("nobody", "Everyone", 404),
    ] {
        let answer = admin.send("HEAD", &format!("/users/{user}/groups/{groups}")).await;
        assert_eq!((answer.status, answer.body.as_str()), (expected, ""), "{user} in {groups}");
    }
    for (group, user, expected) in [
        ("Top", "dan", 204),
        ("Leaf", "dan", 404),
        (right.as_str(), "eve@fightclub.com", 204),
        ("Nowhere", "dan", 404),
        ("Top", "nobody", 404),
        ("Everyone", "@current", 204),
    ] {
        assert_eq!(admin.status("HEAD", &format!("/groups/{group}/users/{user}")).await, expected, "{user} in {group}");
    }
    let dan = Client::of(&app, "dan");
    assert_eq!(dan.status("HEAD", "/users/@current/groups/Leaf,Top").await, 204);
    assert_eq!(dan.status("HEAD", "/users/dan/groups/Leaf").await, 404);
    assert_eq!(dan.status("HEAD", "/users/eve/groups/Leaf").await, 403);
    assert_eq!(admin.status("GET", "/users/dan/groups/Top").await, 405);
}

async fn a_name_with_a_comma_is_tried_as_a_whole_first(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for name in ["marla", "bob"] {
        admin.create_user(name).await;
    }
    admin.create_group("Soap, Lye", &["marla"], &[]).await;
    admin.create_group("Soap", &["bob"], &[]).await;
    let is_in = async |user: &str, groups: &str| admin.status("HEAD", &format!("/users/{user}/groups/{groups}")).await;
    assert_eq!(is_in("marla", "Soap, Lye").await, 204);
    assert_eq!(is_in("marla", "soap%2C%20lye").await, 204);
    assert_eq!(is_in("bob", "Soap, Lye").await, 404, "it is one group, and bob is not in it");
    assert_eq!(is_in("bob", "Soap,Lye").await, 204);
    assert_eq!(is_in("marla", "Soap,Lye").await, 404);
}
