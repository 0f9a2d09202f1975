//! Versions: nobody undoes a change that they have not seen.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::app::TestApp;
use crate::client::{Client, USER_PASSWORD};
use crate::database::Kind;

on_both_databases! {
    every_answer_with_a_user_or_a_group_has_its_tag,
    what_a_client_has_already_is_not_sent_again,
    a_change_for_a_state_that_is_gone_is_refused,
    one_of_twenty_changes_of_the_same_state_wins,
    a_condition_that_cannot_be_read_is_refused,
    a_change_may_be_made_unless_somebody_has_seen_the_version,
}

/// A user and a group, each with a change of it.
fn things() -> [(&'static str, Value, Value); 2] {
    let credentials = json!({ "password": USER_PASSWORD });
    [
        (
            "/users",
            json!({ "email": "marla@fightclub.com", "credentials": credentials }),
            json!({ "firstName": "Marla" }),
        ),
        ("/groups", json!({ "name": "Soap" }), json!({ "description": "Made of fat" })),
    ]
}

fn tag(answer: &Answer) -> String {
    let tag = answer.headers.get("etag").unwrap_or_else(|| panic!("no ETag: {answer:?}")).clone();
    assert!(tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'), "not a strong tag: {tag}");
    tag
}

async fn every_answer_with_a_user_or_a_group_has_its_tag(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for (collection, new, change) in things() {
        let created = admin.send_with("POST", collection, &new).await.is(201);
        let path = format!("{collection}/{}", created.json()["id"].as_str().unwrap());
        assert_eq!(created.headers["location"], format!("/api/security{path}"));
        let read = admin.send("GET", &path).await.is(200);
        assert_eq!((tag(&read), read.json()), (tag(&created), created.json()), "{path}");
        let changed = admin.send_with("PUT", &path, &change).await.is(200);
        assert_ne!(tag(&changed), tag(&created), "{path}");
        let read = admin.send("GET", &path).await;
        assert_eq!((tag(&read), read.json()), (tag(&changed), changed.json()), "{path}");
    }
    let patched =
        admin.send_with("PATCH", "/users/marla@fightclub.com", &json!({ "lastName": "Singer" })).await.is(200);
    let read = admin.send("GET", "/users/marla@fightclub.com").await;
    assert_eq!((tag(&read), read.json()), (tag(&patched), patched.json()));
}

async fn what_a_client_has_already_is_not_sent_again(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for (collection, new, change) in things() {
        let path = format!("{collection}/{}", admin.create(collection, &new).await);
        let known = tag(&admin.send("GET", &path).await);
        let ask = |tags: &str| Answer::to(admin.request("GET", &path).header("If-None-Match", tags));
        for tags in [known.clone(), format!("\"other\", {known}"), format!("W/{known}"), "*".to_owned()] {
            let answer = ask(&tags).await.is(304);
            assert_eq!((answer.body.as_str(), &tag(&answer)), ("", &known), "{tags}");
        }
        ask("\"other\"").await.is(200);
        admin.send_with("PUT", &path, &change).await.is(200);
        let answer = ask(&known).await.is(200);
        assert_ne!(tag(&answer), known);
    }
    let group = admin.send("GET", "/groups/Soap").await;
    admin.send("PUT", "/groups/Soap/users/admin").await.is(204);
    let ask = admin.request("GET", "/groups/Soap").header("If-None-Match", tag(&group));
    assert_eq!(Answer::to(ask).await.is(200).json()["userCount"], 1, "the counts are part of what was read");
}

async fn a_change_for_a_state_that_is_gone_is_refused(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for (collection, new, change) in things() {
        let path = format!("{collection}/{}", admin.create(collection, &new).await);
        let stale = tag(&admin.send("GET", &path).await);
        let current = tag(&admin.send_with("PUT", &path, &change).await.is(200));
        let before = admin.get(&path).await;
        let send = async |method: &str, tags: &str| {
            let request = if method == "DELETE" {
                admin.request(method, &path)
            } else {
                admin.request_with(method, &path, &json!({ "custom": { "a": "b" } }))
            };
            Answer::to(request.header("If-Match", tags)).await
        };
        let methods: &[&str] = if collection == "/users" { &["PUT", "PATCH", "DELETE"] } else { &["PUT", "DELETE"] };
        for method in methods {
            for tags in [stale.clone(), "\"unknown\"".to_owned(), format!("W/{stale}")] {
                let refusal = send(method, &tags).await;
                assert_eq!((refusal.status, &refusal.json()["type"]), (412, &json!("Error")), "{method} {tags}");
            }
        }
        assert_eq!(admin.get(&path).await, before);
        // Proxies that compress make a tag weak, and it still names the version.
        let second = tag(&send("PUT", &format!("{stale}, W/{current}")).await.is(200));
        assert_ne!(second, current);
        send("PUT", "*").await.is(200);
        send("DELETE", &stale).await.is(412);
        let last = tag(&admin.send("GET", &path).await);
        send("DELETE", &last).await.is(204);
        admin.send("GET", &path).await.is(404);
    }
    let path = format!("/groups/{}", admin.create("/groups", &json!({ "name": "Lye" })).await);
    Answer::to(admin.request("DELETE", &path).header("If-Match", "*")).await.is(204);
}

/// Dropped, it would let a change through that its client wanted to guard.
async fn a_condition_that_cannot_be_read_is_refused(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin
        .create("/users", &json!({ "email": "bob@fightclub.com", "credentials": { "password": USER_PASSWORD } }))
        .await;
    let bob = Client::of(&app, "bob@fightclub.com");
    for (collection, new, change) in things() {
        let path = format!("{collection}/{}", admin.create(collection, &new).await);
        let before = admin.get(&path).await;
        let methods: &[&str] =
            if collection == "/users" { &["GET", "PUT", "PATCH", "DELETE"] } else { &["GET", "PUT", "DELETE"] };
        for method in methods {
            for header in ["If-Match", "If-None-Match"] {
                for value in ["1.0", "", "\"1.0", "\"1.0\" \"2.0\"", "*, \"1.0\"", "\"1.0\"; \"2.0\""] {
                    let send = async |client: &Client| {
                        let request = if ["GET", "DELETE"].contains(method) {
                            client.request(method, &path)
                        } else {
                            client.request_with(method, &path, &change)
                        };
                        Answer::to(request.header(header, value)).await
                    };
                    let refusal = send(&admin).await.is(400);
                    let message = refusal.json()["message"].as_str().unwrap().to_lowercase();
                    let named = format!("the header '{}' ", header.to_lowercase());
                    assert!(message.starts_with(&named), "{method} {header}: {value}: {message}");
                    send(&bob).await.is(403);
                }
            }
        }
        assert_eq!(admin.get(&path).await, before);
    }
}

async fn a_change_may_be_made_unless_somebody_has_seen_the_version(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for (collection, new, change) in things() {
        let path = format!("{collection}/{}", admin.create(collection, &new).await);
        let first = tag(&admin.send("GET", &path).await);
        let put = async |tags: &str| {
            Answer::to(admin.request_with("PUT", &path, &change).header("If-None-Match", tags)).await.status
        };
        for tags in [first.as_str(), &format!("\"other\", W/{first}"), "*"] {
            assert_eq!(put(tags).await, 412, "{tags}");
        }
        assert_eq!(put("\"other\"").await, 200);
        assert_eq!(put(&first).await, 200);
        let last = tag(&admin.send("GET", &path).await);
        let delete =
            async |tags: &str| Answer::to(admin.request("DELETE", &path).header("If-None-Match", tags)).await.status;
        assert_eq!((delete(&last).await, delete("*").await, delete(&first).await), (412, 412, 204));
    }
}

async fn one_of_twenty_changes_of_the_same_state_wins(kind: Kind) {
    const CLIENTS: usize = 20;
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for (collection, new, change) in things() {
        let path = format!("{collection}/{}", admin.create(collection, &new).await);
        let (key, _) = change.as_object().unwrap().iter().next().unwrap();
        for round in 0..3 {
            let seen = tag(&admin.send("GET", &path).await);
            let mut requests = JoinSet::new();
            for client in 0..CLIENTS {
                let text = format!("round {round}, client {client}");
                let change = json!({ key.as_str(): text });
                let request = admin.request_with("PUT", &path, &change).header("If-Match", &seen);
                requests.spawn(async move { (Answer::to(request).await, text) });
            }
            let answers = requests.join_all().await;
            let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(answer, _)| answer.status == 200);
            assert_eq!(won.len(), 1, "{won:?}");
            assert!(lost.iter().all(|(answer, _)| answer.status == 412), "{lost:?}");
            let read = admin.send("GET", &path).await;
            assert_eq!((tag(&read), read.json()), (tag(&won[0].0), won[0].0.json()));
            assert_eq!(read.json()[key.as_str()], won[0].1.as_str());
        }
    }
}
