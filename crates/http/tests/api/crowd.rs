//! People and groups to search through, on Wednesday, 2026-03-18, at noon.

use actix_web::http::Method;
use guildhall_domain::access::{Actor, Policy, Scopes};
use guildhall_domain::external::{ExternalIdentity, Trust};
use guildhall_domain::group::{GroupDraft, GroupId};
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::LockoutPolicy;
use serde_json::{Value, json};

use crate::world::{ADMINISTRATOR, Answer, World, by};

pub(crate) const USERS: &str = "/api/security/users";
pub(crate) const GROUPS: &str = "/api/security/groups";
pub(crate) const SEARCH: &str = "/api/security/users/search";
/// Everybody, in their usual order.
pub(crate) const EVERYBODY: &str = "!! New key, admin, angel, bob, Geoff, jack, lou, marla, raymond, tdurden";

/// | Who | Names | Created | What is special |
/// |---|---|---|---|
/// | `!! New key` | | 2026-01-02 | an API key |
/// | `admin` | | 2026-01-02 | System Administrator |
/// | `angel` | Angel Face | 2026-03-12 | French, must reset their password, wants no notifications, typed it wrong on 2026-03-16 |
/// | `bob` | | 2026-01-02 | nothing |
/// | `Geoff` | Geoff | 2025-12-20 | suspended |
/// | `jack` | "" "" | 2026-02-10 | expired on 2026-03-17 |
/// | `lou` | | 2026-02-20 | locked since 2026-03-10 |
/// | `marla` | Marla Singer | 2026-02-01 | changed on 2026-03-16 |
/// | `raymond` | Raymond Hessel | 2026-03-17 | external, signed in at 07:00 |
/// | `tdurden` | Tyler Durden | 2026-03-15 | signed in on 2026-03-17 at 08:00 |
pub(crate) async fn crowd() -> World {
    let world = World::new();
    world.add_api_key("!! New key");
    for (created, username, more) in [
        ("2025-12-20", "Geoff", json!({ "firstName": "Geoff" })),
        ("2026-02-01T09:00", "marla", json!({ "firstName": "Marla", "lastName": "Singer", "custom": { "level": 2 } })),
        ("2026-02-10", "jack", json!({ "firstName": "", "lastName": "", "expiry": "2026-03-17" })),
        ("2026-02-20", "lou", json!({ "language": "de" })),
        (
            "2026-03-12",
            "angel",
            json!({
                "firstName": "Angel", "lastName": "Face", "language": "fr-FR", "optOutOfNotifications": true,
            }),
        ),
        (
            "2026-03-15T10:00",
            "tdurden",
            json!({
                "email": "t.durden@fightclub.com", "firstName": "Tyler", "lastName": "Durden",
                "custom": { "department": "Soap", "Department": "Lye", "level": "1.50", "vip": true },
                "timezone": "America/New_York",
            }),
        ),
    ] {
        world.is(&format!("{created}{}", if created.contains('T') { ":00Z" } else { "" }));
        let mut user = json!({
            "username": username, "email": format!("{username}@example.com"), "credentials": { "password": "pr0j3ctM4yh3m" },
        });
        user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let path = if username == "angel" { "?forcePasswordReset=true" } else { "" };
        let answer = world.post(&format!("{USERS}{path}"), &user.to_string()).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    let sign_in = |name: &str, password: &str| {
        let context = world.by(Actor::Anonymous);
        world.directory.sign_in(&context, name, password.to_owned(), &Scopes::all()).is_ok()
    };
    world.is("2026-03-10");
    let for_ever = LockoutPolicy { duration: 0, ..LockoutPolicy::default() };
    let patient = world.directory.clone().with_policy(Policy { lockout: for_ever, ..Policy::default() });
    assert!(
        (0..5).all(|_| {
            patient.sign_in(&world.by(Actor::Anonymous), "lou", "wrong".to_owned(), &Scopes::all()).is_err()
        })
    );
    world.is("2026-03-16T09:00:00Z");
    assert!(!sign_in("angel", "wrong"));
    let patch =
        by(ADMINISTRATOR, Method::PATCH, "/api/security/users/marla").set_payload(r#"{"timezone":"Europe/Paris"}"#);
    assert_eq!(world.send(patch).await.status, 200);
    world.is("2026-03-17T07:00:00Z");
    let raymond = ExternalIdentity {
        issuer: "https://adfs.example".to_owned(),
        subject: "raymond".to_owned(),
        provider: "adfs".to_owned(),
        link_name: None,
        names: vec!["raymond".to_owned()],
        email: None,
        first_name: Some("Raymond".to_owned()),
        last_name: Some("Hessel".to_owned()),
        groups: None,
        scopes: Scopes::all(),
        issued: Timestamp::parse("2026-03-17T07:00:00Z").unwrap(),
        trust: Trust { creates_users: true, ..Trust::default() },
    };
    world.directory.sign_in_external(&world.by(Actor::Anonymous), &raymond).unwrap();
    world.is("2026-03-17T08:00:00Z");
    assert!(sign_in("tdurden", "pr0j3ctM4yh3m"));
    world.directory.act(&world.by(&world.administrator), &UserIdentifier::from("Geoff"), "suspend").unwrap();
    add_groups(&world);
    world.is("2026-03-18T12:00:00Z");
    world
}

/// | Group | Created | What is special |
/// |---|---|---|
/// | `Directors` | 2026-02-02 | external |
/// | `Liposuction Technicians` | 2026-02-01 | below the company; `lou` |
/// | `Paper Street Soap Company` | 2026-03-16 | `marla`, `tdurden` |
/// | `test` | 2026-01-31 | empty |
fn add_groups(world: &World) {
    let add = |created: &str, name: &str, kind: &str, description: Option<&str>| -> GroupId {
        world.is(created);
        let draft = GroupDraft {
            name: Some(name.to_owned()),
            kind: Some(kind.to_owned()),
            description: description.map(str::to_owned),
            ..GroupDraft::default()
        };
        world.directory.create_group(&world.by(&world.administrator), draft).unwrap().id
    };
    add("2026-01-31", "test", "contensis", None);
    add("2026-02-01", "Liposuction Technicians", "contensis", Some(""));
    add("2026-02-02", "Directors", "external", None);
    add("2026-03-16", "Paper Street Soap Company", "contensis", Some("Soap, and nothing but soap"));
    let (company, technicians) =
        (GroupIdentifier::from("Paper Street Soap Company"), GroupIdentifier::from("Liposuction Technicians"));
    world.directory.add_child(&world.by(&world.administrator), &company, &technicians).unwrap();
    for (group, user) in [(&company, "tdurden"), (&company, "marla"), (&technicians, "lou")] {
        world.directory.add_member(&world.by(&world.administrator), group, &UserIdentifier::from(user)).unwrap();
    }
}

/// `path` with these parameters.
pub(crate) fn with(path: &str, parameters: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("{path}?{query}")
}

impl World {
    /// What a listing with these parameters answers.
    pub(crate) async fn list(&self, path: &str, parameters: &[(&str, &str)]) -> Answer {
        self.ask(Method::GET, &with(path, parameters)).await
    }
}

impl Answer {
    /// The usernames or the names of a listing, in their order.
    pub(crate) fn names(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        let page = self.json();
        let name = |item: &Value| item.get("username").unwrap_or(&item["name"]).as_str().unwrap().to_owned();
        page["items"].as_array().unwrap().iter().map(name).collect::<Vec<_>>().join(", ")
    }
}

/// The error about a ZenQL query.
pub(crate) fn misplaced(position: usize, detail: &str) -> (u16, Value) {
    let data = json!({ "position": position, "detail": detail });
    (400, json!({ "message": "The ZenQL query is not valid", "data": data, "type": "Error" }))
}
