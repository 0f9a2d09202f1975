//! Memberships and edges that begin and end by a date.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::access::world_of_the_table;
use crate::world::{ADMINISTRATOR, ORDINARY, World, by, error, invalid};

const GROUPS: &str = "/api/security/groups";
const INVALID: &str = "There are validation errors adding the member";
const SOON: &str = "2026-01-02T03:10:00.000Z";
const LATER: &str = "2026-01-02T04:00:00.000Z";

/// Soap with Lye below it; bob and tyler exist.
fn soap() -> World {
    let world = World::new();
    world.add_user("tyler");
    for name in ["Soap", "Lye", "Works"] {
        world.add_group(name);
    }
    world
}

async fn put(world: &World, path: &str, body: &Value) -> crate::world::Answer {
    world.send(by(ADMINISTRATOR, Method::PUT, &format!("{GROUPS}{path}")).set_payload(body.to_string())).await
}

async fn patch(world: &World, path: &str, body: &Value) -> crate::world::Answer {
    world.send(by(ADMINISTRATOR, Method::PATCH, &format!("{GROUPS}{path}")).set_payload(body.to_string())).await
}

async fn get(world: &World, path: &str) -> Value {
    let answer = world.ask(Method::GET, &format!("/api/security{path}")).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

async fn is_member(world: &World, path: &str) -> bool {
    world.ask(Method::HEAD, &format!("{GROUPS}{path}")).await.bare() == 204
}

/// What `pick` makes of the items of a listing.
async fn items(world: &World, path: &str, pick: fn(&Value) -> Value) -> Value {
    get(world, path).await["items"].as_array().unwrap().iter().map(pick).collect()
}

fn dates_of_user(item: &Value) -> Value {
    json!([item["user"]["username"], item["validFrom"], item["validUntil"], item["state"]])
}

fn dates_of_child(item: &Value) -> Value {
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
async fn listings_show_who_and_since_when_and_by_whom() {
    let world = soap();
    let admin = json!({ "id": world.administrator.user.to_string(), "username": "admin" });
    put(&world, "/Soap/users/tyler", &json!({ "validFrom": SOON })).await;
    put(&world, "/Soap/groups/Lye", &json!({ "validUntil": LATER })).await;
    let [soap, lye] = ["Soap", "Lye"]
        .map(async |name| json!({ "id": get(&world, &format!("/groups/{name}")).await["id"], "name": name }));
    let (soap, lye) = (soap.await, lye.await);
    let tyler = get(&world, "/users/tyler").await;
    let added = "2026-01-02T03:04:05.678Z";
    let membership = json!({
        "user": { "id": tyler["id"], "username": "tyler", "email": "tyler@fightclub.com", "firstName": null, "lastName": null },
        "group": soap, "added": added, "addedBy": admin, "validFrom": SOON, "validUntil": null, "state": "scheduled",
    });
    let page =
        |items: Value| json!({ "pageIndex": 0, "pageSize": 25, "totalCount": 1, "pageCount": 1, "items": items });
    for path in ["/groups/Soap/memberships?state=scheduled", "/users/tyler/memberships/?STATE=Scheduled"] {
        assert_eq!(get(&world, path).await, page(json!([membership])), "{path}");
    }
    let edge = json!({
        "child": lye, "group": soap, "added": added, "addedBy": admin, "validFrom": null, "validUntil": LATER, "state": "active",
    });
    assert_eq!(get(&world, "/groups/Soap/children/").await, page(json!([edge])));
    let oneself = world.send(by(ORDINARY, Method::GET, "/api/security/users/@current/memberships")).await.json();
    assert_eq!(oneself["items"][0]["group"]["name"], "Everyone");
    for path in ["/groups/Soap/memberships", "/groups/Soap/children", "/users/tyler/memberships"] {
        let head = world.ask(Method::HEAD, &format!("/api/security{path}")).await;
        assert_eq!(head.bare(), 200, "{path}");
        let answer = world.ask(Method::DELETE, &format!("/api/security{path}/")).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("GET, HEAD")), "{path}");
    }
}

#[actix_web::test]
async fn listings_are_narrowed_sorted_and_walked() {
    let world = soap();
    for (name, dates) in [
        ("bob", json!({ "validUntil": LATER })),
        ("tyler", json!({ "validFrom": SOON })),
        ("admin", json!({ "validFrom": LATER, "validUntil": "2030-01-01" })),
    ] {
        put(&world, &format!("/Soap/users/{name}"), &dates).await;
        world.is("2026-01-02T03:05:00Z");
    }
    let path = "/groups/Soap/memberships";
    let names = async |query: &str| {
        let names = items(&world, &format!("{path}?{query}"), |item| item["user"]["username"].clone()).await;
        names.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    for (query, expected) in [
        ("", "bob"),
        ("state=active", "bob"),
        ("state=scheduled", "admin tyler"),
        ("state=all", "admin bob tyler"),
        ("state=ALL&order=-username", "tyler bob admin"),
        ("state=all&order=added", "bob admin tyler"),
        ("state=all&order=validFrom", "bob tyler admin"),
        ("state=all&order=-VALIDFROM", "admin tyler bob"),
        ("state=all&order=validUntil", "bob admin tyler"),
        ("state=all&order=%2DvalidUntil", "tyler admin bob"),
        ("state=all&q=ty", "tyler"),
        ("state=all&q=", "admin bob tyler"),
        ("state=all&expiringBefore=2031-01-01", "admin bob"),
        ("state=all&expiringBefore=2030-01-01", "bob"),
        ("state=all&EXPIRINGBEFORE=2026-01-02T05:00:00.001%2B01:00", "bob"),
        ("state=scheduled&expiringBefore=2030-01-01T00:00", ""),
        ("state=all&pageSize=2&pageIndex=1", "tyler"),
        ("zenql=x&where=y&unknown=z", "bob"),
    ] {
        assert_eq!(names(query).await, expected, "{query}");
    }
    for order in ["username", "-added", "validFrom", "-validFrom", "validUntil", "-validUntil"] {
        let query = format!("state=all&pageSize=1&order={order}");
        let (mut cursor, mut walked) = (String::new(), Vec::new());
        loop {
            let page = get(&world, &format!("{path}?{query}&cursor={cursor}")).await;
            walked.extend(page["items"].as_array().unwrap().iter().map(|item| item["user"]["username"].clone()));
            assert_eq!(page["totalCount"], 3);
            let Some(next) = page["nextCursor"].as_str() else { break };
            next.clone_into(&mut cursor);
        }
        let all =
            items(&world, &format!("{path}?state=all&order={order}"), |item| item["user"]["username"].clone()).await;
        assert_eq!(json!(walked), all, "{order}");
        // It is good for nothing else.
        for other in ["state=scheduled", "state=all&expiringBefore=2031-01-01", "state=all&q=b", "state=all"] {
            let answer = world.ask(Method::GET, &format!("/api/security{path}?{other}&cursor={cursor}")).await;
            let is_same = other == "state=all" && order == "username";
            assert!(is_same || answer.status == 400, "{order} {other}: {}", answer.body);
        }
    }
    let edges = "/groups/Soap/children?state=all&order=-name";
    put(&world, "/Soap/groups/Lye", &json!({ "validFrom": SOON })).await;
    put(&world, "/Soap/groups/Works", &json!({ "validUntil": SOON })).await;
    assert_eq!(items(&world, edges, |item| item["child"]["name"].clone()).await, json!(["Works", "Lye"]));
    let groups = "/users/tyler/memberships?state=all&order=-name&q=so";
    assert_eq!(items(&world, groups, |item| item["group"]["name"].clone()).await, json!(["Soap"]));
}

#[actix_web::test]
async fn managers_see_the_memberships_of_their_groups() {
    let world = soap();
    put(&world, "/Soap/users/tyler", &json!({ "validUntil": LATER })).await;
    put(&world, "/Soap/groups/Lye", &json!({})).await;
    put(&world, "/Soap/managers/users/bob", &json!({})).await;
    let ask = async |path: &str| world.send(by(ORDINARY, Method::GET, &format!("/api/security{path}"))).await;
    assert_eq!(ask("/groups/Soap/memberships?q=ty").await.json()["items"][0]["user"]["username"], "tyler");
    assert_eq!(ask("/groups/Soap/children").await.json()["items"][0]["child"]["name"], "Lye");
    assert_eq!(ask("/groups/Lye/memberships").await.status, 200);
    for path in ["/groups/Works/memberships", "/groups/Works/children", "/users/tyler/memberships"] {
        assert_eq!(ask(path).await.error(), error(403, "Access denied"), "{path}");
    }
    let dates =
        by(ORDINARY, Method::PUT, &format!("{GROUPS}/Lye/users/tyler")).set_payload(r#"{"validFrom":"2030-01-01"}"#);
    assert_eq!(world.send(dates).await.bare(), 204);
}
