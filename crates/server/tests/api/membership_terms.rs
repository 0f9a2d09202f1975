//! What holds for memberships and edges with dates, whatever the time is.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::client::Client;
use crate::database::Kind;

on_both_databases! {
    a_patch_sets_dates_and_tells_how_many,
    an_edge_that_begins_later_closes_no_cycle_then,
    somebody_is_an_administrator_for_good,
}

async fn a_patch_sets_dates_and_tells_how_many(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for name in ["marla", "tyler"] {
        admin.create_user(name).await;
    }
    let numbers = |report: &Value| {
        ["added", "updated", "removed", "unchanged", "userCount"].map(|name| report[name].as_u64().unwrap())
    };
    admin.create_group("Soap", &["tyler"], &[]).await;
    let patch =
        async |body: Value| numbers(&admin.send_with("PATCH", "/groups/Soap/users", &body).await.is(200).json());
    let (marla, tyler) =
        (json!({ "user": "marla", "validFrom": "2999-01-01" }), json!({ "user": "tyler", "validUntil": "2999-01-01" }));
    assert_eq!(patch(json!({ "add": [marla, tyler, "admin"] })).await, [2, 1, 0, 0, 2]);
    assert_eq!(patch(json!({ "add": [marla, tyler, "admin"] })).await, [0, 0, 0, 3, 2]);
    // A plain name lets them in now, and keeps the end.
    assert_eq!(patch(json!({ "set": ["marla", "tyler"] })).await, [1, 0, 1, 1, 2]);
    let listed = admin.get("/groups/Soap/memberships?state=all&order=validUntil").await;
    let shown: Vec<_> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (&item["user"]["username"], &item["validUntil"]))
        .collect();
    assert_eq!(shown, [(&json!("tyler"), &json!("2999-01-01T00:00:00.000Z")), (&json!("marla"), &Value::Null)]);
    assert_eq!(patch(json!({ "set": [marla] })).await, [0, 1, 1, 0, 0]);
    assert_eq!(patch(json!({ "set": [] })).await, [0, 0, 1, 0, 0]);
    let body = json!({ "add": ["admin", { "user": "marla", "validUntil": "1999-10-15" }] });
    let refused = admin.send_with("PATCH", "/groups/Soap/users?mode=partial", &body).await;
    refused.refuses(&[("add[1].validUntil", "The end must be in the future")]);
    assert_eq!(app.member_count("Soap").await, 0);
}

async fn an_edge_that_begins_later_closes_no_cycle_then(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(admin.create_group(name, &[], &[]).await);
    }
    let later = json!({ "validFrom": "2999-01-01", "validUntil": null });
    admin.send_with("PUT", "/groups/a/groups/b", &later).await.is(204);
    admin.send("PUT", "/groups/b/groups/c").await.is(204);
    for body in [json!({}), later] {
        let refused = admin.send_with("PUT", "/groups/c/groups/a", &body).await.is(422).json();
        let named = |at: usize| json!({ "id": ids[at], "name": (["a", "b", "c"][at]) });
        assert_eq!(refused["data"][0]["field"], "childGroupId");
        assert_eq!(refused["data"][0]["path"], json!([named(2), named(0), named(1)]), "{body}");
    }
    admin.send("DELETE", "/groups/a/groups/b").await.is(204);
    admin.send("PUT", "/groups/c/groups/a").await.is(204);
}

async fn somebody_is_an_administrator_for_good(kind: Kind) {
    const SYSTEM: &str = "/groups/System Administrators";
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("marla").await;
    let (end, later) = (json!({ "validUntil": "2999-01-01" }), json!({ "validFrom": "2999-01-01" }));
    let message = "The membership of the last System Administrator cannot end";
    for dates in [&end, &later] {
        let refused = admin.send_with("PUT", &format!("{SYSTEM}/users/admin"), dates).await;
        refused.is_error(409, message, &Value::Null);
    }
    // Somebody with an end is not enough.
    admin.send_with("PUT", &format!("{SYSTEM}/users/marla"), &end).await.is(204);
    admin.send_with("PUT", &format!("{SYSTEM}/users/admin"), &end).await.is(409);
    admin.send("DELETE", &format!("{SYSTEM}/users/admin")).await.is(409);
    let expiry = json!({ "expiry": "2999-01-01T00:00:00Z" });
    admin.send_with("PATCH", "/users/admin", &expiry).await.refuses_only(&["expiry"]);
    let element = json!({ "set": [{ "user": "admin", "validUntil": "2999-01-01" }] });
    admin.send_with("PATCH", &format!("{SYSTEM}/users"), &element).await.is(409);
    // Somebody without one is; then whoever else may have an end.
    admin.send_with("PUT", &format!("{SYSTEM}/users/marla"), &json!({ "validUntil": null })).await.is(204);
    admin.send_with("PUT", &format!("{SYSTEM}/users/admin"), &end).await.is(204);
    let marla = Client::of(&app, "marla");
    marla.send_with("PUT", &format!("{SYSTEM}/users/marla"), &end).await.is(409);
    marla.send_with("PATCH", "/users/marla", &expiry).await.refuses_only(&["expiry"]);
    for dates in [end, later] {
        let refused = admin.send_with("PUT", "/groups/Everyone/users/marla", &dates).await;
        refused.is_error(409, "Memberships of 'Everyone' have no dates", &Value::Null);
    }
}
