//! Every endpoint below `/api/security`, what a request to each needs, and who may send it.

use std::time::UNIX_EPOCH;

use guildhall_domain::time::Timestamp;
use reqwest::RequestBuilder;
use serde_json::json;

use crate::app::TestApp;
use crate::client::Client;
use crate::database::user_id;

/// An endpoint, with a request that succeeds for a System Administrator.
#[derive(Clone, Copy)]
pub(crate) struct Endpoint {
    pub(crate) method: &'static str,
    /// Below `/api/security`, as the table of routes has it.
    pub(crate) template: &'static str,
    path: &'static str,
    body: &'static str,
    /// The status for a System Administrator.
    pub(crate) done: u16,
    /// The status for the user whom it is about.
    pub(crate) about_oneself: u16,
    /// The status for another user without any powers.
    pub(crate) by_another: u16,
    /// The status for a User Administrator and for a Group Administrator, where administration is delegated.
    pub(crate) delegated: [u16; 2],
    /// The status for managers of the group and of the other one, and for managers of a group above both.
    pub(crate) by_managers: [u16; 2],
}

const fn endpoint(
    (method, template): (&'static str, &'static str),
    (path, body): (&'static str, &'static str),
    done: u16,
    about_oneself: u16,
    delegated: [u16; 2],
) -> Endpoint {
    Endpoint { method, template, path, body, done, about_oneself, by_another: 403, delegated, by_managers: [403; 2] }
}

/// The same, where managers may do it on their groups and on those below.
const fn managed(endpoint: Endpoint) -> Endpoint {
    Endpoint { by_managers: [endpoint.done; 2], ..endpoint }
}

const NEW_USER: &str = r#"{"email":"new{number}@fightclub.com","credentials":{"password":"F1ghtC1ub1234!"}}"#;
const NEW_PASSWORD: &str = r#"{"new":"An0ther!One","existing":"F1ghtC1ub1234!"}"#;
const IDENTITIES: &str = "/users/{user}/identities";
const GROUP: &str = "/groups/{group}";
const USERS: &str = "/groups/{group}/users";
const MEMBER: &str = "/groups/{group}/users/{user}";
const CHILDREN: &str = "/groups/{group}/groups";
const CHILD: &str = "/groups/{group}/groups/{child}";
const MEMBERSHIPS: &str = "/groups/{group}/memberships";
const EDGES: &str = "/groups/{group}/children";
const MEMBERSHIPS_OF_USER: &str = "/users/{user}/memberships";
const MANAGED: &str = "/users/{user}/managedGroups";
const MANAGERS: &str = "/groups/{group}/managers";
const MANAGER: &str = "/groups/{group}/managers/users/{user}";
const MANAGER_GROUP: &str = "/groups/{group}/managers/groups/{manager}";
const EXPLANATION: &str = "/groups/{group}/memberships/{user}";
const CHECKS: &str = "/memberships/check";
const SOME_CHECKS: &str = r#"{"checks":[{"user":"{user}","group":"{group}"},{"user":"{user}","group":"nothing"}]}"#;
const API_KEY: &str = "/apiKeys/{key}";
const WEBHOOK: &str = "/webhooks/{webhook}";
const WEBHOOK_ACTIONS: &str = "/webhooks/{webhook}/actions";
const NEW_WEBHOOK: &str = r#"{"name":"New {number}","url":"https://hooks.example","enabled":false}"#;

/// The rows of the two tables of endpoints, searching and API keys.
pub(crate) const ENDPOINTS: [Endpoint; 63] = [
    endpoint(("GET", "/users"), ("/users", ""), 200, 403, [200, 200]),
    endpoint(("POST", "/users"), ("/users", NEW_USER), 201, 403, [201, 403]),
    endpoint(("GET", "/users/search"), ("/users/search", ""), 200, 403, [200, 200]),
    endpoint(("POST", "/users/search"), ("/users/search", r#"{"where":[]}"#), 200, 403, [200, 200]),
    endpoint(("GET", "/users/{user}"), ("/users/{user}", ""), 200, 200, [200, 200]),
    Endpoint {
        by_another: 200,
        by_managers: [200; 2],
        ..endpoint(("GET", "/users/{user}"), ("/users/@current", ""), 200, 200, [200, 200])
    },
    endpoint(("PUT", "/users/{user}"), ("/users/{user}", r#"{"firstName":"Robert"}"#), 200, 200, [200, 403]),
    endpoint(("PATCH", "/users/{user}"), ("/users/{user}", r#"{"lastName":"Paulson"}"#), 200, 200, [200, 403]),
    endpoint(("DELETE", "/users/{user}"), ("/users/{user}", ""), 204, 204, [204, 403]),
    endpoint(
        ("POST", "/users/{user}/credentials/password"),
        ("/users/{user}/credentials/password", NEW_PASSWORD),
        200,
        200,
        [200, 403],
    ),
    endpoint(
        ("POST", "/users/{user}/actions"),
        ("/users/{user}/actions", r#"{"type":"suspend"}"#),
        204,
        403,
        [204, 403],
    ),
    endpoint(("GET", "/users/{user}/groups"), ("/users/{user}/groups", ""), 200, 200, [200, 200]),
    endpoint(("GET", "/users/{user}/groups"), ("/users/{user}/groups?asOf={now}", ""), 200, 200, [200, 200]),
    endpoint(
        ("HEAD", "/users/{user}/groups/{groups}"),
        ("/users/{user}/groups/{other},{group}", ""),
        204,
        204,
        [204, 204],
    ),
    endpoint(("GET", IDENTITIES), (IDENTITIES, ""), 200, 403, [200, 200]),
    endpoint(("DELETE", IDENTITIES), (IDENTITIES, ""), 204, 403, [204, 403]),
    endpoint(("GET", "/groups"), ("/groups", ""), 200, 403, [200, 200]),
    endpoint(("POST", "/groups"), ("/groups", r#"{"name":"New {number}"}"#), 201, 403, [403, 201]),
    managed(endpoint(
        ("POST", "/groups"),
        ("/groups?parent={group}", r#"{"name":"New below {number}"}"#),
        201,
        403,
        [403, 201],
    )),
    managed(endpoint(("GET", GROUP), (GROUP, ""), 200, 403, [200, 200])),
    Endpoint {
        by_managers: [403, 200],
        ..endpoint(("PUT", GROUP), (GROUP, r#"{"name":"Renamed {number}"}"#), 200, 403, [403, 200])
    },
    endpoint(("DELETE", GROUP), (GROUP, ""), 204, 403, [403, 204]),
    managed(endpoint(("GET", USERS), (USERS, ""), 200, 403, [200, 200])),
    managed(endpoint(("GET", USERS), ("/groups/{group}/users?asOf={now}", ""), 200, 403, [200, 200])),
    managed(endpoint(("POST", USERS), ("/groups/{other}/users", r#"["{user}"]"#), 204, 403, [403, 204])),
    managed(endpoint(("PATCH", USERS), (USERS, r#"{"set":["{user}","admin"]}"#), 200, 403, [403, 200])),
    managed(endpoint(("PUT", MEMBER), ("/groups/{other}/users/{user}", ""), 204, 403, [403, 204])),
    managed(endpoint(("DELETE", MEMBER), (MEMBER, ""), 204, 403, [403, 204])),
    managed(endpoint(("HEAD", MEMBER), (MEMBER, ""), 204, 204, [204, 204])),
    managed(endpoint(("GET", CHILDREN), (CHILDREN, ""), 200, 403, [200, 200])),
    managed(endpoint(("POST", CHILDREN), (CHILDREN, r#"["{other}"]"#), 204, 403, [403, 204])),
    managed(endpoint(("PATCH", CHILDREN), (CHILDREN, r#"{"set":["{other}"]}"#), 200, 403, [403, 200])),
    managed(endpoint(("PUT", CHILD), ("/groups/{group}/groups/{other}", ""), 204, 403, [403, 204])),
    managed(endpoint(("DELETE", CHILD), (CHILD, ""), 204, 403, [403, 204])),
    managed(endpoint(("GET", MEMBERSHIPS), (MEMBERSHIPS, ""), 200, 403, [200, 200])),
    managed(endpoint(("GET", EDGES), (EDGES, ""), 200, 403, [200, 200])),
    endpoint(("GET", MEMBERSHIPS_OF_USER), (MEMBERSHIPS_OF_USER, ""), 200, 200, [200, 200]),
    endpoint(("GET", MANAGED), (MANAGED, ""), 200, 200, [403, 403]),
    endpoint(("GET", MANAGERS), (MANAGERS, ""), 200, 403, [403, 403]),
    endpoint(("PUT", MANAGER), (MANAGER, ""), 204, 403, [403, 403]),
    endpoint(("DELETE", MANAGER), ("/groups/{group}/managers/users/original", ""), 204, 403, [403, 403]),
    endpoint(("PUT", MANAGER_GROUP), ("/groups/{group}/managers/groups/{other}", ""), 204, 403, [403, 403]),
    endpoint(("DELETE", MANAGER_GROUP), ("/groups/{group}/managers/groups/{child}", ""), 204, 403, [403, 403]),
    managed(endpoint(("GET", EXPLANATION), (EXPLANATION, ""), 200, 200, [403, 403])),
    managed(endpoint(
        ("GET", EXPLANATION),
        ("/groups/{group}/memberships/{user}?asOf={now}", ""),
        200,
        200,
        [403, 403],
    )),
    endpoint(("POST", CHECKS), (CHECKS, SOME_CHECKS), 200, 200, [403, 403]),
    endpoint(("GET", "/apiKeys"), ("/apiKeys", ""), 200, 403, [403, 403]),
    endpoint(("POST", "/apiKeys"), ("/apiKeys", r#"{"name":"New key {number}"}"#), 201, 403, [403, 403]),
    endpoint(("GET", API_KEY), (API_KEY, ""), 200, 403, [403, 403]),
    endpoint(("PUT", API_KEY), (API_KEY, r#"{"name":"Renamed {number}"}"#), 200, 403, [403, 403]),
    endpoint(("DELETE", API_KEY), (API_KEY, ""), 204, 403, [403, 403]),
    endpoint(("POST", "/apiKeys/{key}/secret"), ("/apiKeys/{key}/secret", ""), 200, 403, [403, 403]),
    endpoint(("GET", "/events"), ("/events", ""), 200, 403, [403, 403]),
    endpoint(("GET", "/events/head"), ("/events/head", ""), 200, 403, [403, 403]),
    endpoint(("GET", "/events/{event}"), ("/events/{group}", ""), 404, 403, [403, 403]),
    endpoint(("GET", "/webhooks"), ("/webhooks", ""), 200, 403, [403, 403]),
    endpoint(("POST", "/webhooks"), ("/webhooks", NEW_WEBHOOK), 201, 403, [403, 403]),
    endpoint(("GET", WEBHOOK), (WEBHOOK, ""), 200, 403, [403, 403]),
    endpoint(("PUT", WEBHOOK), (WEBHOOK, r#"{"name":"Renamed {number}"}"#), 200, 403, [403, 403]),
    endpoint(("DELETE", WEBHOOK), (WEBHOOK, ""), 204, 403, [403, 403]),
    endpoint(("POST", "/webhooks/{webhook}/secret"), ("/webhooks/{webhook}/secret", ""), 200, 403, [403, 403]),
    endpoint(("GET", "/webhooks/{webhook}/deliveries"), ("/webhooks/{webhook}/deliveries", ""), 200, 403, [403, 403]),
    endpoint(("POST", WEBHOOK_ACTIONS), (WEBHOOK_ACTIONS, r#"{"type":"replay","after":0}"#), 204, 403, [403, 403]),
];

/// Gives every request users and groups of its own.
pub(crate) struct Scene<'a> {
    app: &'a TestApp,
    admin: Client<'a>,
    number: u32,
}

/// A user, the group they are in, a child of that group, and a group, an API key and a webhook that have nothing to do with them. The group is managed by the
/// user `original` and by the child.
pub(crate) struct Target {
    pub(crate) user: String,
    group: String,
    child: String,
    other: String,
    key: String,
    webhook: String,
    number: u32,
}

impl<'a> Scene<'a> {
    /// Room for so many targets, whose users have the password of all users.
    pub(crate) async fn new(app: &'a TestApp, targets: u32) -> Self {
        let admin = Client::admin(app);
        admin.create_user("original").await;
        app.setup.database.insert_users(targets);
        app.setup.database.execute(
            "UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE username_key = 'original')
             WHERE password_hash IS NULL",
        );
        app.setup.database.execute(
            "INSERT INTO identities (issuer, subject, user_id, linked) SELECT 'https://id.example', username, id, 0 FROM users",
        );
        Self { app, admin, number: 0 }
    }

    /// The next target.
    pub(crate) async fn next(&mut self) -> Target {
        let (admin, number) = (&self.admin, self.number);
        self.number += 1;
        let user = user_id(number);
        let child = admin.create_group(&format!("Child {number}"), &[], &[]).await;
        let group = admin.create_group(&format!("Group {number}"), &[&user], &[&child]).await;
        let other = admin.create_group(&format!("Other {number}"), &[], &[]).await;
        for manager in ["users/original".to_owned(), format!("groups/{child}")] {
            admin.send("PUT", &format!("/groups/{group}/managers/{manager}")).await.is(204);
        }
        let key = admin.create("/apiKeys", &json!({ "name": format!("Key {number}") })).await;
        // There may be a hundred.
        self.app
            .setup
            .database
            .execute("DELETE FROM webhooks WHERE id NOT IN (SELECT id FROM webhooks ORDER BY id DESC LIMIT 40)");
        let hook = json!({ "name": format!("Hook {number}"), "url": "https://hooks.example/in", "enabled": false });
        let webhook = admin.create("/webhooks", &hook).await;
        Target { user, group, child, other, key, webhook, number }
    }
}

impl Target {
    /// Makes `manager`, `users/` and a name or `groups/` and a name, a manager of the group and of the other one.
    pub(crate) async fn appoint(&self, admin: &Client<'_>, manager: &str) {
        for group in [&self.group, &self.other] {
            admin.send("PUT", &format!("/groups/{group}/managers/{manager}")).await.is(204);
        }
    }

    /// Makes `manager` a manager of a group above both.
    pub(crate) async fn appoint_above(&self, admin: &Client<'_>, manager: &str) {
        let above = admin.create_group(&format!("Above {}", self.number), &[], &[&self.group, &self.other]).await;
        admin.send("PUT", &format!("/groups/{above}/managers/{manager}")).await.is(204);
    }

    /// The endpoint's request, about this target.
    pub(crate) fn request(&self, client: &Client<'_>, endpoint: &Endpoint) -> RequestBuilder {
        let path = self.fill(endpoint.path);
        if endpoint.body.is_empty() {
            return client.request(endpoint.method, &path);
        }
        let body = serde_json::from_str(&self.fill(endpoint.body)).unwrap();
        client.request_with(endpoint.method, &path, &body)
    }

    fn fill(&self, text: &str) -> String {
        text.replace("{user}", &self.user)
            .replace("{group}", &self.group)
            .replace("{child}", &self.child)
            .replace("{other}", &self.other)
            .replace("{key}", &self.key)
            .replace("{webhook}", &self.webhook)
            .replace("{number}", &self.number.to_string())
            .replace("{now}", &Timestamp::from_milliseconds(0).plus(UNIX_EPOCH.elapsed().unwrap()).to_string())
    }
}
