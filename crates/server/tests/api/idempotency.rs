//! Requests with an idempotency key are done once.

mod attacks;
mod limits;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{PASSWORD, Setup, TestApp};
use crate::client::{Client, USER_PASSWORD};
use crate::database::Kind;
use crate::endpoints::{ENDPOINTS, Endpoint, Scene};

on_both_databases! {
    every_change_is_done_once_for_a_key,
    a_key_names_one_request_of_one_caller,
    malformed_keys_are_refused_and_nothing_is_done,
    refusals_of_the_request_are_kept_and_those_of_the_caller_are_not,
    reading_ignores_keys,
    a_large_answer_is_kept_without_its_body,
    conditions_hold_for_the_first_time_alone,
    an_answer_is_for_its_caller_as_long_as_they_are_admitted,
}

pub(crate) const KEY: &str = "Idempotency-Key";
const REPLAYED: &str = "idempotency-replayed";
const OMITTED: &str = "idempotency-body-omitted";

/// Requests that change nothing although their method may.
const READING: [&str; 2] = ["/users/search", "/memberships/check"];

pub(crate) fn changes(endpoint: &Endpoint) -> bool {
    !matches!(endpoint.method, "GET" | "HEAD") && !READING.contains(&endpoint.template)
}

/// What of an answer is to be the same again.
fn substance(answer: &Answer) -> (u16, [Option<&String>; 3], &str) {
    let headers = ["location", "etag", "content-type"].map(|name| answer.headers.get(name));
    (answer.status, headers, &answer.body)
}

#[track_caller]
fn is_replay(again: &Answer, first: &Answer) {
    assert_eq!(substance(again), substance(first));
    assert_eq!((first.headers.get(REPLAYED), again.headers.get(REPLAYED).map(String::as_str)), (None, Some("true")));
}

async fn every_change_is_done_once_for_a_key(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let mut scene = Scene::new(&app, 60).await;
    let mut seen = 0;
    for (number, endpoint) in ENDPOINTS.iter().enumerate().filter(|(_, endpoint)| changes(endpoint)) {
        let name = format!("{} {}", endpoint.method, endpoint.template);
        let target = scene.next().await;
        let send = async || Answer::to(target.request(&admin, endpoint).header(KEY, format!("key-{number}"))).await;
        let before = app.setup.database.dump(&["kept_answers", "kept_answer_counts"]);
        let first = send().await;
        assert_eq!(first.status, endpoint.done, "{name}: {first:?}");
        let after = app.setup.database.dump(&[]);
        let changed = app.setup.database.dump(&["kept_answers", "kept_answer_counts"]);
        assert!(before != changed, "{name} changes nothing");
        for _ in 0..2 {
            is_replay(&send().await, &first);
        }
        assert!(app.setup.database.dump(&[]) == after, "{name} was done again");
        // Without the key, it is done again or refused by what was done.
        let anew = Answer::to(target.request(&admin, endpoint)).await;
        assert_eq!(anew.headers.get(REPLAYED), None, "{name}");
        seen += 1;
    }
    assert_eq!(app.setup.database.count("SELECT count(*) AS number FROM kept_answers"), seen);
}

async fn a_key_names_one_request_of_one_caller(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let other = admin.create_user("other").await;
    admin.send("PUT", &format!("/groups/System%20Administrators/users/{other}")).await.is(204);
    let other = Client::of(&app, "other");
    let soap = json!({ "name": "Soap", "description": "of lye" });
    let first = Answer::to(admin.request_with("POST", "/groups", &soap).header(KEY, "a\\b")).await.is(201);
    let quoted = Answer::to(admin.request_with("POST", "/groups", &soap).header(KEY, r#""a\\b""#)).await;
    is_replay(&quoted, &first);
    let before = app.setup.database.dump(&[]);
    let spaced = json!({ "name": "Soap", "description": "of  lye" });
    for (method, path, body) in [
        ("POST", "/groups", &spaced),
        ("POST", "/groups?x=1", &soap),
        ("PUT", "/groups/Soap", &soap),
        ("POST", "/users", &soap),
        ("DELETE", "/groups/Soap", &Value::Null),
    ] {
        let request = if body.is_null() { admin.request(method, path) } else { admin.request_with(method, path, body) };
        let refused = Answer::to(request.header(KEY, "a\\b")).await;
        assert_eq!(refused.status, 422, "{method} {path}: {refused:?}");
        assert_eq!(refused.json()["message"], "This Idempotency-Key was used for another request");
        refused.refuses_only(&["Idempotency-Key"]);
    }
    assert_eq!(app.setup.database.dump(&[]), before);
    // Keys are compared as they are, and each caller has their own.
    let upper = Answer::to(admin.request_with("POST", "/groups", &soap).header(KEY, "A\\B")).await.is(409);
    assert_eq!(upper.headers.get(REPLAYED), None);
    let theirs = json!({ "name": "Theirs" });
    let done = Answer::to(other.request_with("POST", "/groups", &theirs).header(KEY, "a\\b")).await.is(201);
    is_replay(&Answer::to(other.request_with("POST", "/groups", &theirs).header(KEY, "a\\b")).await, &done);
}

async fn malformed_keys_are_refused_and_nothing_is_done(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("ordinary").await;
    let ordinary = Client::of(&app, "ordinary");
    let mut scene = Scene::new(&app, 60).await;
    let long = "x".repeat(256);
    let malformed = ["", "\"\"", &long, "a b", "\"a", "\"a\";b=1", "\u{e9}", "a\u{7f}"];
    let body = json!({ "name": "Soap" });
    for key in malformed {
        let key = key.bytes().collect::<Vec<_>>();
        let Ok(value) = reqwest::header::HeaderValue::from_bytes(&key) else { continue };
        let refused = Answer::to(admin.request_with("POST", "/groups", &body).header(KEY, value)).await;
        assert!(refused.is(400).json()["message"].as_str().unwrap().contains("'Idempotency-Key'"), "{key:?}");
    }
    for endpoint in ENDPOINTS.iter().filter(|endpoint| changes(endpoint)) {
        let target = scene.next().await;
        let before = app.setup.database.dump(&[]);
        let twice = target.request(&admin, endpoint).header(KEY, "a").header(KEY, "a");
        let refused = Answer::to(twice).await;
        assert_eq!(refused.status, 400, "{} {}", endpoint.method, endpoint.template);
        let message = "The header 'Idempotency-Key' is given more than once";
        refused.is_error(400, message, &Value::Null);
        // Who may not do it is told that first.
        let denied = Answer::to(target.request(&ordinary, endpoint).header(KEY, long.as_str())).await;
        assert_eq!(denied.status, 403, "{} {}", endpoint.method, endpoint.template);
        assert_eq!(app.setup.database.dump(&[]), before);
    }
}

async fn refusals_of_the_request_are_kept_and_those_of_the_caller_are_not(kind: Kind) {
    let app = Setup::on(kind).await.with("GUILDHALL_LIMITS__BODY_BYTES", "1000").start();
    let admin = Client::admin(&app);
    let marla = admin.create_user("marla").await;
    let client = Client::of(&app, "marla");
    let keyed =
        |client: &Client<'_>, method: &str, path: &str, key: &str| client.request(method, path).header(KEY, key);
    // 404: decided by the use case, so kept although it could be done meanwhile.
    let path = format!("/groups/Soap/users/{marla}");
    let first = Answer::to(keyed(&admin, "PUT", &path, "404")).await.is(404);
    admin.create_group("Soap", &[], &[]).await;
    is_replay(&Answer::to(keyed(&admin, "PUT", &path, "404")).await, &first);
    Answer::to(keyed(&admin, "PUT", &path, "other")).await.is(204);
    // 409, 422 and 412 likewise.
    for (key, path, body, status) in
        [("409", "/groups", json!({ "name": "Soap" }), 409), ("422", "/groups", json!({}), 422)]
    {
        let send = async || Answer::to(admin.request_with("POST", path, &body).header(KEY, key)).await;
        let first = send().await.is(status);
        is_replay(&send().await, &first);
    }
    // 403 and 401: neither is kept.
    for round in [403, 204] {
        Answer::to(keyed(&client, "PUT", &path, "403")).await.is(round);
        admin.send("PUT", &format!("/groups/System%20Administrators/users/{marla}")).await.is(204);
    }
    let anonymous = app.request_by("nobody's", reqwest::Method::PUT, &path).header(KEY, "401");
    Answer::to(anonymous).await.is(401);
    Answer::to(keyed(&admin, "PUT", &path, "401")).await.is(204);
    // 413 and what is no JSON: the key is still free.
    let large = json!({ "name": "Lye", "description": "x".repeat(1000) });
    Answer::to(admin.request_with("POST", "/groups", &large).header(KEY, "413")).await.is(413);
    Answer::to(admin.request_with("POST", "/groups", &json!([])).header(KEY, "413")).await.is(400);
    Answer::to(admin.request_with("POST", "/groups", &json!({ "name": "Lye" })).header(KEY, "413")).await.is(201);
}

async fn reading_ignores_keys(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let mut scene = Scene::new(&app, u32::try_from(ENDPOINTS.len()).unwrap()).await;
    for endpoint in ENDPOINTS.iter().filter(|endpoint| !changes(endpoint)) {
        let target = scene.next().await;
        for key in ["key", "key", "mal formed"] {
            let answer = Answer::to(target.request(&admin, endpoint).header(KEY, key)).await;
            assert_eq!(answer.status, endpoint.done, "{} {}", endpoint.method, endpoint.template);
            assert_eq!(answer.headers.get(REPLAYED), None);
        }
    }
    assert_eq!(app.setup.database.count("SELECT count(*) AS number FROM kept_answers"), 0);
}

async fn a_large_answer_is_kept_without_its_body(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let texts = |length: usize| json!({ "name": "Soap", "description": "x".repeat(32_000), "custom": { "a": "y".repeat(length), "b": "z".repeat(20_000) } });
    for (key, length, is_omitted) in [("small", 10_000, false), ("large", 32_000, true)] {
        let body = texts(length);
        let send = async || Answer::to(admin.request_with("POST", "/groups", &body).header(KEY, key)).await;
        let first = send().await.is(201);
        let again = send().await.is(201);
        assert_eq!(first.body.len() > 64 * 1024, is_omitted, "{}", first.body.len());
        assert_eq!(again.headers.contains_key(OMITTED), is_omitted);
        assert_eq!(again.body, if is_omitted { "" } else { &first.body });
        assert_eq!(
            [again.headers["location"].as_str(), &again.headers["etag"]],
            [first.headers["location"].as_str(), &first.headers["etag"]]
        );
        admin.send("DELETE", "/groups/Soap").await.is(204);
    }
}

async fn conditions_hold_for_the_first_time_alone(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let group = admin.create("/groups", &json!({ "name": "Soap" })).await;
    let path = format!("/groups/{group}");
    let tag = admin.send("GET", &path).await.headers["etag"].clone();
    let rename = async |key: &str, tag: &str| {
        let request = admin.request_with("PUT", &path, &json!({ "name": "Renamed" }));
        Answer::to(request.header("If-Match", tag).header(KEY, key)).await
    };
    let first = rename("one", &tag).await.is(200);
    is_replay(&rename("one", &tag).await, &first);
    let stale = rename("two", &tag).await.is(412);
    is_replay(&rename("two", &first.headers["etag"]).await, &stale);
    rename("three", "no tag").await.is(400);
    rename("three", &first.headers["etag"]).await.is(200);
}

async fn an_answer_is_for_its_caller_as_long_as_they_are_admitted(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let marla = admin.create_user("marla").await;
    let before = Client::of(&app, "marla");
    let passwords = json!({ "existing": USER_PASSWORD, "new": PASSWORD });
    let path = format!("/users/{marla}/credentials/password");
    let change =
        async |client: &Client<'_>| Answer::to(client.request_with("POST", &path, &passwords).header(KEY, "k")).await;
    let first = change(&before).await.is(200);
    // The tokens of before ended with the password, so the answer is for a new one.
    change(&before).await.is(401);
    let after = Client::of(&app, "marla");
    is_replay(&change(&after).await, &first);
    // A wrong guess is counted once, and kept like every refusal.
    let guess = json!({ "existing": "wrong", "new": "An0ther!One" });
    let wrong = async || Answer::to(after.request_with("POST", &path, &guess).header(KEY, "guess")).await;
    let refused = wrong().await.is(409);
    for _ in 0..7 {
        is_replay(&wrong().await, &refused);
    }
    assert_eq!(admin.get(&format!("/users/{marla}")).await["status"]["locked"], false);
    admin.send_with("POST", &format!("/users/{marla}/actions"), &json!({ "type": "suspend" })).await.is(204);
    change(&after).await.is(401);
    admin.send_with("POST", &format!("/users/{marla}/actions"), &json!({ "type": "unsuspend" })).await.is(204);
    is_replay(&change(&Client::of(&app, "marla")).await, &first);
}
