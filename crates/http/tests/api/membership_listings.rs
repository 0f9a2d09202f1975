//! Listings of memberships and edges with their dates.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::membership_dates::{GROUPS, LATER, SOON, get, items, put, soap};
use crate::world::{ORDINARY, by, error};

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
