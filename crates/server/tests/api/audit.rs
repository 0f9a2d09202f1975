//! What the log says to auditors.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{PASSWORD, Setup, TestApp};
use crate::client::{Client, USER_PASSWORD};
use crate::database::Kind;
use crate::issuer::Issuer;
use crate::tokens::Mint;

on_both_databases! {
    refused_sign_ins_have_lines,
    denials_have_lines,
    changes_of_administrators_have_lines,
    changes_that_were_not_made_have_no_lines,
    changes_of_keys_and_passwords_have_lines,
    a_client_that_leaves_hides_nothing,
    locks_have_lines,
    what_an_issuer_says_of_administrators_has_lines,
}

/// Stops the server, and says what it wrote to its log, line by line.
pub(crate) async fn logged(app: &mut TestApp) -> Vec<Value> {
    app.server.terminate();
    assert_eq!(app.server.ended().await.code(), Some(0));
    loop {
        let output = app.server.output();
        if output.lines().any(|line| line.contains(r#""message":"stopped""#)) {
            let json = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            return output.lines().map(json).collect();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What the audit lines of this event say, without the span and what every line says.
fn audited(lines: &[Value], event: &str) -> Vec<Value> {
    let lines = lines.iter().filter(|line| line["target"] == "audit" && line["event"] == event).cloned();
    let fields = lines.map(|mut line| {
        let fields = line.as_object_mut().unwrap();
        assert_eq!(fields.remove("level"), Some(json!("INFO")));
        assert_eq!(fields["span"]["address"], "127.0.0.1");
        for name in ["timestamp", "target", "event", "message", "span"] {
            assert!(fields.remove(name).is_some(), "{name}");
        }
        line
    });
    fields.collect()
}

pub(crate) async fn sign_in(app: &TestApp, parameters: &[(&str, &str)]) -> Answer {
    Answer::to(app.request_for_token(parameters)).await
}

pub(crate) async fn by_password(app: &TestApp, name: &str, password: &str) -> Answer {
    sign_in(app, &[("grant_type", "password"), ("username", name), ("password", password)]).await
}

async fn refused_sign_ins_have_lines(kind: Kind) {
    let mut app = TestApp::on(kind).await;
    let (nobody, marla) = ("x".repeat(300), app.create_user("marla").await);
    by_password(&app, &nobody, "a wrong password").await.is(400);
    by_password(&app, "marla", "a wrong password").await.is(400);
    app.post(&format!("/users/{marla}/actions"), &json!({ "type": "suspend" })).await.is(204);
    by_password(&app, "marla", USER_PASSWORD).await.is(400);
    sign_in(&app, &[("grant_type", "client_credentials"), ("client_id", "soap"), ("client_secret", "s")]).await.is(400);
    sign_in(&app, &[("grant_type", "refresh_token"), ("refresh_token", "r")]).await.is(400);
    by_password(&app, "admin", PASSWORD).await.is(200);
    sign_in(&app, &[("grant_type", "none")]).await.is(400);
    let lines = logged(&mut app).await;
    let incorrect = "IncorrectUsernameorPassword";
    assert_eq!(
        audited(&lines, "sign_in_refused"),
        [
            json!({ "name": format!("{}…", &nobody[..255]), "reason": incorrect }),
            json!({ "name": "marla", "reason": incorrect }),
            json!({ "name": "marla", "reason": "AccountSuspended" }),
            json!({ "name": "soap", "reason": "invalid_client" }),
            json!({ "reason": "invalid_grant" }),
        ]
    );
}

async fn denials_have_lines(kind: Kind) {
    let mut app = TestApp::on(kind).await;
    let marla = app.create_user("marla").await;
    let token = app.token_of(&marla);
    let ask = async |token: &str| Answer::to(app.request_by(token, Method::GET, "/users")).await.status;
    assert_eq!(ask(&token).await, 403);
    assert_eq!(ask("not.a.token").await, 401);
    app.post(&format!("/users/{marla}/actions"), &json!({ "type": "suspend" })).await.is(204);
    assert_eq!(ask(&token).await, 401);
    assert_eq!(Answer::to(app.client.get(app.url("/users"))).await.status, 401);
    let lines = logged(&mut app).await;
    let denied = audited(&lines, "denied");
    let statuses: Vec<_> = denied.iter().map(|line| line["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [403, 401, 401], "{denied:?}");
    let reasons: Vec<_> = denied.iter().map(|line| line["reason"].as_str().unwrap()).collect();
    assert_eq!((reasons[0], reasons[2]), ("Access denied", "the account is closed, or its tokens were ended"));
    assert!(reasons[1].starts_with("the token is not valid: "), "{reasons:?}");
    let line = lines.iter().find(|line| line["event"] == "denied" && line["status"] == 403).unwrap();
    assert_eq!((&line["span"]["caller_id"], &line["span"]["caller"]), (&json!(marla), &json!("marla")));
}

async fn changes_of_administrators_have_lines(kind: Kind) {
    const SYSTEM: &str = "/groups/System Administrators";
    let mut app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let [tyler, marla, bob] =
        [app.create_user("tyler").await, app.create_user("marla").await, app.create_user("bob").await];
    let [staff, club] = [app.create_group("Staff").await, app.create_group("Club").await];
    let group = async |name: &str| admin.get(&format!("/groups/{name}")).await["id"].as_str().unwrap().to_owned();
    let (system, keys) = (group("System Administrators").await, group("API Key Administrators").await);
    // Nobody administers by this group yet.
    admin.send("PUT", &format!("/groups/{club}/users/{tyler}")).await.is(204);
    admin.send("PUT", &format!("{SYSTEM}/groups/{staff}")).await.is(204);
    admin.send_with("POST", &format!("/groups/{staff}/users/"), &json!([tyler, marla])).await.is(204);
    admin.send("PUT", &format!("/groups/API Key Administrators/users/{bob}")).await.is(204);
    admin.send("DELETE", &format!("/groups/{staff}/users/{tyler}")).await.is(204);
    admin.send_with("POST", &format!("/groups/{staff}/groups/"), &json!([club])).await.is(204);
    app.post(&format!("/users/{tyler}/actions"), &json!({ "type": "suspend" })).await.is(204);
    app.post(&format!("/users/{tyler}/actions"), &json!({ "type": "unsuspend" })).await.is(204);
    let expiring = json!({ "expiry": "2999-01-01T00:00:00Z" });
    admin.send_with("PATCH", &format!("/users/{tyler}"), &expiring).await.is(200);
    let later = json!({ "validFrom": "2999-01-01T00:00:00Z" });
    admin.send_with("PUT", &format!("{SYSTEM}/users/{bob}"), &later).await.is(204);
    admin.send_with("PUT", &format!("{SYSTEM}/groups/{club}"), &later).await.is(204);
    admin.send("DELETE", &format!("{SYSTEM}/groups/{club}")).await.is(204);
    admin.send("DELETE", &format!("/users/{tyler}")).await.is(204);
    admin.send("DELETE", &format!("/groups/{staff}/groups/{club}")).await.is(204);
    let domains = json!({ "name": "Staff", "autoMembershipEmailDomains": ["fightclub.com"] });
    admin.send_with("PUT", &format!("/groups/{staff}"), &domains).await.is(200);
    let angel = app.create_user("angel").await;
    admin.send("DELETE", &format!("/groups/{staff}")).await.is(204);
    app.post(&format!("/users/{angel}/actions"), &json!({ "type": "suspend" })).await.is(204);
    admin.send("DELETE", &format!("/users/{angel}")).await.is(204);
    let lines = logged(&mut app).await;
    let in_system = |change: &str| json!({ "change": change, "administrators": "System Administrators" });
    let with = |mut line: Value, fields: Value| {
        line.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        line
    };
    let of_user = |change: &str, user: &str| with(in_system(change), json!({ "users": user, "user_count": 1 }));
    let pair = if tyler < marla { format!("{tyler} {marla}") } else { format!("{marla} {tyler}") };
    assert_eq!(
        audited(&lines, "administrators_changed"),
        [
            with(in_system("groups added"), json!({ "group": system, "groups": staff, "group_count": 1 })),
            with(in_system("users added"), json!({ "group": staff, "users": pair, "user_count": 2 })),
            json!({ "change": "users added", "administrators": "API Key Administrators", "group": keys, "users": bob,
                    "user_count": 1 }),
            with(of_user("user removed", &tyler), json!({ "group": staff })),
            with(in_system("groups added"), json!({ "group": staff, "groups": club, "group_count": 1 })),
            of_user("user suspended", &tyler),
            of_user("user unsuspended", &tyler),
            of_user("expiry changed", &tyler),
            with(of_user("users scheduled", &bob), json!({ "group": system })),
            with(in_system("groups scheduled"), json!({ "group": system, "groups": club, "group_count": 1 })),
            with(in_system("group removed"), json!({ "group": system, "groups": club, "group_count": 1 })),
            of_user("user deleted", &tyler),
            with(in_system("group removed"), json!({ "group": staff, "groups": club, "group_count": 1 })),
            with(in_system("email domains changed"), json!({ "group": staff })),
            of_user("users added", &angel),
            with(in_system("group deleted"), json!({ "group": staff })),
        ]
    );
    let callers = lines.iter().filter(|line| line["event"] == "administrators_changed");
    assert!(callers.into_iter().all(|line| line["span"]["caller"] == "admin" && line["span"]["caller_id"].is_string()));
}

async fn changes_that_were_not_made_have_no_lines(kind: Kind) {
    const SYSTEM: &str = "/groups/System Administrators";
    let mut app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let me = admin.get("/users/@current").await["id"].as_str().unwrap().to_owned();
    let nobody = json!([me, "00000000-0000-0000-0000-00000000dead"]);
    admin.send_with("POST", &format!("{SYSTEM}/users/"), &nobody).await.is(404);
    admin.send("PUT", &format!("{SYSTEM}/users/{me}")).await.is(204);
    admin.send("DELETE", &format!("{SYSTEM}/users/{me}")).await.is(409);
    admin.send("DELETE", SYSTEM).await.is(403);
    admin.send_with("PATCH", &format!("/users/{me}"), &json!({ "expiry": "2999-01-01T00:00:00Z" })).await.is(422);
    let lines = logged(&mut app).await;
    assert_eq!(audited(&lines, "administrators_changed"), Vec::<Value>::new());
}

async fn changes_of_keys_and_passwords_have_lines(kind: Kind) {
    let mut app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let marla = app.create_user("marla").await;
    let key = app.post("/apiKeys", &json!({ "name": "Factory" })).await.is(201).json();
    let id = key["id"].as_str().unwrap();
    admin.send_with("PUT", &format!("/apiKeys/{id}"), &json!({ "description": "Soap" })).await.is(200);
    admin.send("POST", &format!("/apiKeys/{id}/secret")).await.is(200);
    admin.send("DELETE", &format!("/apiKeys/{id}")).await.is(204);
    let change = async |client: &Client<'_>, user: &str, existing: &str, new: &str| {
        let body = json!({ "existing": existing, "new": new });
        client.send_with("POST", &format!("/users/{user}/credentials/password"), &body).await.status
    };
    let herself = Client::of(&app, "marla");
    assert_eq!(change(&herself, "@current", "a wrong password", "An0ther-Passw0rd").await, 409);
    assert_eq!(change(&herself, "@current", USER_PASSWORD, "An0ther-Passw0rd").await, 200);
    assert_eq!(change(&admin, &marla, "", "Yet-An0ther-Passw0rd").await, 200);
    assert_eq!(change(&admin, "marla", "", "0ne-M0re-Passw0rd").await, 200);
    let lines = logged(&mut app).await;
    let changed = |change: &str| json!({ "change": change, "key": id, "name": "Factory" });
    assert_eq!(
        audited(&lines, "api_key_changed"),
        [changed("created"), changed("changed"), changed("given another secret"), changed("deleted")]
    );
    assert_eq!(audited(&lines, "password_change_refused"), [json!({ "user": marla })]);
    assert_eq!(
        audited(&lines, "password_changed"),
        [json!({ "user": marla }), json!({ "user": marla }), json!({ "user": "marla" })]
    );
    let by: Vec<_> =
        lines.iter().filter(|line| line["event"] == "password_changed").map(|line| &line["span"]["caller"]).collect();
    assert_eq!(by, ["marla", "admin", "admin"]);
}

/// Guessers who do not wait for the answer are in the log all the same.
async fn a_client_that_leaves_hides_nothing(kind: Kind) {
    const TRIES: usize = 50;
    let mut app = TestApp::on(kind).await;
    let body = "grant_type=password&username=guessed&password=wrong";
    let head = format!(
        "POST /authenticate/connect/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let has_line = |app: &TestApp| app.server.output().contains(r#""name":"guessed""#);
    for _ in 0..TRIES {
        if has_line(&app) {
            break;
        }
        let mut wire = TcpStream::connect(app.server.address()).unwrap();
        wire.write_all(format!("{head}{body}").as_bytes()).unwrap();
        // Long enough for the work to begin, which is not done for somebody who has left; hashing takes longer.
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(wire);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let lines = logged(&mut app).await;
    let refused = audited(&lines, "sign_in_refused");
    let incorrect = json!({ "name": "guessed", "reason": "IncorrectUsernameorPassword" });
    assert_eq!(refused.first(), Some(&incorrect));
}

async fn locks_have_lines(kind: Kind) {
    let mut app = TestApp::on(kind).await;
    let marla = app.create_user("marla").await;
    for _ in 0..8 {
        by_password(&app, "marla", "a wrong password").await.is(400);
        by_password(&app, "nobody", "a wrong password").await.is(400);
    }
    let lines = logged(&mut app).await;
    // A name that nobody has locks nobody's account.
    assert_eq!(audited(&lines, "account_locked"), [json!({ "user": marla })]);
    let reasons: Vec<_> =
        audited(&lines, "sign_in_refused").iter().map(|line| line["reason"].as_str().unwrap().to_owned()).collect();
    assert_eq!(reasons.iter().filter(|reason| *reason == "AccountLocked").count(), 6, "{reasons:?}");
}

async fn what_an_issuer_says_of_administrators_has_lines(kind: Kind) {
    let setup = Setup::on(kind).await;
    let mut issuer = Issuer::start(setup.database.path());
    let mut app = setup.start_with(&issuer.table("corp", "create_users = true\ngroups_claim = 'groups'"));
    let admin = Client::admin(&app);
    let chiefs = admin.create("/groups", &json!({ "name": "Chiefs", "type": "external" })).await;
    admin.create("/groups", &json!({ "name": "Soap", "type": "external" })).await;
    admin.send("PUT", "/groups/Group Administrators/groups/Chiefs").await.is(204);
    let mut users = Vec::new();
    for (second, groups) in [(2, json!(["Chiefs", "Soap"])), (1, json!(["Soap"]))] {
        let iat = Mint::of(&app).moment("iat") - 60 + 10 / second;
        let token = issuer.token("u-1", &json!({ "preferred_username": "executive", "iat": iat, "groups": groups }));
        users.push(Answer::to(app.request_by(&token, Method::GET, "/users/@current")).await.is(200).json());
    }
    let user = users[0]["id"].clone();
    let lines = logged(&mut app).await;
    let by_issuer: Vec<_> = audited(&lines, "administrators_changed").into_iter().skip(1).collect();
    let expected = |change: &str| {
        json!({
            "change": change, "administrators": "Group Administrators", "group": chiefs, "users": user, "user_count": 1,
        })
    };
    assert_eq!(by_issuer, [expected("users added"), expected("user removed")]);
}
