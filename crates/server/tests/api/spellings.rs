//! What reads the same is the same (contract 10 row 28): on every route that takes a name, in searches, and when signing in.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{Setup, TestApp};
use crate::client::Client;
use crate::database::Kind;

on_both_databases! {
    every_route_takes_a_name_in_any_spelling,
    names_are_taken_in_every_spelling,
    searches_find_every_spelling,
    all_spellings_of_a_name_share_their_lock,
    all_spellings_of_a_name_share_their_throttle,
    a_password_signs_in_however_it_was_typed,
}

/// What the user and the group are called, and how else.
const USER: &str = "Rene\u{301}e \u{1f468}\u{200d}\u{1f469}";
const USER_SPELLINGS: [&str; 7] = [
    USER,
    "ren\u{e9}e \u{1f468}\u{1f469}",
    "REN\u{c9}E \u{1f468}\u{200d}\u{1f469}",
    "\u{200b}\u{ff32}\u{ff45}n\u{e9}\u{ad}e\u{a0}\u{1f468}\u{1f469}\u{feff}",
    "Info@M\u{fc}nchen.de",
    "info@xn--mnchen-3ya.de",
    "\u{2060}INFO\u{ff20}mu\u{308}nchen\u{3002}DE",
];
const EMAIL: &str = "Info@M\u{fc}nchen.de";
const GROUP: &str = "Caf\u{e9} \u{e19}\u{e49}\u{e33}";
const GROUP_SPELLINGS: [&str; 4] = [
    GROUP,
    "CAFE\u{301} \u{e19}\u{e49}\u{e4d}\u{e32}",
    "\u{ff23}\u{ff41}\u{ff46}\u{e9} \u{e19}\u{e49}\u{e33}",
    "\u{200b}Caf\u{200d}\u{e9}\u{3000}\u{e19}\u{e49}\u{e33}\u{200b}",
];
const CHILD: &str = "\u{ff23}hild";
const CHILD_SPELLINGS: [&str; 3] = ["child", "\u{ff23}HILD", "\u{ad}Chi\u{200b}ld"];
const KEY: &str = "Schlu\u{308}ssel";
const KEY_SPELLINGS: [&str; 3] = [KEY, "SCHL\u{dc}SSEL", "\u{feff}schl\u{fc}ssel\u{200b}"];
const PASSWORD: &str = "F1ghtC1ub1234!";

struct World<'a> {
    admin: Client<'a>,
    user: String,
    group: String,
    child: String,
    key: String,
}

async fn world(app: &TestApp) -> World<'_> {
    let admin = Client::admin(app);
    let credentials = json!({ "password": PASSWORD });
    let user = json!({ "username": USER, "email": EMAIL, "firstName": "Rene\u{301}e", "credentials": credentials });
    World {
        user: admin.create("/users", &user).await,
        group: admin.create_group(GROUP, &[], &[]).await,
        child: admin.create_group(CHILD, &[], &[]).await,
        key: admin.create("/apiKeys", &json!({ "name": KEY })).await,
        admin,
    }
}

async fn every_route_takes_a_name_in_any_spelling(kind: Kind) {
    let app = TestApp::on(kind).await;
    let World { admin, user, group, child, key } = world(&app).await;
    for spelling in USER_SPELLINGS {
        let path = format!("/users/{spelling}");
        let shown = admin.get(&path).await;
        assert_eq!([&shown["id"], &shown["username"], &shown["email"]], [&json!(user), &json!(USER), &json!(EMAIL)]);
        for (method, path, body, status) in [
            ("PUT", path.clone(), json!({ "lastName": "D" }), 200),
            ("PATCH", path.clone(), json!({ "lastName": "D" }), 200),
            ("PUT", path.clone(), shown.clone(), 200),
            ("POST", format!("{path}/actions"), json!({ "type": "unlock" }), 204),
            (
                "POST",
                format!("{path}/credentials/password"),
                json!({ "new": format!("{PASSWORD}{}", spelling.len()) }),
                200,
            ),
        ] {
            let answer = admin.send_with(method, &path, &body).await;
            assert_eq!(answer.status, status, "{method} {path} {answer:?}");
        }
        for of in ["groups", "identities"] {
            admin.send("GET", &format!("{path}/{of}")).await.is(200);
        }
        assert!(!app.token_of(spelling).is_empty(), "{spelling}");
        for group_spelling in GROUP_SPELLINGS {
            let member = format!("/groups/{group_spelling}/users/{spelling}");
            admin.send("PUT", &member).await.is(204);
            admin.send("HEAD", &member).await.is(204);
            let both = format!("/users/{spelling}/groups/nothing,{group_spelling}");
            admin.send("HEAD", &both).await.is(204);
            let checks = json!({ "checks": [{ "user": spelling, "group": group_spelling }] });
            let answers = admin.send_with("POST", "/memberships/check", &checks).await.is(200).json();
            assert_eq!(answers, json!({ "results": [true] }), "{spelling} {group_spelling}");
            assert_eq!(app.members(&group).await, [user.as_str()]);
            admin.send("DELETE", &member).await.is(204);
        }
    }
    for spelling in GROUP_SPELLINGS {
        let path = format!("/groups/{spelling}");
        let shown = admin.get(&path).await;
        assert_eq!([&shown["id"], &shown["name"]], [&json!(group), &json!(GROUP)]);
        admin.send_with("PUT", &path, &shown).await.is(200);
        admin.send_with("POST", &format!("{path}/users"), &json!([user])).await.is(204);
        assert_eq!(admin.listed(&format!("{path}/users"), "id").await, [user.as_str()]);
        for other in CHILD_SPELLINGS {
            admin.send("PUT", &format!("{path}/groups/{other}")).await.is(204);
            assert_eq!(admin.listed(&format!("{path}/groups"), "id").await, [child.as_str()]);
            admin.send("DELETE", &format!("{path}/groups/{other}")).await.is(204);
        }
        admin.send_with("POST", &format!("{path}/groups"), &json!([child])).await.is(204);
        let excluding = format!("{path}/users?includeInherited=true&excludedGroups={spelling}");
        admin.send("GET", &excluding).await.is(200);
        let left = admin.get(&format!("/groups/Everyone/users?excludedGroups={spelling}")).await;
        assert!(!left.to_string().contains(&user), "{left}");
        admin.send("DELETE", &format!("{path}/groups/{child}")).await.is(204);
        admin.send("DELETE", &format!("{path}/users/{user}")).await.is(204);
    }
    for spelling in KEY_SPELLINGS {
        let path = format!("/apiKeys/{spelling}");
        let shown = admin.get(&path).await;
        assert_eq!([&shown["id"], &shown["name"]], [&json!(key), &json!(KEY)]);
        admin.send_with("PUT", &path, &shown).await.is(200);
        admin.send_with("POST", &format!("{path}/secret"), &json!({})).await.is(200);
    }
    for (path, spelling) in
        [("users", USER_SPELLINGS[3]), ("groups", GROUP_SPELLINGS[3]), ("apiKeys", KEY_SPELLINGS[2])]
    {
        admin.send("DELETE", &format!("/{path}/{spelling}")).await.is(204);
        admin.send("DELETE", &format!("/{path}/{spelling}")).await.is(404);
    }
}

async fn names_are_taken_in_every_spelling(kind: Kind) {
    let app = TestApp::on(kind).await;
    let World { admin, .. } = world(&app).await;
    let other = admin.create_user("other").await;
    let other_group = admin.create_group("other", &[], &[]).await;
    let credentials = json!({ "password": PASSWORD });
    let all = USER_SPELLINGS.into_iter().chain(KEY_SPELLINGS);
    for spelling in all {
        let new = json!({ "username": spelling, "email": "free@fightclub.com", "credentials": credentials });
        admin.send_with("POST", "/users", &new).await.is(409);
        for method in ["PUT", "PATCH"] {
            let answer = admin.send_with(method, &format!("/users/{other}"), &json!({ "username": spelling })).await;
            answer.refuses(&[("username", "The username is already in use")]);
        }
        let answer: Answer = admin.send_with("POST", "/apiKeys", &json!({ "name": spelling })).await;
        assert!(matches!(answer.status, 409 | 422), "{spelling:?} {answer:?}");
    }
    for spelling in [EMAIL, "info@xn--mnchen-3ya.de", "INFO@MU\u{308}NCHEN\u{3002}de"] {
        let new = json!({ "username": "free", "email": spelling, "credentials": credentials });
        admin.send_with("POST", "/users", &new).await.is(409);
        let answer = admin.send_with("PUT", &format!("/users/{other}"), &json!({ "email": spelling })).await;
        answer.refuses(&[("email", "The email address is already in use")]);
    }
    for spelling in GROUP_SPELLINGS {
        admin.send_with("POST", "/groups", &json!({ "name": spelling })).await.is(409);
        let answer = admin.send_with("PUT", &format!("/groups/{other_group}"), &json!({ "name": spelling })).await;
        answer.refuses_only(&["name"]);
    }
    for (path, name) in [("groups", "\u{200b}Every\u{200b}one"), ("users", "\u{ff41}dmin")] {
        let answer = admin.send("GET", &format!("/{path}/{name}")).await.is(200);
        assert!(answer.body.contains("veryone") || answer.body.contains("\"admin\""), "{answer:?}");
    }
}

async fn searches_find_every_spelling(kind: Kind) {
    let app = TestApp::on(kind).await;
    let World { admin, user, group, .. } = world(&app).await;
    let listed = async |path: &str, name: &str, value: &str| {
        let mut request = admin.request("GET", path).build().unwrap();
        request.url_mut().query_pairs_mut().append_pair(name, value);
        let answer = Answer::to(RequestBuilder::from_parts(app.client.clone(), request)).await.is(200).json();
        answer["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    for spelling in USER_SPELLINGS {
        let field = if spelling.contains(['@', '\u{ff20}']) { "email" } else { "username" };
        for operator in ["=", "~", "STARTSWITH", "ENDSWITH"] {
            let query = format!("{field} {operator} \"{spelling}\"");
            assert_eq!(listed("/users", "zenql", &query).await, [user.as_str()], "{query}");
        }
        let query = format!("{field} IN (\"nobody\", \"{spelling}\")");
        assert_eq!(listed("/users", "zenql", &query).await, [user.as_str()], "{query}");
        for operator in ["equalTo", "contains", "startsWith", "endsWith"] {
            let query: Value = json!([{ "field": field, operator: spelling }]);
            assert_eq!(listed("/users/search", "where", &query.to_string()).await, [user.as_str()], "{query}");
            let body = json!({ "where": [{ "field": field, operator: spelling }] });
            let found = admin.send_with("POST", "/users/search", &body).await.is(200).json();
            assert_eq!(found["items"][0]["id"], user, "{body}");
        }
    }
    for q in [
        "ren\u{e9}e",
        "RENE\u{301}E",
        "\u{ff52}en\u{e9}",
        "m\u{fc}nch",
        "mu\u{308}nch",
        "xn--mnchen",
        "\u{1f468}\u{1f469}",
    ] {
        assert_eq!(listed("/users", "q", q).await, [user.as_str()], "{q}");
    }
    assert_eq!(listed("/users", "zenql", "firstName = \"RENE\u{301}E\"").await, [user.as_str()]);
    assert_eq!(listed("/users", "zenql", "username ~ \"re?\u{e9}*\"").await, [user.as_str()]);
    for spelling in GROUP_SPELLINGS {
        assert_eq!(listed("/groups", "zenql", &format!("name = \"{spelling}\"")).await, [group.as_str()], "{spelling}");
        let part = spelling.trim_matches('\u{200b}');
        assert_eq!(listed("/groups", "q", part).await, [group.as_str()], "{spelling}");
    }
}

async fn token(app: &TestApp, name: &str, password: &str) -> Answer {
    let form = [("grant_type", "contensis_classic"), ("username", name), ("password", password)];
    Answer::to(app.request_for_token(&form)).await
}

async fn all_spellings_of_a_name_share_their_lock(kind: Kind) {
    let app = TestApp::on(kind).await;
    world(&app).await;
    for spelling in USER_SPELLINGS {
        token(&app, spelling, PASSWORD).await.is(200);
    }
    for (name, names) in [(USER, &USER_SPELLINGS[..5]), (GROUP, &[GROUP_SPELLINGS, GROUP_SPELLINGS].concat()[..5])] {
        for spelling in names {
            let answer = token(&app, spelling, "wrong").await;
            assert_eq!(answer.json(), json!({ "error": "IncorrectUsernameorPassword" }), "{spelling}");
        }
        if name == GROUP {
            assert_eq!(token(&app, name, "wrong").await.json(), json!({ "error": "AccountLocked" }));
        }
    }
    let user = app.get(&format!("/users/{USER}")).await.json();
    assert_eq!(user["failedLoginAttempts"], 5, "{user}");
    let unlocked = app.setup.run(&["unlock", "--user", USER_SPELLINGS[3]]);
    assert!(unlocked.status.success(), "{}", String::from_utf8_lossy(&unlocked.stderr));
    token(&app, USER_SPELLINGS[5], PASSWORD).await.is(200);
}

async fn all_spellings_of_a_name_share_their_throttle(kind: Kind) {
    let app = Setup::on(kind).await.with("GUILDHALL_LIMITS__TOKEN_REQUESTS_PER_ACCOUNT", "4").start();
    for spelling in GROUP_SPELLINGS {
        assert_eq!(token(&app, spelling, "wrong").await.status, 400, "{spelling}");
    }
    assert_eq!(token(&app, "cafe\u{301} \u{e19}\u{e49}\u{e33}", "wrong").await.status, 429);
    assert_eq!(token(&app, "somebody else", "wrong").await.status, 400);
}

async fn a_password_signs_in_however_it_was_typed(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let credentials = json!({ "password": "Cafe\u{301}\u{a0}1234" });
    let new = json!({ "username": "tdurden", "email": "t@fightclub.com", "credentials": credentials });
    admin.create("/users", &new).await;
    for same in ["Caf\u{e9} 1234", "Cafe\u{301} 1234", "Caf\u{e9}\u{3000}1234"] {
        token(&app, "tdurden", same).await.is(200);
        let own = Client::of(&app, "tdurden");
        let change = json!({ "existing": same, "new": "Caf\u{e9} 1234" });
        let answer = own.send_with("POST", "/users/@current/credentials/password", &change).await;
        answer.refuses(&[("new", "The new password must differ from the current one")]);
    }
    for other in ["caf\u{e9} 1234", "Cafe 1234", "Caf\u{e9}\u{200b} 1234"] {
        token(&app, "tdurden", other).await.is(400);
    }
    // Hashed as it was typed, before there was a profile.
    let passwords = guildhall_auth::Argon2Passwords::new(std::num::NonZeroUsize::MIN);
    let typed = "Caf\u{e9}\u{ad} e\u{301}5678";
    let password = guildhall_domain::password::Password::typed(typed.to_owned());
    let hash = guildhall_domain::ports::Passwords::hash(&passwords, &password).unwrap().0;
    app.setup.database.execute(&format!("UPDATE users SET password_hash = '{hash}' WHERE username = 'tdurden'"));
    token(&app, "tdurden", typed).await.is(200);
    token(&app, "tdurden", "Caf\u{e9} \u{e9}5678").await.is(400);
    let own = Client::of(&app, "tdurden");
    let change = json!({ "existing": typed, "new": "Another e\u{301} 9" });
    own.send_with("POST", "/users/@current/credentials/password", &change).await.is(200);
    token(&app, "tdurden", "Another \u{e9} 9").await.is(200);
}
