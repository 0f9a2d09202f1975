//! Memberships and edges that begin and end by a date.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::access::world_of_the_table;
use crate::world::{ADMINISTRATOR, ORDINARY, World, by, error, invalid};

pub(crate) const GROUPS: &str = "/api/security/groups";
const INVALID: &str = "There are validation errors adding the member";
pub(crate) const SOON: &str = "2026-01-02T03:10:00.000Z";
pub(crate) const LATER: &str = "2026-01-02T04:00:00.000Z";

/// Soap with Lye below it; bob and tyler exist.
pub(crate) fn soap() -> World {
    let world = World::new();
    world.add_user("tyler");
    for name in ["Soap", "Lye", "Works"] {
        world.add_group(name);
    }
    world
}

pub(crate) async fn put(world: &World, path: &str, body: &Value) -> crate::world::Answer {
    world.send(by(ADMINISTRATOR, Method::PUT, &format!("{GROUPS}{path}")).set_payload(body.to_string())).await
}

pub(crate) async fn patch(world: &World, path: &str, body: &Value) -> crate::world::Answer {
    world.send(by(ADMINISTRATOR, Method::PATCH, &format!("{GROUPS}{path}")).set_payload(body.to_string())).await
}

pub(crate) async fn get(world: &World, path: &str) -> Value {
    let answer = world.ask(Method::GET, &format!("/api/security{path}")).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

pub(crate) async fn is_member(world: &World, path: &str) -> bool {
    world.ask(Method::HEAD, &format!("{GROUPS}{path}")).await.bare() == 204
}

/// What `pick` makes of the items of a listing.
pub(crate) async fn items(world: &World, path: &str, pick: fn(&Value) -> Value) -> Value {
    get(world, path).await["items"].as_array().unwrap().iter().map(pick).collect()
}

pub(crate) fn dates_of_user(item: &Value) -> Value {
    json!([item["user"]["username"], item["validFrom"], item["validUntil"], item["state"]])
}

pub(crate) fn dates_of_child(item: &Value) -> Value {
    json!([item["child"]["name"], item["validFrom"], item["validUntil"], item["state"]])
}

#[actix_web::test]
async fn a_membership_begins_and_ends_by_its_dates() {
    let world = soap();
    let dates = json!({ "validFrom": "2026-01-02T04:10:00+01:00", "validUntil": LATER });
    assert_eq!(put(&world, "/Soap/users/tyler", &dates).await.bare(), 204);
    let listed = |state| json!([["tyler", SOON, LATER, state]]);
    assert_eq!(items(&world, "/groups/Soap/memberships?state=scheduled", dates_of_user).await, listed("scheduled"));
    assert_eq!(items(&world, "/groups/Soap/memberships", dates_of_user).await, json!([]));
    assert!(!is_member(&world, "/Soap/users/tyler").await);
    for (now, is_in) in
        [("2026-01-02T03:09:59.999Z", false), (SOON, true), ("2026-01-02T03:59:59.999Z", true), (LATER, false)]
    {
        world.is(now);
        assert_eq!(is_member(&world, "/Soap/users/tyler").await, is_in, "{now}");
        assert_eq!(get(&world, "/groups/Soap").await["userCount"], i32::from(is_in), "{now}");
        assert_eq!(get(&world, "/groups/Soap/users").await["totalCount"], i32::from(is_in), "{now}");
        assert_eq!(get(&world, "/groups/Soap/memberships").await["totalCount"], i32::from(is_in), "{now}");
        let explained = get(&world, "/groups/Soap/memberships/tyler").await;
        assert_eq!(explained["member"], is_in, "{now}");
        if is_in {
            assert_eq!(
                items(&world, "/users/tyler/memberships?order=-name", dates_of_user).await[0],
                listed("active")[0]
            );
            let direct = &explained["direct"];
            assert_eq!((&direct["validFrom"], &direct["validUntil"]), (&json!(SOON), &json!(LATER)));
            assert_eq!(explained["paths"][0]["validUntil"], LATER);
        }
    }
    assert_eq!(items(&world, "/groups/Soap/memberships?state=all", dates_of_user).await, json!([]));
}

#[actix_web::test]
async fn an_edge_begins_and_ends_by_its_dates() {
    let world = soap();
    assert_eq!(put(&world, "/Lye/users/tyler", &json!({})).await.bare(), 204);
    let dates = json!({ "validFrom": SOON, "validUntil": LATER });
    assert_eq!(put(&world, "/Soap/groups/Lye", &dates).await.bare(), 204);
    let listed = json!([["Lye", SOON, LATER, "scheduled"]]);
    assert_eq!(items(&world, "/groups/Soap/children?state=all", dates_of_child).await, listed);
    assert_eq!(get(&world, "/groups/Soap/children").await["totalCount"], 0);
    // It counts already where a cycle is looked for.
    let (status, refused) = put(&world, "/Lye/groups/Soap", &json!({})).await.error();
    assert_eq!((status, &refused["data"][0]["field"]), (422, &json!("childGroupId")));
    let path: Vec<&Value> = refused["data"][0]["path"].as_array().unwrap().iter().map(|group| &group["name"]).collect();
    assert_eq!(path, ["Lye", "Soap"]);
    for (now, is_in) in [("2026-01-02T03:09:59.999Z", false), (SOON, true), (LATER, false)] {
        world.is(now);
        assert_eq!(is_member(&world, "/Soap/users/tyler").await, is_in, "{now}");
        assert_eq!(get(&world, "/groups/Soap").await["childGroupCount"], i32::from(is_in), "{now}");
        assert_eq!(get(&world, "/groups/Soap/groups").await["totalCount"], i32::from(is_in), "{now}");
    }
    assert_eq!(put(&world, "/Lye/groups/Soap", &json!({})).await.bare(), 204);
}

#[actix_web::test]
async fn a_date_is_set_cleared_or_kept() {
    let world = soap();
    let listed = async || items(&world, "/groups/Soap/memberships?state=all", dates_of_user).await;
    for (body, expected) in [
        (json!({ "validUntil": LATER }), json!([Value::Null, LATER, "active"])),
        (json!({ "other": 1 }), json!([Value::Null, LATER, "active"])),
        (json!({ "validFrom": SOON }), json!([SOON, LATER, "scheduled"])),
        (json!({ "VALIDUNTIL": null }), json!([SOON, null, "scheduled"])),
        (json!({ "validUntil": LATER }), json!([SOON, LATER, "scheduled"])),
        // Comes in at once, with their end.
        (json!({}), json!([null, LATER, "active"])),
        (json!({ "validFrom": null, "validUntil": null }), json!([null, null, "active"])),
    ] {
        assert_eq!(put(&world, "/Soap/users/tyler", &body).await.bare(), 204, "{body}");
        let [from, until, state] = [0, 1, 2].map(|index| expected[index].clone());
        assert_eq!(listed().await, json!([["tyler", from, until, state]]), "{body}");
    }
    assert_eq!(put(&world, "/Soap/users/tyler", &json!({ "validFrom": SOON })).await.bare(), 204);
    let delete = async || world.ask(Method::DELETE, &format!("{GROUPS}/Soap/users/tyler")).await;
    assert_eq!(delete().await.bare(), 204);
    assert_eq!((listed().await, delete().await.status.as_u16()), (json!([]), 404));
    assert_eq!(put(&world, "/Soap/groups/Lye", &json!({ "validFrom": SOON })).await.bare(), 204);
    let delete = async || world.ask(Method::DELETE, &format!("{GROUPS}/Soap/groups/Lye")).await;
    assert_eq!((delete().await.bare(), delete().await.status.as_u16()), (204, 404));
}

#[actix_web::test]
async fn a_date_in_a_body_is_never_ignored_and_all_else_is() {
    for path in ["/Soap/users/bob", "/Soap/groups/Technicians"] {
        let world = world_of_the_table();
        let request =
            |token: &str, body: &[u8]| by(token, Method::PUT, &format!("{GROUPS}{path}")).set_payload(body.to_owned());
        let end = r#"{"validUntil":"2030-01-01"}"#;
        for (body, name) in [
            (r#"{"validUntil":""}"#, "'validUntil'"),
            (r#"{"a":1,"validFrom":1}"#, "'validFrom'"),
            (r#"{"validFrom":null,"VALIDFROM":null}"#, "'validFrom' is given more than once"),
            (r#"[{"validUntil":null}]"#, "not a JSON object"),
            (r#"{"validUntil":"2030-01-01""#, "not a JSON object"),
            ("validUntil=2030-01-01", "not a JSON object"),
        ] {
            let answer = world.send(request(ADMINISTRATOR, body.as_bytes())).await;
            assert!(answer.status == 400 && answer.body.contains(name), "{path} {body}: {}", answer.body);
            assert_eq!(world.send(request(ORDINARY, body.as_bytes())).await.status, 403, "{path} {body}");
        }
        for kind in ["text/plain", "application/merge-patch+json", "text/json"] {
            let typed = |token, body: &str| request(token, body.as_bytes()).insert_header(("content-type", kind));
            let answer = world.send(typed(ADMINISTRATOR, end)).await;
            assert_eq!(answer.error(), error(415, "The content type must be application/json"), "{path} {kind}");
            assert_eq!(world.send(typed(ORDINARY, end)).await.status, 403, "{path} {kind}");
        }
        let compressed = request(ADMINISTRATOR, b"\x1f\x8b").insert_header(("content-encoding", "gzip"));
        assert_eq!(world.send(compressed).await.status, 415, "{path}");
        assert!(!is_member(&world, "/Soap/users/bob").await);
        for body in ["", "{}", "[]", "null", "x", r#"{"valid":"2030"}"#, &"x".repeat(1000)] {
            assert_eq!(world.send(request(ADMINISTRATOR, body.as_bytes())).await.status, 204, "{path} {body}");
            let other = request(ADMINISTRATOR, body.as_bytes()).insert_header(("content-type", "text/plain"));
            assert_eq!(world.send(other).await.status, 204, "{path} {body}");
        }
        let large = request(ADMINISTRATOR, &[b'x'; 10_000]).insert_header(("content-type", "text/plain"));
        assert_eq!(world.send(large).await.status, 204, "{path}");
    }
}

#[actix_web::test]
async fn dates_that_cannot_be_are_refused_by_their_names() {
    let world = soap();
    let (before, after) = ("The beginning must be before the end", "The end must be after the beginning");
    let future = "The end must be in the future";
    for (body, field, message) in [
        (json!({ "validFrom": LATER, "validUntil": SOON }), "validUntil", after),
        (json!({ "validFrom": SOON, "validUntil": SOON }), "validUntil", after),
        (json!({ "validUntil": "2026-01-02T03:04:05.678Z" }), "validUntil", future),
        (json!({ "validUntil": "1999-10-15" }), "validUntil", future),
    ] {
        let expected = invalid(INVALID, &[(field, message)]);
        assert_eq!(put(&world, "/Soap/users/tyler", &body).await.error(), expected, "{body}");
        let expected = invalid("There are validation errors adding the child group", &[(field, message)]);
        assert_eq!(put(&world, "/Soap/groups/Lye", &body).await.error(), expected, "{body}");
        let element = |property: &str, name: &str| {
            let mut element = body.clone();
            element[property] = json!(name);
            json!({ "add": ["@current", element] })
        };
        let named = format!("add[1].{field}");
        let expected = invalid("There are validation errors changing the members", &[(&named, message)]);
        assert_eq!(patch(&world, "/Soap/users", &element("user", "tyler")).await.error(), expected, "{body}");
        let expected = invalid("There are validation errors changing the child groups", &[(&named, message)]);
        let mut children = element("group", "Lye");
        children["add"][0] = json!("Works");
        assert_eq!(patch(&world, "/Soap/groups", &children).await.error(), expected, "{body}");
    }
    put(&world, "/Soap/users/tyler", &json!({ "validUntil": SOON })).await;
    let refused = put(&world, "/Soap/users/tyler", &json!({ "validFrom": LATER })).await;
    assert_eq!(refused.error(), invalid(INVALID, &[("validFrom", before)]));
    assert_eq!(get(&world, "/groups/Soap/memberships?state=all").await["totalCount"], 1);
}

#[actix_web::test]
async fn everyone_and_the_last_administrator_have_no_end() {
    let world = soap();
    let no_dates = error(409, "Memberships of 'Everyone' have no dates");
    let stays = error(409, "The membership of the last System Administrator cannot end");
    for dates in [json!({ "validUntil": LATER }), json!({ "validFrom": SOON })] {
        assert_eq!(put(&world, "/Everyone/users/bob", &dates).await.error(), no_dates);
        let mut element = dates.clone();
        element["user"] = json!("bob");
        let body = json!({ "add": [element] });
        assert_eq!(patch(&world, "/Everyone/users", &body).await.error(), no_dates);
        let report = patch(&world, "/Everyone/users?mode=partial", &body).await.json();
        let reason = no_dates.1["message"].clone();
        assert_eq!(report["refused"], json!([{ "list": "add", "index": 0, "user": "bob", "reason": reason }]));
        assert_eq!(put(&world, "/System%20Administrators/users/admin", &dates).await.error(), stays);
        let mut element = dates.clone();
        element["user"] = json!("admin");
        let body = json!({ "set": [element] });
        let report = patch(&world, "/System%20Administrators/users?mode=partial", &body).await.json();
        let reason = stays.1["message"].clone();
        assert_eq!(report["refused"], json!([{ "list": "set", "index": 0, "user": "admin", "reason": reason }]));
    }
    assert_eq!(put(&world, "/Everyone/users/bob", &json!({ "validUntil": null })).await.bare(), 204);
    // By an edge.
    assert_eq!(put(&world, "/Soap/users/tyler", &json!({})).await.bare(), 204);
    assert_eq!(put(&world, "/System%20Administrators/groups/Soap", &json!({})).await.bare(), 204);
    let until = json!({ "validUntil": LATER });
    assert_eq!(put(&world, "/System%20Administrators/users/admin", &until).await.bare(), 204);
    assert_eq!(put(&world, "/System%20Administrators/groups/Soap", &until).await.error(), stays);
    world.is(LATER);
    assert_eq!(world.ask(Method::GET, GROUPS).await.status, 403);
}

#[actix_web::test]
async fn a_patch_sets_dates_and_counts_those_whose_dates_change() {
    let world = soap();
    let body =
        json!({ "add": ["bob", { "user": "tyler", "validUntil": LATER }, { "user": "@current", "validFrom": SOON }] });
    let numbers =
        |report: &Value| ["added", "updated", "removed", "unchanged", "userCount"].map(|key| report[key].clone());
    let report = patch(&world, "/Soap/users", &body).await.json();
    assert_eq!(numbers(&report), [3, 0, 0, 0, 2].map(Value::from), "{report}");
    let report = patch(&world, "/Soap/users", &body).await.json();
    assert_eq!(numbers(&report), [0, 0, 0, 3, 2].map(Value::from), "{report}");
    let body = json!({ "add": [{ "user": "tyler", "validUntil": null }, { "user": "BOB", "validUntil": SOON }] });
    let report = patch(&world, "/Soap/users?dryRun=true", &body).await.json();
    assert_eq!(numbers(&report), [0, 2, 0, 0, 2].map(Value::from), "{report}");
    let report = patch(&world, "/Soap/users", &body).await.json();
    assert_eq!(numbers(&report), [0, 2, 0, 0, 2].map(Value::from), "{report}");
    let listed =
        json!([["admin", SOON, null, "scheduled"], ["bob", null, SOON, "active"], ["tyler", null, null, "active"]]);
    assert_eq!(items(&world, "/groups/Soap/memberships?state=all", dates_of_user).await, listed);
    // Who is scheduled and not in the set is cancelled.
    let report =
        patch(&world, "/Soap/users", &json!({ "set": ["bob", { "user": "tyler", "validFrom": SOON }] })).await.json();
    assert_eq!(numbers(&report), [0, 1, 1, 1, 1].map(Value::from), "{report}");
    let body = json!({ "set": [{ "group": "Lye", "validFrom": SOON }, "Works"] });
    let report = patch(&world, "/Soap/groups", &body).await.json();
    assert_eq!((&report["added"], &report["childGroupCount"]), (&json!(2), &json!(1)), "{report}");
    let listed = json!([["Lye", SOON, null, "scheduled"], ["Works", null, null, "active"]]);
    assert_eq!(items(&world, "/groups/Soap/children?state=all", dates_of_child).await, listed);
}

#[actix_web::test]
async fn a_date_may_be_previewed_and_is_done_once_for_each_key() {
    let world = soap();
    let send = async |query: &str, key: Option<&str>, body: &Value| {
        let request = by(ADMINISTRATOR, Method::PUT, &format!("{GROUPS}/Soap/users/tyler{query}"));
        let request = request.set_payload(body.to_string());
        world
            .send(match key {
                Some(key) => request.insert_header(("idempotency-key", key)),
                None => request,
            })
            .await
    };
    let preview = send("?dryRun=true", None, &json!({ "validUntil": LATER })).await.json();
    assert_eq!((&preview["dryRun"], &preview["effects"]["groups"][0]["usersGained"]), (&json!(true), &json!(1)));
    let later = send("?dryRun=true", None, &json!({ "validFrom": SOON })).await.json();
    assert_eq!(later["effects"]["groups"], json!([]));
    assert_eq!(send("?dryRun=true", None, &json!({ "validUntil": "1999-10-15" })).await.status, 422);
    assert_eq!(get(&world, "/groups/Soap/memberships?state=all").await["totalCount"], 0);
    assert_eq!(send("", Some("a"), &json!({ "validUntil": LATER })).await.bare(), 204);
    assert_eq!(send("", None, &json!({ "validUntil": null })).await.bare(), 204);
    let again = send("", Some("a"), &json!({ "validUntil": LATER })).await;
    assert_eq!((again.header("idempotency-replayed"), again.bare()), (Some("true"), 204));
    assert_eq!(send("", Some("a"), &json!({ "validUntil": SOON })).await.status, 422);
    let listed = json!([["tyler", null, null, "active"]]);
    assert_eq!(items(&world, "/groups/Soap/memberships", dates_of_user).await, listed);
}

#[actix_web::test]
async fn dates_are_refused_where_they_have_no_meaning() {
    let world = soap();
    for (method, path, body) in [
        (Method::PUT, "/groups/Soap/managers/users/tyler", json!({ "validUntil": LATER })),
        (Method::PUT, "/groups/Soap/managers/groups/Lye", json!({ "validFrom": null })),
        (Method::POST, "/groups", json!({ "name": "Ash", "validUntil": LATER })),
        (Method::PUT, "/groups/Soap", json!({ "name": "Suds", "VALIDUNTIL": null })),
        (Method::POST, "/users", json!({ "validFrom": LATER })),
        (Method::PATCH, "/groups/Soap/users", json!({ "add": ["tyler"], "validUntil": LATER })),
        (Method::POST, "/memberships/check", json!({ "checks": [], "validFrom": LATER })),
    ] {
        let request = by(ADMINISTRATOR, method, &format!("/api/security{path}"));
        let answer = world.send(request.set_payload(body.to_string())).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.body);
        assert!(answer.body.contains("valid"), "{path}: {}", answer.body);
    }
    assert_eq!(get(&world, "/groups/Soap/managers").await["totalCount"], 0);
    // Without dates, bodies that are not needed are ignored.
    for body in ["{}", "", "x"] {
        let path = format!("{GROUPS}/Soap/managers/users/tyler");
        let answer = world.send(by(ADMINISTRATOR, Method::PUT, &path).set_payload(body)).await;
        assert_eq!(answer.bare(), 204, "{body}");
    }
}
