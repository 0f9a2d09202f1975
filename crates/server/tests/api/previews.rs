//! Previews: what a change would do, and that it is not done.

use std::time::Instant;

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{Setup, TestApp};
use crate::client::Client;
use crate::database::{Kind, user_ids};
use crate::endpoints::{ENDPOINTS, Scene};
use crate::idempotency::{KEY, changes};

on_both_databases! {
    every_change_is_previewed_and_leaves_no_trace,
    a_preview_is_never_taken_for_the_change,
    what_is_refused_is_refused_alike,
    a_preview_names_groups_users_and_administrators,
    a_group_of_a_hundred_thousand_is_previewed,
}

/// Changes of no membership.
const WITHOUT_PREVIEW: [&str; 12] = [
    "POST /users/{user}/credentials/password",
    "DELETE /users/{user}/identities",
    "POST /apiKeys/{key}/secret",
    "PUT /groups/{group}/managers/users/{user}",
    "DELETE /groups/{group}/managers/users/{user}",
    "PUT /groups/{group}/managers/groups/{manager}",
    "DELETE /groups/{group}/managers/groups/{manager}",
    "POST /webhooks",
    "PUT /webhooks/{webhook}",
    "DELETE /webhooks/{webhook}",
    "POST /webhooks/{webhook}/secret",
    "POST /webhooks/{webhook}/actions",
];

/// The request with this query.
fn with_query(app: &TestApp, request: RequestBuilder, query: &str) -> RequestBuilder {
    let mut request = request.build().unwrap();
    request.url_mut().set_query(Some(query));
    RequestBuilder::from_parts(app.client.clone(), request)
}

async fn every_change_is_previewed_and_leaves_no_trace(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let mut scene = Scene::new(&app, 60).await;
    for (number, endpoint) in ENDPOINTS.iter().enumerate().filter(|(_, endpoint)| changes(endpoint)) {
        let name = format!("{} {}", endpoint.method, endpoint.template);
        let target = scene.next().await;
        let before = app.setup.database.dump(&[]);
        let preview = |query: &str| with_query(&app, target.request(&admin, endpoint), query);
        let answer = Answer::to(preview("dryRun=true")).await;
        if WITHOUT_PREVIEW.contains(&name.as_str()) {
            answer.is_error(400, "The parameter 'dryRun' is not supported here", &Value::Null);
        } else {
            assert_eq!(answer.status, 200, "{name}: {answer:?}");
            assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
            let body = answer.json();
            assert_eq!(body["dryRun"], true, "{body}");
            assert!(body["effects"]["groups"].is_array() && body["effects"]["truncated"] == false, "{body}");
            assert!(body["effects"]["administrators"]["gained"].is_array(), "{body}");
        }
        assert!(app.setup.database.dump(&[]) == before, "{name} left a trace");
        // With a key, the preview is what is kept.
        if !WITHOUT_PREVIEW.contains(&name.as_str()) {
            let first = Answer::to(preview("dryRun=1").header(KEY, number)).await;
            let again = Answer::to(preview("dryRun=1").header(KEY, number)).await;
            assert_eq!((first.status, &first.body), (200, &again.body), "{name}");
            assert_eq!(again.headers["idempotency-replayed"], "true");
            assert!(
                app.setup
                    .database
                    .dump(&["kept_answers", "kept_answer_counts"])
                    .iter()
                    .all(|(table, rows)| before[table] == *rows)
            );
        }
        let done = if WITHOUT_PREVIEW.contains(&name.as_str()) { preview("") } else { preview("dryRun=false") };
        // Any switch asks these for a report.
        let has_report = ["POST /groups/{group}/users", "POST /groups/{group}/groups"].contains(&name.as_str());
        assert_eq!(Answer::to(done).await.status, if has_report { 200 } else { endpoint.done }, "{name}");
    }
}

async fn a_preview_is_never_taken_for_the_change(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("ordinary").await;
    let ordinary = Client::of(&app, "ordinary");
    let mut scene = Scene::new(&app, 60).await;
    for endpoint in ENDPOINTS.iter().filter(|endpoint| changes(endpoint)) {
        let name = format!("{} {}", endpoint.method, endpoint.template);
        let target = scene.next().await;
        let before = app.setup.database.dump(&[]);
        for query in ["dryRun=", "DRYRUN", "dry%52un=yes", "a=b&dryRun=true&dryrun=false", "dryRun=null", "dryRun=%FF"]
        {
            let refused = Answer::to(with_query(&app, target.request(&admin, endpoint), query)).await;
            assert_eq!(refused.status, 400, "{name} {query}: {refused:?}");
            assert!(refused.json()["message"].as_str().unwrap().contains("'dryRun'"), "{name}: {refused:?}");
            let denied = Answer::to(with_query(&app, target.request(&ordinary, endpoint), query)).await;
            assert_eq!(denied.status, 403, "{name} {query}");
        }
        let denied = Answer::to(with_query(&app, target.request(&ordinary, endpoint), "dryRun=true")).await;
        assert_eq!(denied.status, 403, "{name}");
        assert!(app.setup.database.dump(&[]) == before, "{name}");
    }
}

async fn what_is_refused_is_refused_alike(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let user = admin.create_user("marla").await;
    let child = admin.create_group("Suds", &[&user], &[]).await;
    let group = admin.create_group("Soap", &[], &[&child]).await;
    let me = admin.get("/users/@current").await["id"].as_str().unwrap().to_owned();
    let cases = [
        ("PUT", "/groups/Soap/users/nobody".to_owned(), Value::Null, 404),
        ("DELETE", format!("/groups/Soap/users/{user}"), Value::Null, 404),
        ("DELETE", format!("/groups/System%20Administrators/users/{me}"), Value::Null, 409),
        ("DELETE", format!("/groups/Everyone/users/{user}"), Value::Null, 409),
        ("PUT", format!("/groups/{child}/groups/{group}"), Value::Null, 422),
        ("POST", format!("/groups/{group}/users"), json!(["13f8cd48-7765-47b7-9fa3-2ad9c935a4be"]), 404),
        ("POST", "/groups".to_owned(), json!({ "name": "Soap" }), 409),
        ("POST", "/groups".to_owned(), json!({ "id": group, "name": "Other" }), 409),
        ("POST", "/users".to_owned(), json!({ "email": "nothing" }), 422),
        ("POST", format!("/users/{me}/actions"), json!({ "type": "suspend" }), 422),
        ("DELETE", "/groups/Everyone".to_owned(), Value::Null, 409),
        ("PUT", "/groups/Soap".to_owned(), json!([]), 400),
    ];
    for (method, path, body, _) in cases {
        let request = || match &body {
            Value::Null => admin.request(method, &path),
            body => admin.request_with(method, &path, body),
        };
        let before = app.setup.database.dump(&[]);
        let preview = Answer::to(with_query(&app, request(), "dryRun=true")).await;
        assert_eq!(app.setup.database.dump(&[]), before, "{method} {path}");
        let refused = Answer::to(request()).await;
        assert!(refused.status >= 400, "{method} {path}: {refused:?}");
        let [mut said, mut told] = [preview.json(), refused.json()];
        said["logId"] = Value::Null;
        told["logId"] = Value::Null;
        assert_eq!((preview.status, said), (refused.status, told), "{method} {path}");
    }
    // A precondition holds for a preview too.
    let stale = admin.request_with("PUT", "/groups/Soap", &json!({ "name": "Lye" })).header("If-Match", "\"99.0\"");
    Answer::to(with_query(&app, stale, "dryRun=true")).await.is(412);
    let tag = admin.send("GET", "/groups/Soap").await.headers["etag"].clone();
    let current = || admin.request_with("PUT", "/groups/Soap", &json!({ "name": "Lye" })).header("If-Match", &tag);
    Answer::to(with_query(&app, current(), "dryRun=true")).await.is(200);
    Answer::to(current()).await.is(200);
}

async fn a_preview_names_groups_users_and_administrators(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let marla = admin.create_user("marla").await;
    let tyler = admin.create_user("tdurden").await;
    let child = admin.create_group("Suds", &[&marla], &[]).await;
    let group = admin.create_group("Soap", &[], &[&child]).await;
    let preview = async |method: &str, path: String, body: Value| {
        let request =
            if body.is_null() { admin.request(method, &path) } else { admin.request_with(method, &path, &body) };
        Answer::to(with_query(&app, request, "dryRun=true")).await.is(200).json()
    };
    let person = |id: &str, name: &str| json!({ "id": id, "username": name, "email": format!("{name}@fightclub.com"), "firstName": null, "lastName": null });
    let gains = |id: &str, name: &str, who: &Value| json!({ "id": id, "name": name, "usersGained": 1, "usersLost": 0, "gained": [who], "lost": [] });
    let (marla_body, tyler_body) = (person(&marla, "marla"), person(&tyler, "tdurden"));
    let none = json!({ "gained": [], "lost": [] });
    let added = preview("PUT", format!("/groups/{child}/users/{tyler}"), Value::Null).await;
    let groups = json!([gains(&group, "Soap", &tyler_body), gains(&child, "Suds", &tyler_body)]);
    assert_eq!(
        added,
        json!({ "dryRun": true, "effects": { "groups": groups, "administrators": none, "truncated": false } })
    );
    // Who is in already gains nothing.
    let nothing = preview("PUT", format!("/groups/{group}/users/{marla}"), Value::Null).await;
    assert_eq!(nothing["effects"]["groups"], json!([]));
    // An edge below the administrators makes one of a member, and a suspension takes them.
    let attached = preview("PUT", format!("/groups/System%20Administrators/groups/{child}"), Value::Null).await;
    assert_eq!(attached["effects"]["administrators"], json!({ "gained": [marla_body], "lost": [] }));
    assert_eq!(attached["effects"]["groups"][0]["name"], "System Administrators");
    admin.send("PUT", &format!("/groups/System%20Administrators/groups/{child}")).await.is(204);
    let suspended = preview("POST", format!("/users/{marla}/actions"), json!({ "type": "suspend" })).await;
    let expected =
        json!({ "groups": [], "administrators": { "gained": [], "lost": [marla_body] }, "truncated": false });
    assert_eq!(suspended["effects"], expected);
    let deleted = preview("DELETE", format!("/groups/{child}"), Value::Null).await;
    assert_eq!(deleted["effects"]["administrators"]["lost"], json!([marla_body]));
    let lost: Vec<_> = deleted["effects"]["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| (group["name"].as_str().unwrap(), group["usersLost"].as_u64()))
        .collect();
    assert_eq!(lost, [("Soap", Some(1)), ("Suds", Some(1)), ("System Administrators", Some(1))]);
    // Ids that the body gives are those of the preview.
    let new = json!({ "id": "13f8cd48-7765-47b7-9fa3-2ad9c935a4be", "email": "new@fightclub.com", "credentials": { "password": "F1ghtC1ub1234!" } });
    let created = preview("POST", "/users".to_owned(), new).await;
    let names: Vec<_> =
        created["effects"]["groups"].as_array().unwrap().iter().map(|group| group["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["CMS Editors", "Everyone"]);
    assert_eq!(created["effects"]["groups"][0]["gained"][0]["id"], "13f8cd48-7765-47b7-9fa3-2ad9c935a4be");
}

async fn a_group_of_a_hundred_thousand_is_previewed(kind: Kind) {
    const USERS: u32 = 100_000;
    let app = Setup::alone_on(kind).await.start();
    app.setup.database.insert_users(USERS);
    let admin = Client::admin(&app);
    let crowd = admin.create_group("Crowd", &[], &[]).await;
    let half = admin.create_group("Half", &[], &[]).await;
    let top = admin.create_group("Top", &[], &[&half]).await;
    let ids = user_ids(USERS);
    admin.send_with("POST", &format!("/groups/{crowd}/users"), &json!(ids)).await.is(204);
    admin.send_with("POST", &format!("/groups/{top}/users"), &json!(ids[..50_000])).await.is(204);
    let path = format!("/groups/{half}/groups/{crowd}");
    let mut took = Vec::new();
    for (method, side) in [("PUT", "usersGained"), ("DELETE", "usersLost")] {
        let begun = Instant::now();
        let preview = Answer::to(with_query(&app, admin.request(method, &path), "dryRun=true")).await.is(200).json();
        let previewed = begun.elapsed();
        let counts: Vec<_> = preview["effects"]["groups"]
            .as_array()
            .unwrap()
            .iter()
            .map(|group| (group["name"].as_str().unwrap(), group[side].as_u64().unwrap()))
            .collect();
        assert_eq!(counts, [("Half", 100_000), ("Top", 50_000)], "{method}");
        let named = if method == "PUT" { "gained" } else { "lost" };
        assert_eq!(preview["effects"]["groups"][1][named].as_array().unwrap().len(), 20);
        let begun = Instant::now();
        admin.send(method, &path).await.is(204);
        took.push((method, previewed, begun.elapsed()));
    }
    crate::tell(&format!("{kind:?}: preview and change of an edge above 100,000 users: {took:.1?}"));
}
