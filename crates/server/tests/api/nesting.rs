//! Groups in groups: no circles, whoever asks at the same time.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::TestApp;
use crate::client::Client;
use crate::database::Kind;

on_both_databases! {
    a_circle_is_refused_and_named_from_group_to_group,
    a_group_below_itself_is_a_circle_of_one,
    many_children_are_added_or_none,
    a_child_is_added_and_removed_by_any_identifier,
    of_two_edges_that_close_a_circle_together_exactly_one_is_added,
    of_many_edges_around_a_circle_all_but_one_are_added,
}

/// Checks that an answer refuses an edge for this path.
fn refuses_circle(answer: &Answer, path: &[(&String, &str)]) {
    let body = answer.json();
    let named: Vec<Value> = path.iter().map(|(id, name)| json!({ "id": id, "name": name })).collect();
    assert_eq!((answer.status, &body["type"]), (422, &json!("Validation")), "{body}");
    assert_eq!(
        (&body["data"][0]["field"], &body["data"][0]["path"]),
        (&json!("childGroupId"), &json!(named)),
        "{body}"
    );
    assert!(body["data"].as_array().unwrap().len() == 1 && body["data"][0]["message"].is_string(), "{body}");
}

async fn chain(admin: &Client<'_>) -> [String; 4] {
    let d = admin.create_group("D", &[], &[]).await;
    let c = admin.create_group("C", &[], &[&d]).await;
    let b = admin.create_group("B", &[], &[&c]).await;
    let a = admin.create_group("A", &[], &[&b]).await;
    [a, b, c, d]
}

async fn a_circle_is_refused_and_named_from_group_to_group(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let [a, b, c, d] = &chain(&admin).await;
    for (parent, child, path) in [
        (d.as_str(), "a", vec![(d, "D"), (a, "A"), (b, "B"), (c, "C")]),
        ("C", "B", vec![(c, "C"), (b, "B")]),
        ("d", "C", vec![(d, "D"), (c, "C")]),
    ] {
        refuses_circle(&admin.send("PUT", &format!("/groups/{parent}/groups/{child}")).await, &path);
        let id = admin.get(&format!("/groups/{child}")).await["id"].clone();
        let many = admin.send_with("POST", &format!("/groups/{parent}/groups"), &json!([id])).await;
        refuses_circle(&many, &path);
    }
    assert_eq!(admin.get("/groups/D").await["childGroupCount"], 0);
    admin.send("DELETE", "/groups/B/groups/C").await.is(204);
    admin.send("PUT", "/groups/D/groups/A").await.is(204);
    refuses_circle(&admin.send("PUT", "/groups/B/groups/C").await, &[(b, "B"), (c, "C"), (d, "D"), (a, "A")]);
}

async fn a_group_below_itself_is_a_circle_of_one(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let soap = &admin.create_group("Soap", &[], &[]).await;
    for answer in [
        admin.send("PUT", &format!("/groups/{soap}/groups/soap")).await,
        admin.send_with("POST", "/groups/Soap/groups", &json!([soap])).await,
    ] {
        assert_eq!(answer.json()["data"][0]["message"], "A group cannot be added as a child of itself");
        refuses_circle(&answer, &[(soap, "Soap")]);
    }
}

async fn many_children_are_added_or_none(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let [a, b, c, d] = chain(&admin).await;
    let extra = admin.create_group("E", &[], &[]).await;
    let unknown = ["00000000-0000-0000-0000-000000000001", "ffffffff-ffff-4fff-bfff-fffffffffff0"];
    let add = async |body: Value| admin.send_with("POST", "/groups/C/groups", &body).await;
    add(json!([extra, unknown[1], d, unknown[0]])).await.is_error(
        404,
        "Child group not found",
        &json!({ "groupIds": unknown }),
    );
    add(json!([extra, a])).await.refuses_only(&["childGroupId"]);
    add(json!([extra, c])).await.refuses_only(&["childGroupId"]);
    for (body, index) in [(json!([extra, "E"]), "1"), (json!([extra, extra, null]), "2"), (json!([17]), "0")] {
        let answer = add(body).await.is(400);
        assert!(answer.json()["message"].as_str().unwrap().contains(index), "{answer:?}");
    }
    for body in [json!({}), json!("x"), json!(null)] {
        add(body).await.is(400);
    }
    assert_eq!(admin.listed("/groups/C/groups", "name").await, ["D"], "nothing was added");
    assert_eq!(add(json!([])).await.is(204).body, "");
    assert_eq!(add(json!([extra.to_uppercase(), extra, d])).await.is(204).body, "");
    assert_eq!(admin.listed("/groups/C/groups", "name").await, ["D", "E"]);
    admin.create_user("marla").await;
    admin.send("PUT", "/groups/E/users/marla").await.is(204);
    assert_eq!(admin.status("HEAD", "/groups/A/users/marla").await, 204);
    admin.send_with("POST", "/groups/Nowhere/groups", &json!([b])).await.is_error(404, "Group not found", &Value::Null);
}

async fn a_child_is_added_and_removed_by_any_identifier(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let soap = admin.create_group("Soap Company", &[], &[]).await;
    let lye = admin.create_group("Lye", &["admin"], &[]).await;
    let spellings = [(soap.as_str(), lye.as_str()), ("soap%20company", "LYE"), (&soap.to_uppercase(), "lye")];
    for (parent, child) in spellings {
        let path = format!("/groups/{parent}/groups/{child}");
        assert_eq!(admin.send("DELETE", &path).await.is(404).json()["type"], "Error");
        for _ in 0..2 {
            assert_eq!(admin.send("PUT", &path).await.is(204).body, "");
            assert_eq!(admin.get("/groups/Soap Company").await["childGroupCount"], 1);
        }
        assert_eq!(admin.status("HEAD", "/groups/Soap Company/users/admin").await, 204);
        assert_eq!(admin.status("GET", &path).await, 405);
        assert_eq!(admin.send("DELETE", &path).await.is(204).body, "");
        assert_eq!(admin.status("HEAD", "/groups/Soap Company/users/admin").await, 404);
    }
    for method in ["PUT", "DELETE"] {
        assert_eq!(admin.status(method, "/groups/Nowhere/groups/Lye").await, 404);
        assert_eq!(admin.status(method, "/groups/Lye/groups/Nowhere").await, 404);
    }
}

async fn of_two_edges_that_close_a_circle_together_exactly_one_is_added(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for round in 0..15 {
        let [a, b] = [format!("A{round}"), format!("B{round}")];
        let [x, y] = [format!("X{round}"), format!("Y{round}")];
        admin.create_group(&x, &[], &[]).await;
        admin.create_group(&y, &[], &[]).await;
        let a_id = admin.create_group(&a, &[], &[&x]).await;
        let b_id = admin.create_group(&b, &[], &[&y]).await;
        // Half of them through a group in between, and by the one or the other endpoint.
        let (first, second) = if round % 2 == 0 {
            (
                admin.request("PUT", &format!("/groups/{a}/groups/{b}")),
                admin.request("PUT", &format!("/groups/{b}/groups/{a}")),
            )
        } else {
            (
                admin.request_with("POST", &format!("/groups/{x}/groups"), &json!([b_id])),
                admin.request_with("POST", &format!("/groups/{y}/groups"), &json!([a_id])),
            )
        };
        let (first, second) = tokio::join!(Answer::to(first), Answer::to(second));
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 422], "{first:?} {second:?}");
    }
}

async fn of_many_edges_around_a_circle_all_but_one_are_added(kind: Kind) {
    const GROUPS: usize = 12;
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for round in 0..3 {
        let mut groups = Vec::new();
        for number in 0..GROUPS {
            groups.push(admin.create_group(&format!("Round {round} group {number}"), &[], &[]).await);
        }
        let mut requests = tokio::task::JoinSet::new();
        for (number, parent) in groups.iter().enumerate() {
            let path = format!("/groups/{parent}/groups/{}", groups[(number + 1) % GROUPS]);
            requests.spawn(Answer::to(admin.request("PUT", &path)));
        }
        let mut statuses: Vec<u16> = requests.join_all().await.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!((&statuses[..GROUPS - 1], statuses[GROUPS - 1]), ([204; GROUPS - 1].as_slice(), 422));
    }
}
