//! Who may do what: every endpoint, asked by every kind of caller.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{Setup, TestApp};
use crate::client::Client;
use crate::database::Kind;
use crate::endpoints::{ENDPOINTS, Endpoint, Scene};

on_both_databases! {
    every_endpoint_answers_every_kind_of_caller_as_the_table_says,
    every_endpoint_answers_delegates_as_the_table_says,
    user_administrators_keep_their_hands_off_system_administrators,
    group_administrators_keep_their_hands_off_the_groups_that_administer,
    delegates_ask_about_system_administrators_as_far_as_their_powers_go,
    delegates_are_ordinary_users_unless_administration_is_delegated,
}

#[test]
fn every_route_of_the_api_has_a_row() {
    let rows = |method: &str, template: &str| {
        ENDPOINTS.iter().filter(|row| row.method == method && row.template == template).count()
    };
    for route in guildhall_http::routes() {
        if let Some(template) = route.template().strip_prefix(crate::app::API) {
            assert!(rows(route.method().as_str(), template) > 0, "{} {template} has no row", route.method());
        }
    }
}

/// The kinds of caller, in the order of the statuses that [`expected`] says.
const CALLERS: [&str; 9] = [
    "nobody",
    "oneself",
    "another user",
    "a User Administrator",
    "a Group Administrator",
    "an API Key Administrator",
    "a System Administrator",
    "a System Administrator by inheritance",
    "a suspended administrator",
];

fn expected(endpoint: &Endpoint, delegated: bool) -> [u16; 9] {
    let [users, groups] = if delegated { endpoint.delegated } else { [endpoint.by_another; 2] };
    let keys = if endpoint.template.starts_with("/apiKeys") { endpoint.done } else { endpoint.by_another };
    [401, endpoint.about_oneself, endpoint.by_another, users, groups, keys, endpoint.done, endpoint.done, 401]
}

async fn every_endpoint_answers_every_kind_of_caller_as_the_table_says(kind: Kind) {
    table(&TestApp::on(kind).await, false).await;
}

async fn every_endpoint_answers_delegates_as_the_table_says(kind: Kind) {
    table(&delegating(kind).await, true).await;
}

async fn delegating(kind: Kind) -> TestApp {
    Setup::on(kind).await.with("GUILDHALL_AUTHORIZATION__DELEGATED_ADMINISTRATION", "true").start()
}

async fn table(app: &TestApp, delegated: bool) {
    let mut scene = Scene::new(app, 9 * 35).await;
    let admin = Client::admin(app);
    for name in ["another", "users-delegate", "groups-delegate", "keys-admin", "second", "inheriting", "suspended"] {
        admin.create_user(name).await;
    }
    admin.create_group("Lieutenants", &["inheriting"], &[]).await;
    for membership in [
        "/groups/User Administrators/users/users-delegate",
        "/groups/Group Administrators/users/groups-delegate",
        "/groups/API Key Administrators/users/keys-admin",
        "/groups/System Administrators/users/second",
        "/groups/System Administrators/groups/Lieutenants",
        "/groups/System Administrators/users/suspended",
    ] {
        admin.send("PUT", membership).await.is(204);
    }
    let [another, users, groups, keys] =
        ["another", "users-delegate", "groups-delegate", "keys-admin"].map(|name| Client::of(app, name));
    let [second, inheriting, suspended] = ["second", "inheriting", "suspended"].map(|name| Client::of(app, name));
    assert_eq!(suspended.status("GET", "/groups").await, 200);
    admin.send_with("POST", "/users/suspended/actions", &json!({ "type": "suspend" })).await.is(204);

    let mut wrong = Vec::new();
    for endpoint in &ENDPOINTS {
        for (caller, status) in CALLERS.into_iter().zip(expected(endpoint, delegated)) {
            let target = scene.next().await;
            let oneself = if caller == "oneself" { Some(Client::of(app, &target.user)) } else { None };
            let client = match caller {
                "another user" => &another,
                "a User Administrator" => &users,
                "a Group Administrator" => &groups,
                "an API Key Administrator" => &keys,
                "a System Administrator by inheritance" => &inheriting,
                "a suspended administrator" => &suspended,
                _ => oneself.as_ref().unwrap_or(&second),
            };
            let mut request = target.request(client, endpoint).build().unwrap();
            if caller == "nobody" {
                request.headers_mut().remove("authorization");
            }
            let answer = Answer::to(reqwest::RequestBuilder::from_parts(app.client.clone(), request)).await;
            if answer.status != status {
                let (method, path) = (endpoint.method, endpoint.template);
                wrong.push(format!("{method} {path} by {caller}: {} instead of {status}", answer.status));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "where administration is delegated: {delegated}");
}

/// What may be asked of a user, with a body.
fn requests_about(user: &str) -> Vec<(&'static str, String, Value)> {
    vec![
        ("GET", format!("/users/{user}"), Value::Null),
        ("GET", format!("/users/{user}/groups"), Value::Null),
        ("PUT", format!("/users/{user}"), json!({ "firstName": "Robert" })),
        ("PATCH", format!("/users/{user}"), json!({ "email": "mine@fightclub.com" })),
        ("POST", format!("/users/{user}/credentials/password"), json!({ "new": "An0ther!One" })),
        ("POST", format!("/users/{user}/actions"), json!({ "type": "forcePasswordReset" })),
        ("POST", format!("/users/{user}/actions"), json!({ "type": "suspend" })),
        ("DELETE", format!("/users/{user}"), Value::Null),
    ]
}

async fn answer(client: &Client<'_>, (method, path, body): &(&str, String, Value)) -> u16 {
    if body.is_null() { client.status(method, path).await } else { client.send_with(method, path, body).await.status }
}

async fn user_administrators_keep_their_hands_off_system_administrators(kind: Kind) {
    let app = delegating(kind).await;
    let admin = Client::admin(&app);
    for name in ["delegate", "direct", "inheriting", "marla"] {
        admin.create_user(name).await;
    }
    admin.create_group("Lieutenants", &["inheriting"], &[]).await;
    admin.send("PUT", "/groups/User Administrators/users/delegate").await.is(204);
    admin.send("PUT", "/groups/System Administrators/users/direct").await.is(204);
    admin.send("PUT", "/groups/System Administrators/groups/Lieutenants").await.is(204);
    let delegate = Client::of(&app, "delegate");
    for user in ["direct", "inheriting"] {
        let before = admin.get(&format!("/users/{user}")).await;
        for request in requests_about(user) {
            assert_eq!(answer(&delegate, &request).await, 403, "{request:?}");
        }
        assert_eq!(admin.get(&format!("/users/{user}")).await, before);
    }
    for request in requests_about("marla") {
        assert!(matches!(answer(&delegate, &request).await, 200 | 204), "{request:?}");
    }
    let domains = json!({ "name": "Generals", "autoMembershipEmailDomains": ["mayhem.org"] });
    let generals = admin.create("/groups", &domains).await;
    admin.send("PUT", &format!("/groups/System Administrators/groups/{generals}")).await.is(204);
    let credentials = json!({ "password": "F1ghtC1ub1234!" });
    let general = json!({ "email": "general@mayhem.org", "credentials": credentials });
    delegate.send_with("POST", "/users", &general).await.is(403);
    assert_eq!(admin.status("GET", "/users/general@mayhem.org").await, 404);
}

async fn group_administrators_keep_their_hands_off_the_groups_that_administer(kind: Kind) {
    let app = delegating(kind).await;
    let admin = Client::admin(&app);
    for name in ["delegate", "marla"] {
        admin.create_user(name).await;
    }
    let marla = admin.get("/users/marla").await["id"].clone();
    admin.create_group("Deep", &[], &[]).await;
    admin.create_group("Lieutenants", &["admin"], &["Deep"]).await;
    admin.send("PUT", "/groups/System Administrators/groups/Lieutenants").await.is(204);
    admin.send("PUT", "/groups/Group Administrators/users/delegate").await.is(204);
    let delegate = Client::of(&app, "delegate");
    let ordinary = delegate.create("/groups", &json!({ "name": "Ordinary" })).await;
    let above = delegate.create("/groups", &json!({ "name": "Above" })).await;
    admin.send("PUT", &format!("/groups/{above}/groups/System Administrators")).await.is(204);
    for group in ["System Administrators", "User Administrators", "Group Administrators", "Lieutenants", "Deep"] {
        for (method, path, body) in [
            ("PUT", format!("/groups/{group}/users/marla"), Value::Null),
            ("POST", format!("/groups/{group}/users"), json!([marla])),
            ("DELETE", format!("/groups/{group}/users/admin"), Value::Null),
            ("PUT", format!("/groups/{group}/groups/{ordinary}"), Value::Null),
            ("POST", format!("/groups/{group}/groups"), json!([ordinary])),
            ("DELETE", format!("/groups/{group}/groups/Lieutenants"), Value::Null),
        ] {
            let request = (method, path, body);
            assert_eq!(answer(&delegate, &request).await, 403, "{request:?}");
        }
    }
    for group in ["System Administrators", "User Administrators", "Group Administrators", "Above"] {
        let id = admin.get(&format!("/groups/{group}")).await["id"].clone();
        assert_eq!(delegate.status("PUT", &format!("/groups/{ordinary}/groups/{group}")).await, 403, "{group}");
        let many = format!("/groups/{ordinary}/groups");
        assert_eq!(delegate.send_with("POST", &many, &json!([id])).await.status, 403, "{group}");
    }
    assert_eq!(admin.get(&format!("/groups/{ordinary}")).await["childGroupCount"], 0);
    delegate.send("PUT", &format!("/groups/{ordinary}/users/marla")).await.is(204);
    delegate.send("DELETE", &format!("/groups/{ordinary}")).await.is(204);
}

async fn delegates_ask_about_system_administrators_as_far_as_their_powers_go(kind: Kind) {
    let app = delegating(kind).await;
    let admin = Client::admin(&app);
    for (name, group) in [("users-delegate", "User Administrators"), ("groups-delegate", "Group Administrators")] {
        admin.create_user(name).await;
        admin.send("PUT", &format!("/groups/{group}/users/{name}")).await.is(204);
    }
    let [users, groups] = [Client::of(&app, "users-delegate"), Client::of(&app, "groups-delegate")];
    let mut answers = Vec::new();
    for (method, path) in [
        ("GET", "/users/admin"),
        ("GET", "/users/admin/groups"),
        ("HEAD", "/users/admin/groups/Everyone"),
        ("HEAD", "/groups/Everyone/users/admin"),
    ] {
        answers.push((method, path, users.status(method, path).await, groups.status(method, path).await));
    }
    assert_eq!(
        answers,
        [
            ("GET", "/users/admin", 403, 200),
            ("GET", "/users/admin/groups", 403, 200),
            ("HEAD", "/users/admin/groups/Everyone", 403, 204),
            ("HEAD", "/groups/Everyone/users/admin", 204, 204),
        ]
    );
}

async fn delegates_are_ordinary_users_unless_administration_is_delegated(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("marla").await;
    admin.create_user("delegate").await;
    for group in ["User Administrators", "Group Administrators"] {
        admin.send("PUT", &format!("/groups/{group}/users/delegate")).await.is(204);
    }
    let delegate = Client::of(&app, "delegate");
    for request in requests_about("marla") {
        assert_eq!(answer(&delegate, &request).await, 403, "{request:?}");
    }
    for path in ["/users", "/groups", "/groups/Everyone/users"] {
        assert_eq!(delegate.status("GET", path).await, 403, "{path}");
    }
}
