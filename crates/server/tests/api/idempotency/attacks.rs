//! Crashes, crowds and thieves.

use std::fs;
use std::time::Duration;

use guildhall_auth::SigningKey;
use reqwest::Method;
use serde_json::json;

use super::{KEY, REPLAYED, is_replay};
use crate::answer::Answer;
use crate::app::{Setup, TestApp};
use crate::client::Client;
use crate::collector::hex;
use crate::database::Kind;
use crate::server::Server;

on_both_databases! {
    a_request_is_done_once_though_the_server_is_killed_before_its_answer,
    one_of_thirty_two_at_once_is_done,
    no_secret_is_kept_in_clear,
    a_key_that_signs_no_more_still_opens_what_it_sealed,
}

async fn a_request_is_done_once_though_the_server_is_killed_before_its_answer(kind: Kind) {
    let mut app = Setup::on(kind).await.start();
    let kept = |app: &TestApp| app.setup.database.count("SELECT count(*) AS number FROM kept_answers");
    let (mut committed, mut undone) = (0, 0);
    for round in 0..16 {
        let name = format!("Group {round}");
        let request = |app: &TestApp| {
            let request = app.request(Method::POST, "/groups").header(KEY, format!("key {round}").replace(' ', "-"));
            request.json(&json!({ "name": name }))
        };
        let before = kept(&app);
        let sent = tokio::spawn(request(&app).send());
        if round % 2 == 0 {
            // As soon as it is committed, whether or not it was answered; nobody reads the answer.
            while kept(&app) == before {
                tokio::task::yield_now().await;
            }
        } else {
            tokio::time::sleep(Duration::from_micros(700 * round)).await;
        }
        app.kill_and_restart();
        drop(sent.await);
        let is_committed = kept(&app) > before;
        let again = Answer::to(request(&app)).await.is(201);
        assert_eq!(again.headers.contains_key(REPLAYED), is_committed, "{again:?}");
        is_replay(&Answer::to(request(&app)).await, &Answer { headers: without_replayed(&again), ..again });
        let listed = app.get(&format!("/groups?q=Group%20{round}&pageSize=100")).await.json();
        let named = listed["items"].as_array().unwrap().iter().filter(|group| group["name"] == name.as_str()).count();
        assert_eq!(named, 1);
        if is_committed { committed += 1 } else { undone += 1 }
    }
    crate::tell(&format!("{kind:?}: killed after the commit {committed} times, before it {undone} times"));
    assert!(committed >= 8);
}

fn without_replayed(answer: &Answer) -> std::collections::BTreeMap<String, String> {
    let headers = answer.headers.clone().into_iter();
    headers.filter(|(name, _)| name != REPLAYED).collect()
}

async fn one_of_thirty_two_at_once_is_done(kind: Kind) {
    let app = TestApp::on(kind).await;
    at_once(&app, &[&app.server.url]).await;
}

#[tokio::test]
async fn one_of_thirty_two_at_once_by_two_instances_is_done() {
    let app = TestApp::on(Kind::Postgres).await;
    let second = Server::start(&app.setup);
    at_once(&app, &[&app.server.url, &second.url]).await;
}

/// Sends a request to these servers 32 times at once. It is done once; the others are told so, or that it is under way.
async fn at_once(app: &TestApp, servers: &[&str]) {
    for round in 0..8 {
        let name = format!("Group {round}");
        let sent: Vec<_> = (0..32)
            .map(|number| {
                let url = format!("{}/api/security/groups", servers[number % servers.len()]);
                let request = app.client.post(url).bearer_auth(&app.token).header(KEY, format!("key-{round}"));
                tokio::spawn(Answer::to(request.json(&json!({ "name": name }))))
            })
            .collect();
        let (mut done, mut replayed, mut under_way) = (Vec::new(), Vec::new(), 0);
        for answer in sent {
            let answer = answer.await.unwrap();
            match (answer.status, answer.headers.contains_key(REPLAYED)) {
                (201, false) => done.push(answer),
                (201, true) => replayed.push(answer),
                (409, false) => {
                    assert_eq!(answer.json()["message"], "A request with this Idempotency-Key is being processed");
                    under_way += 1;
                }
                _ => panic!("{answer:?}"),
            }
        }
        assert_eq!((done.len(), done.len() + replayed.len() + under_way), (1, 32));
        for answer in replayed {
            is_replay(&answer, &done[0]);
        }
        let listed = app.get(&format!("/groups?q=Group%20{round}")).await.json();
        assert_eq!(listed["totalCount"], 1);
    }
}

async fn no_secret_is_kept_in_clear(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let create = async || {
        let request = admin.request_with("POST", "/apiKeys", &json!({ "name": "program" }));
        Answer::to(request.header(KEY, "create")).await.is(201)
    };
    let first = create().await;
    is_replay(&create().await, &first);
    let key = first.json()["id"].as_str().unwrap().to_owned();
    let rotate = async || {
        Answer::to(admin.request("POST", &format!("/apiKeys/{key}/secret")).header(KEY, "rotate")).await.is(200)
    };
    let rotated = rotate().await;
    is_replay(&rotate().await, &rotated);
    let passwords = json!({ "email": "new@fightclub.com", "credentials": { "password": "F1ghtC1ub1234!" } });
    Answer::to(admin.request_with("POST", "/users", &passwords).header(KEY, "user")).await.is(201);
    let rows = format!("{:?}", app.setup.database.dump(&[])).to_lowercase();
    for secret in
        [&first, &rotated].map(|answer| answer.json()["flows"][0]["clientSecret"].as_str().unwrap().to_owned())
    {
        assert_eq!(secret.len(), 98);
        for part in secret.split('-') {
            assert!(!rows.contains(part) && !rows.contains(&hex(part.as_bytes())), "a secret is kept in clear");
        }
    }
    // Nothing else of an answer, and not the digest of a request that has a password in it.
    assert!(rows.contains(&hex(b"program")) || rows.contains("program"));
    assert!(!rows.contains(&hex(b"clientSecret")) && !rows.contains("clientsecret"));
}

async fn a_key_that_signs_no_more_still_opens_what_it_sealed(kind: Kind) {
    let mut app = Setup::on(kind).await.start();
    let create = async |app: &TestApp| {
        let request = app.request(Method::POST, "/groups").header(KEY, "k").json(&json!({ "name": "Soap" }));
        Answer::to(request).await
    };
    let first = create(&app).await.is(201);
    let former = fs::read_to_string(app.signing_key_file()).unwrap();
    let new = SigningKey::generate_pem().unwrap();
    for (keys, is_kept) in [(format!("{new}{former}"), true), (new, false)] {
        fs::write(app.signing_key_file(), keys).unwrap();
        app.kill_and_restart();
        app.token = app.token_of("admin");
        let again = create(&app).await;
        if is_kept {
            is_replay(&again, &first);
        } else {
            // It was done, and is not done again.
            assert_eq!(again.status, 409, "{again:?}");
            assert!(again.json()["message"].as_str().unwrap().contains("can no longer be read"), "{again:?}");
        }
        assert_eq!(app.get("/groups?q=Soap").await.json()["totalCount"], 1);
    }
}
