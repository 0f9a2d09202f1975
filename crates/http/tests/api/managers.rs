//! Managers of groups, and explanations: the bodies.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::world::{ADMINISTRATOR, Answer, ORDINARY, World, by, error};

const GROUPS: &str = "/api/security/groups";

async fn send(world: &World, token: &str, method: Method, path: &str) -> Answer {
    world.send(by(token, method, &format!("{GROUPS}{path}"))).await
}

/// A world in which bob, the ordinary user, manages Soap, and tyler is in Lye, which is below it.
async fn world() -> World {
    let world = World::new();
    world.add_user("tyler");
    for name in ["Soap", "Lye", "Team"] {
        world.add_group(name);
    }
    for path in ["/Soap/groups/Lye", "/Lye/users/tyler", "/Soap/users/bob", "/Soap/managers/users/BOB"] {
        assert_eq!(send(&world, ADMINISTRATOR, Method::PUT, path).await.bare(), 204, "{path}");
    }
    world
}

#[actix_web::test]
async fn managers_are_listed_with_who_appointed_them() {
    let world = world().await;
    assert_eq!(send(&world, ADMINISTRATOR, Method::PUT, "/Soap/managers/groups/team").await.bare(), 204);
    let page = send(&world, ADMINISTRATOR, Method::GET, "/Soap/managers/").await.json();
    let added = page["items"][0]["added"].clone();
    let team = send(&world, ADMINISTRATOR, Method::GET, "/Team").await.json()["id"].clone();
    let by = json!({ "id": world.administrator.user.to_string(), "username": "admin" });
    let bob = page["items"][0]["id"].clone();
    assert!(added.as_str().is_some_and(|added| added.ends_with('Z')));
    assert_eq!(
        page,
        json!({ "pageIndex": 0, "pageSize": 25, "totalCount": 2, "pageCount": 1, "items": [
            { "kind": "user", "id": bob, "name": "bob", "added": added, "addedBy": by },
            { "kind": "group", "id": team, "name": "Team", "added": added, "addedBy": by },
        ] })
    );
    let refused = error(404, "They do not manage the group by themselves");
    assert_eq!(send(&world, ADMINISTRATOR, Method::DELETE, "/Lye/managers/users/bob").await.error(), refused);
    assert_eq!(send(&world, ADMINISTRATOR, Method::DELETE, "/Soap/managers/users/bob").await.bare(), 204);
    assert_eq!(send(&world, ADMINISTRATOR, Method::DELETE, "/Soap/managers/users/bob").await.error(), refused);
    assert_eq!(send(&world, ORDINARY, Method::GET, "/Soap").await.status, 403);
}

#[actix_web::test]
async fn nobody_is_appointed_for_a_group_that_makes_administrators() {
    let world = world().await;
    let path = "/System%20Administrators/managers/users/bob";
    let (status, refused) = send(&world, ADMINISTRATOR, Method::PUT, path).await.error();
    let message = "The group makes administrators, so nobody can manage it";
    assert_eq!((status, &refused["type"]), (422, &json!("Validation")));
    assert_eq!(refused["message"], "There are validation errors adding the manager");
    assert_eq!(refused["data"], json!([{ "field": "group", "message": message }]));
}

#[actix_web::test]
async fn a_manager_is_shown_summaries_alone() {
    let world = world().await;
    let page = send(&world, ORDINARY, Method::GET, "/Soap/users?includeInherited=true&order=-username").await.json();
    let items = page["items"].as_array().unwrap();
    let names: Vec<&Value> = items.iter().map(|item| &item["username"]).collect();
    assert_eq!(names, ["tyler", "bob"]);
    for item in items {
        let keys: Vec<&String> = item.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["email", "firstName", "id", "lastName", "username"], "{item}");
    }
    let whole = send(&world, ADMINISTRATOR, Method::GET, "/Soap/users").await.json();
    assert_eq!(whole["items"][0].as_object().unwrap().len(), 20);
    for query in [
        "order=lastLogin",
        "order=username,-created",
        "zenql=status.suspended=true",
        "zenql=not%20(email=%22x%22%20or%20failedLoginAttempts%3E0)",
        "zenql=username=%22x%22%20order%20by%20lastLogin",
        "zenql=custom.rank=1&cursor=",
    ] {
        let refused = send(&world, ORDINARY, Method::GET, &format!("/Soap/users?{query}")).await;
        let (status, fault) = refused.error();
        let message = fault["message"].as_str().unwrap();
        let is_told = message.starts_with("Managers of a group neither search nor sort its users by '");
        assert!(status == 403 && is_told, "{query}: {message}");
    }
    for query in ["q=ty", "zenql=firstName=%22x%22", "order=-email,lastName&cursor="] {
        assert_eq!(send(&world, ORDINARY, Method::GET, &format!("/Soap/users?{query}")).await.status, 200, "{query}");
    }
}

#[actix_web::test]
async fn an_explanation_shows_every_path() {
    let world = world().await;
    let explained = send(&world, ORDINARY, Method::GET, "/Soap/memberships/tyler").await.json();
    let membership = explained["paths"][0]["membership"].clone();
    let group = |name: &str, of: usize| json!({ "id": explained["paths"][0]["groups"][of]["id"], "name": name });
    let admin = json!({ "id": world.administrator.user.to_string(), "username": "admin" });
    assert_eq!((&membership["addedBy"], &membership["validFrom"]), (&admin, &Value::Null));
    assert_eq!(membership.as_object().unwrap().len(), 4);
    assert_eq!(
        explained,
        json!({ "member": true, "direct": null, "pathCount": 1, "paths": [
            { "groups": [group("Soap", 0), group("Lye", 1)], "membership": membership, "validUntil": null },
        ] })
    );
    let direct = send(&world, ORDINARY, Method::GET, "/Lye/memberships/tyler?limit=1").await.json();
    assert_eq!((&direct["direct"], &direct["paths"][0]["membership"]), (&membership, &membership));
    let none = send(&world, ADMINISTRATOR, Method::GET, "/Team/memberships/tyler").await.json();
    assert_eq!(none, json!({ "member": false, "direct": null, "pathCount": 0, "paths": [] }));
}
