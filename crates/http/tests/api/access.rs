//! Who may call what: a row for every route.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use guildhall_domain::external::IdentityLink;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::ports::{Member, Store, StoreError};
use guildhall_domain::time::Timestamp;
use guildhall_http::routes;

use crate::world::{ADMINISTRATOR, ORDINARY, UNKNOWN, World, by};

/// The path with everything in braces filled in, the body, and the status for: nobody, a token nobody was given, an
/// ordinary user, an administrator.
pub(crate) const ROWS: [(&str, &str, &str, &str, [u16; 4]); 67] = [
    ("GET", "/", "/", "", [200, 200, 200, 200]),
    ("GET", "/api/openapi.json", "/api/openapi.json", "", [200, 200, 200, 200]),
    ("GET", "/docs", "/docs", "", [200, 200, 200, 200]),
    ("GET", "/docs/{asset}", "/docs/start.js", "", [200, 200, 200, 200]),
    ("GET", "/health/live", "/health/live", "", [200, 200, 200, 200]),
    ("GET", "/health/ready", "/health/ready", "", [200, 200, 200, 200]),
    ("POST", "/authenticate/connect/token", "/authenticate/connect/token", "", [400, 400, 400, 400]),
    ("GET", CONFIGURATION, CONFIGURATION, "", [200, 200, 200, 200]),
    ("GET", KEYS, KEYS, "", [200, 200, 200, 200]),
    ("GET", "/api/security/users", "/api/security/users", "", [401, 401, 403, 200]),
    ("POST", "/api/security/users", "/api/security/users", NEW_USER, [401, 401, 403, 201]),
    ("GET", SEARCH, SEARCH, "", [401, 401, 403, 200]),
    ("POST", SEARCH, SEARCH, r#"{"where":[]}"#, [401, 401, 403, 200]),
    ("GET", USER, "/api/security/users/tyler", "", [401, 401, 403, 200]),
    ("PUT", USER, "/api/security/users/tyler", "{}", [401, 401, 403, 200]),
    ("PATCH", USER, "/api/security/users/tyler", "{}", [401, 401, 403, 200]),
    ("DELETE", USER, "/api/security/users/tyler", "", [401, 401, 403, 204]),
    (
        "POST",
        "/api/security/users/{user}/credentials/password",
        "/api/security/users/tyler/credentials/password",
        r#"{"new":"An0ther!One"}"#,
        [401, 401, 403, 200],
    ),
    (
        "POST",
        "/api/security/users/{user}/actions",
        "/api/security/users/tyler/actions",
        r#"{"type":"suspend"}"#,
        [401, 401, 403, 204],
    ),
    ("GET", "/api/security/users/{user}/groups", "/api/security/users/tyler/groups", "", [401, 401, 403, 200]),
    (
        "HEAD",
        "/api/security/users/{user}/groups/{groups}",
        "/api/security/users/tyler/groups/Nothing,Soap",
        "",
        [401, 401, 403, 204],
    ),
    ("GET", IDENTITIES, "/api/security/users/tyler/identities", "", [401, 401, 403, 200]),
    ("DELETE", IDENTITIES, "/api/security/users/tyler/identities", "", [401, 401, 403, 204]),
    ("GET", "/api/security/groups", "/api/security/groups", "", [401, 401, 403, 200]),
    ("POST", "/api/security/groups", "/api/security/groups", r#"{"name":"New"}"#, [401, 401, 403, 201]),
    ("GET", GROUP, "/api/security/groups/Soap", "", [401, 401, 403, 200]),
    ("PUT", GROUP, "/api/security/groups/Soap", r#"{"name":"Lye"}"#, [401, 401, 403, 200]),
    ("DELETE", GROUP, "/api/security/groups/Soap", "", [401, 401, 403, 204]),
    ("GET", "/api/security/groups/{group}/users", "/api/security/groups/Soap/users", "", [401, 401, 403, 200]),
    ("POST", "/api/security/groups/{group}/users", "/api/security/groups/Soap/users", "[]", [401, 401, 403, 204]),
    ("PATCH", USERS, "/api/security/groups/Soap/users", r#"{"add":["tyler"]}"#, [401, 401, 403, 200]),
    ("PUT", MEMBER, "/api/security/groups/Soap/users/tyler", "", [401, 401, 403, 204]),
    ("DELETE", MEMBER, "/api/security/groups/Soap/users/tyler", "", [401, 401, 403, 204]),
    ("HEAD", MEMBER, "/api/security/groups/Soap/users/tyler", "", [401, 401, 403, 204]),
    ("GET", "/api/security/groups/{group}/groups", "/api/security/groups/Soap/groups", "", [401, 401, 403, 200]),
    ("POST", "/api/security/groups/{group}/groups", "/api/security/groups/Soap/groups", "[]", [401, 401, 403, 204]),
    ("PATCH", CHILDREN, "/api/security/groups/Soap/groups", r#"{"set":[]}"#, [401, 401, 403, 200]),
    ("PUT", CHILD, "/api/security/groups/Soap/groups/Technicians", "", [401, 401, 403, 204]),
    ("DELETE", CHILD, "/api/security/groups/Soap/groups/Below", "", [401, 401, 403, 204]),
    ("GET", MEMBERSHIPS, "/api/security/groups/Soap/memberships", "", [401, 401, 403, 200]),
    ("GET", EDGES, "/api/security/groups/Soap/children", "", [401, 401, 403, 200]),
    ("GET", MEMBERSHIPS_OF_USER, "/api/security/users/tyler/memberships", "", [401, 401, 403, 200]),
    ("GET", MANAGED, "/api/security/users/tyler/managedGroups", "", [401, 401, 403, 200]),
    ("GET", MANAGERS, "/api/security/groups/Soap/managers", "", [401, 401, 403, 200]),
    ("PUT", MANAGER, "/api/security/groups/Soap/managers/users/bob", "", [401, 401, 403, 204]),
    ("DELETE", MANAGER, "/api/security/groups/Soap/managers/users/tyler", "", [401, 401, 403, 204]),
    ("PUT", MANAGER_GROUP, "/api/security/groups/Soap/managers/groups/Below", "", [401, 401, 403, 204]),
    ("DELETE", MANAGER_GROUP, "/api/security/groups/Soap/managers/groups/Technicians", "", [401, 401, 403, 204]),
    ("GET", EXPLANATION, "/api/security/groups/Soap/memberships/tyler", "", [401, 401, 403, 200]),
    ("POST", CHECKS, CHECKS, r#"{"checks":[{"user":"tyler","group":"Soap"}]}"#, [401, 401, 403, 200]),
    ("GET", "/api/security/apiKeys", "/api/security/apiKeys", "", [401, 401, 403, 200]),
    ("POST", "/api/security/apiKeys", "/api/security/apiKeys", r#"{"name":"New"}"#, [401, 401, 403, 201]),
    ("GET", API_KEY, "/api/security/apiKeys/Factory", "", [401, 401, 403, 200]),
    ("PUT", API_KEY, "/api/security/apiKeys/Factory", "{}", [401, 401, 403, 200]),
    ("DELETE", API_KEY, "/api/security/apiKeys/Factory", "", [401, 401, 403, 204]),
    ("POST", "/api/security/apiKeys/{key}/secret", "/api/security/apiKeys/Factory/secret", "", [401, 401, 403, 200]),
    ("GET", "/api/security/events", "/api/security/events", "", [401, 401, 403, 200]),
    ("GET", "/api/security/events/head", "/api/security/events/head", "", [401, 401, 403, 200]),
    ("GET", "/api/security/events/{event}", "/api/security/events/Nothing", "", [401, 401, 403, 404]),
    ("GET", "/api/security/webhooks", "/api/security/webhooks", "", [401, 401, 403, 200]),
    ("POST", "/api/security/webhooks", "/api/security/webhooks", NEW_WEBHOOK, [401, 401, 403, 201]),
    ("GET", WEBHOOK, HOOK, "", [401, 401, 403, 200]),
    ("PUT", WEBHOOK, HOOK, r#"{"name":"Other"}"#, [401, 401, 403, 200]),
    ("DELETE", WEBHOOK, HOOK, "", [401, 401, 403, 204]),
    ("POST", "/api/security/webhooks/{webhook}/secret", HOOK_SECRET, "", [401, 401, 403, 200]),
    ("GET", "/api/security/webhooks/{webhook}/deliveries", HOOK_DELIVERIES, "", [401, 401, 403, 200]),
    ("POST", "/api/security/webhooks/{webhook}/actions", HOOK_ACTIONS, r#"{"type":"enable"}"#, [401, 401, 403, 204]),
];

const CONFIGURATION: &str = "/authenticate/.well-known/openid-configuration";
const KEYS: &str = "/authenticate/.well-known/openid-configuration/jwks";
const MEMBERSHIPS: &str = "/api/security/groups/{group}/memberships";
const EDGES: &str = "/api/security/groups/{group}/children";
const MEMBERSHIPS_OF_USER: &str = "/api/security/users/{user}/memberships";
const MANAGED: &str = "/api/security/users/{user}/managedGroups";
const MANAGERS: &str = "/api/security/groups/{group}/managers";
const MANAGER: &str = "/api/security/groups/{group}/managers/users/{user}";
const MANAGER_GROUP: &str = "/api/security/groups/{group}/managers/groups/{manager}";
const EXPLANATION: &str = "/api/security/groups/{group}/memberships/{user}";
const CHECKS: &str = "/api/security/memberships/check";
const API_KEY: &str = "/api/security/apiKeys/{key}";
const WEBHOOK: &str = "/api/security/webhooks/{webhook}";
const HOOK: &str = "/api/security/webhooks/00000000-0000-0000-0000-00000000abcd";
const HOOK_SECRET: &str = "/api/security/webhooks/00000000-0000-0000-0000-00000000abcd/secret";
const HOOK_DELIVERIES: &str = "/api/security/webhooks/00000000-0000-0000-0000-00000000abcd/deliveries";
const HOOK_ACTIONS: &str = "/api/security/webhooks/00000000-0000-0000-0000-00000000abcd/actions";
const NEW_WEBHOOK: &str = r#"{"name":"New","url":"https://hooks.example"}"#;
const SEARCH: &str = "/api/security/users/search";
const USER: &str = "/api/security/users/{user}";
const IDENTITIES: &str = "/api/security/users/{user}/identities";
const GROUP: &str = "/api/security/groups/{group}";
const USERS: &str = "/api/security/groups/{group}/users";
const CHILDREN: &str = "/api/security/groups/{group}/groups";
const CHILD: &str = "/api/security/groups/{group}/groups/{child}";
const MEMBER: &str = "/api/security/groups/{group}/users/{user}";
const NEW_USER: &str = r#"{"email":"new@fightclub.com","credentials":{"password":"pr0j3ctM4yh3m"}}"#;

#[actix_web::test]
async fn every_route_answers_every_caller_as_the_table_says() {
    for route in routes() {
        let row = ROWS.iter().find(|row| (row.0, row.1) == (route.method().as_str(), route.template()));
        let Some((_, template, path, body, expected)) = row else {
            panic!("{} {} has no row", route.method(), route.template());
        };
        let request = |token| match token {
            Some(token) => by(token, route.method().clone(), path).set_payload(*body),
            None => TestRequest::with_uri(path).method(route.method().clone()).set_payload(*body),
        };
        for (token, expected) in [None, Some(UNKNOWN), Some(ORDINARY), Some(ADMINISTRATOR)].into_iter().zip(expected) {
            let answer = world_of_the_table().send(request(token)).await;
            assert_eq!(answer.status, *expected, "{} {template} by {token:?}: {}", route.method(), answer.body);
        }
    }
    assert_eq!(routes().len(), ROWS.len(), "a row has no route");
}

#[actix_web::test]
async fn whoever_has_no_token_of_ours_is_nobody() {
    let world = world_of_the_table();
    for token in ["", " ", "unknown", "ordinary x"] {
        assert_eq!(world.send(by(token, Method::GET, "/api/security/groups/Soap")).await.status, 401, "{token}");
    }
}

#[actix_web::test]
async fn whoever_may_not_check_memberships_is_not_told_what_exists() {
    let world = world_of_the_table();
    for user in ["tyler", "admin", "nobody", "tyler@fightclub.com", "75490b0f-56f7-4690-a20a-6f2a822f1d3f"] {
        for group in ["Soap", "Nothing", "Soap,Nothing", "75490b0f-56f7-4690-a20a-6f2a822f1d3f", ","] {
            for path in [
                format!("/api/security/groups/{group}/users/{user}"),
                format!("/api/security/users/{user}/groups/{group}"),
            ] {
                assert_eq!(world.send(by(ORDINARY, Method::HEAD, &path)).await.bare(), 403, "{path}");
                assert_eq!(world.send(by(UNKNOWN, Method::HEAD, &path)).await.bare(), 401, "{path}");
            }
        }
    }
}

#[actix_web::test]
async fn anybody_may_ask_about_their_own_membership() {
    let world = world_of_the_table();
    for (path, expected) in [
        ("/api/security/groups/Soap/users/@current", 404),
        ("/api/security/groups/Everyone/users/@current", 204),
        ("/api/security/groups/CMS%20Editors/users/bob", 204),
        ("/api/security/groups/Nothing/users/bob", 404),
        ("/api/security/groups/Nothing/users/tyler", 403),
        ("/api/security/groups/Nothing/users/nobody", 403),
    ] {
        assert_eq!(world.send(by(ORDINARY, Method::HEAD, path)).await.bare(), expected, "{path}");
    }
}

/// A world in which the requests of the table succeed.
pub(crate) fn world_of_the_table() -> World {
    let world = World::new();
    world.add_group("Soap");
    world.add_api_key("Factory");
    world.add_group("Technicians");
    let link = IdentityLink {
        issuer: "https://id.example".to_owned(),
        subject: "tyler".to_owned(),
        user: world.add_user("tyler"),
        linked: Timestamp::from_milliseconds(0),
        latest_token: None,
    };
    let store: &dyn Store = &*world.store;
    store.write::<_, StoreError>(|directory| directory.insert_identity(&link)).unwrap();
    let (group, user) = (GroupIdentifier::from("Soap"), UserIdentifier::from("tyler"));
    world.directory.add_member(&world.by(&world.administrator), &group, &user).unwrap();
    world.add_webhook("00000000-0000-0000-0000-00000000abcd");
    world.add_group("Below");
    world.directory.add_child(&world.by(&world.administrator), &group, &GroupIdentifier::from("Below")).unwrap();
    let technicians = GroupIdentifier::from("Technicians");
    for manager in [Member::User(&user), Member::Group(&technicians)] {
        world.directory.appoint_manager(&world.by(&world.administrator), &group, manager).unwrap();
    }
    world
}
