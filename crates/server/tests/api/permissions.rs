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
const CALLERS: [&str; 12] = [
    "nobody",
    "oneself",
    "another user",
    "a User Administrator",
    "a Group Administrator",
    "an API Key Administrator",
    "a System Administrator",
    "a System Administrator by inheritance",
    "a suspended administrator",
    "a manager",
    "a manager by a group",
    "a manager of a group above",
];

fn expected(endpoint: &Endpoint, delegated: bool) -> [u16; 12] {
    let [users, groups] = if delegated { endpoint.delegated } else { [endpoint.by_another; 2] };
    let keys = if endpoint.template.starts_with("/apiKeys") { endpoint.done } else { endpoint.by_another };
    let [of_group, of_above] = endpoint.by_managers;
    let done = endpoint.done;
    let others = [401, endpoint.about_oneself, endpoint.by_another, users, groups, keys, done, done, 401];
    let managers = [of_group, of_group, of_above];
    std::array::from_fn(|caller| *others.iter().chain(&managers).nth(caller).unwrap())
}

async fn every_endpoint_answers_every_kind_of_caller_as_the_table_says(kind: Kind) {
    table(&TestApp::on(kind).await, false).await;
}

async fn every_endpoint_answers_delegates_as_the_table_says(kind: Kind) {
    table(&delegating(kind).await, true).await;
}

pub(crate) async fn delegating(kind: Kind) -> TestApp {
    Setup::on(kind).await.with("GUILDHALL_AUTHORIZATION__DELEGATED_ADMINISTRATION", "true").start()
}

async fn table(app: &TestApp, delegated: bool) {
    let mut scene = Scene::new(app, 12 * u32::try_from(ENDPOINTS.len()).unwrap()).await;
    let admin = Client::admin(app);
    for name in [
        "another",
        "users-delegate",
        "groups-delegate",
        "keys-admin",
        "second",
        "inheriting",
        "suspended",
        "manager",
        "in-team",
        "above",
    ] {
        admin.create_user(name).await;
    }
    admin.create_group("Lieutenants", &["inheriting"], &[]).await;
    admin.create_group("Squad", &["in-team"], &[]).await;
    admin.create_group("Team", &[], &["Squad"]).await;
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
    let [manager, in_team, above] = ["manager", "in-team", "above"].map(|name| Client::of(app, name));
    let [second, inheriting, suspended] = ["second", "inheriting", "suspended"].map(|name| Client::of(app, name));
    assert_eq!(suspended.status("GET", "/groups").await, 200);
    admin.send_with("POST", "/users/suspended/actions", &json!({ "type": "suspend" })).await.is(204);

    let mut wrong = Vec::new();
    for endpoint in &ENDPOINTS {
        for (caller, status) in CALLERS.into_iter().zip(expected(endpoint, delegated)) {
            let target = scene.next().await;
            match caller {
                "a manager" => target.appoint(&admin, "users/manager").await,
                "a manager by a group" => target.appoint(&admin, "groups/Team").await,
                "a manager of a group above" => target.appoint_above(&admin, "users/above").await,
                _ => {}
            }
            let oneself = if caller == "oneself" { Some(Client::of(app, &target.user)) } else { None };
            let client = match caller {
                "another user" => &another,
                "a User Administrator" => &users,
                "a Group Administrator" => &groups,
                "an API Key Administrator" => &keys,
                "a System Administrator by inheritance" => &inheriting,
                "a suspended administrator" => &suspended,
                "a manager" => &manager,
                "a manager by a group" => &in_team,
                "a manager of a group above" => &above,
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
pub(crate) fn requests_about(user: &str) -> Vec<(&'static str, String, Value)> {
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

pub(crate) async fn answer(client: &Client<'_>, (method, path, body): &(&str, String, Value)) -> u16 {
    if body.is_null() { client.status(method, path).await } else { client.send_with(method, path, body).await.status }
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
