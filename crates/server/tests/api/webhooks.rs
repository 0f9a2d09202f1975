//! Webhooks, as their receivers meet them.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::app::{Setup, TestApp};
use crate::client::Client;
use crate::database::Kind;
use crate::published::{javascript, python, run};
use crate::receiver::{Received, Receiver, Reply, until};
use crate::server::Server;

on_both_databases! {
    every_event_arrives_in_order_and_verifies,
    what_a_receiver_does_is_told_and_followed,
    a_receiver_that_is_slow_slows_nobody_down,
    addresses_that_are_not_public_are_refused,
    a_webhook_is_created_once_for_each_key,
}

/// The types of events that the tests cause.
const GROUPS: [&str; 1] = ["guildhall.group.created"];

/// A server that may send to this machine.
pub(crate) async fn setup(kind: Kind) -> Setup {
    Setup::on(kind)
        .await
        .with("GUILDHALL_WEBHOOKS__ALLOW_HTTP", "true")
        .with("GUILDHALL_WEBHOOKS__ALLOWED_NETWORKS", "127.0.0.0/8")
}

/// Creates a webhook that gets the events of new groups. Returns its id and its secret.
pub(crate) async fn create(admin: &Client<'_>, url: &str) -> (String, String) {
    let body = json!({ "name": url, "url": url, "types": GROUPS });
    let created = admin.send_with("POST", "/webhooks", &body).await.is(201).json();
    (created["id"].as_str().unwrap().to_owned(), created["secret"].as_str().unwrap().to_owned())
}

fn named(received: &[Received]) -> Vec<String> {
    received.iter().map(|one| one.event()["data"]["group"]["name"].as_str().unwrap_or("test").to_owned()).collect()
}

/// The first attempt to deliver something, once it was made.
async fn first_attempt(admin: &Client<'_>, id: &str) -> Value {
    until("an attempt", async || {
        let page = admin.get(&format!("/webhooks/{id}/deliveries")).await;
        page["items"].as_array().unwrap().last().cloned()
    })
    .await
}

/// Lets the libraries that Standard Webhooks publishes judge requests.
async fn verify(secret: &str, requests: Vec<Value>) {
    let (secret, count, requests) = (secret.to_owned(), requests.len(), Value::from(requests).to_string());
    let said = tokio::task::spawn_blocking(move || {
        let folder = python();
        let mut by_python = Command::new(folder.join("venv/bin/python"));
        let mut by_node = Command::new("node");
        by_python.arg("webhook.py").current_dir(folder);
        by_node.arg("webhook.mjs").current_dir(javascript());
        [by_python, by_node].map(|mut command| run(command.args([&secret, &requests])))
    });
    let said = said.await.unwrap();
    assert_eq!(said, [format!("ok {count}\n"), format!("ok {count}\n")]);
}

/// By the libraries of the receivers: also after the secret was rotated, for who has the old one too.
async fn every_event_arrives_in_order_and_verifies(kind: Kind) {
    let app = setup(kind).await.start();
    let admin = Client::admin(&app);
    let receiver = Receiver::start(|_, _| Reply::Status(200));
    admin.create_group("Before", &[], &[]).await;
    let (id, secret) = create(&admin, &format!("{}/in", receiver.url)).await;
    let mut names: Vec<String> = (0..20).map(|number| format!("Gruppe {number} \u{fc}\u{1f9fc}")).collect();
    for name in &names {
        admin.create_group(name, &[], &[]).await;
    }
    let got = receiver.wait_for("/in", 20).await;
    assert_eq!(named(&got), names);
    let last = admin.get("/events?order=-sequence&limit=1").await["items"][0].clone();
    assert_eq!(got[19].event(), last);
    assert_eq!(got[19].header("webhook-id"), last["id"]);
    assert_eq!(got[19].header("content-type"), "application/cloudevents+json; charset=utf-8");
    let altered = Received { body: got[0].body.replace("Gruppe", "gruppe"), ..got[0].clone() };
    let mut requests: Vec<Value> = got.iter().map(|one| one.to_verify(true)).collect();
    requests.push(altered.to_verify(false));
    verify(&secret, requests).await;
    let rotated = admin.send("POST", &format!("/webhooks/{id}/secret")).await.is(200).json();
    admin.send_with("POST", &format!("/webhooks/{id}/actions"), &json!({ "type": "test" })).await.is(204);
    names.push("test".to_owned());
    let got = receiver.wait_for("/in", 21).await;
    assert_eq!(named(&got), names);
    verify(&secret, vec![got[20].to_verify(true)]).await;
    let new = rotated["secret"].as_str().unwrap();
    verify(new, vec![got[20].to_verify(true), got[0].to_verify(false)]).await;
    let view = until("the delivery", async || {
        let view = admin.get(&format!("/webhooks/{id}")).await;
        (view["lastDelivery"]["status"] == 200 && view["backlog"].as_u64() < Some(2)).then_some(view)
    })
    .await;
    assert_eq!((&view["enabled"], &view["failingSince"], view.get("secret")), (&json!(true), &Value::Null, None));
    for secret in [secret.as_str(), new] {
        assert!(!app.server.output().contains(secret), "the log has a secret");
    }
}

/// It fails, redirects, hangs up and is gone: each at a path of its own.
async fn what_a_receiver_does_is_told_and_followed(kind: Kind) {
    let app = setup(kind).await.start();
    let admin = Client::admin(&app);
    let receiver = Receiver::start(|request, before| match (request.path.as_str(), before) {
        ("/fails", 0) => Reply::Status(500),
        ("/moved", _) => Reply::With(302, "Location: /elsewhere".to_owned()),
        ("/gone", _) => Reply::Status(410),
        ("/hangs-up", _) => Reply::HangUp,
        ("/later", 0) => Reply::With(429, "Retry-After: 3600".to_owned()),
        _ => Reply::Status(204),
    });
    let mut ids = Vec::new();
    for path in ["/fails", "/moved", "/gone", "/hangs-up", "/later"] {
        ids.push(create(&admin, &format!("{}{path}", receiver.url)).await.0);
    }
    for name in ["One", "Two"] {
        admin.create_group(name, &[], &[]).await;
    }
    let expected =
        [(json!(500), false), (json!(302), false), (json!(410), false), (Value::Null, true), (json!(429), false)];
    for (id, (status, has_error)) in ids.iter().zip(expected) {
        let first = first_attempt(&admin, id).await;
        assert_eq!((&first["status"], first["error"].is_string()), (&status, has_error), "{first}");
        assert_eq!(first["delivered"], false);
    }
    let [_, moved, gone, _, later] = ids.as_slice() else { panic!("{ids:?}") };
    // The same event again after five seconds, and the next one only then.
    let got = receiver.wait_for("/fails", 3).await;
    assert_eq!(named(&got), ["One", "One", "Two"]);
    assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
    let waited = got[1].at - got[0].at;
    assert!(waited >= Duration::from_secs(5) && waited < Duration::from_secs(30), "{waited:?}");
    assert_eq!(receiver.at("/elsewhere").len(), 0);
    let (moved, gone, later) = (
        admin.get(&format!("/webhooks/{moved}")).await,
        admin.get(&format!("/webhooks/{gone}")).await,
        admin.get(&format!("/webhooks/{later}")).await,
    );
    assert_eq!((&moved["enabled"], moved["failingSince"].is_string()), (&json!(true), true));
    assert_eq!((&gone["enabled"], &gone["lastDelivery"]["status"]), (&json!(false), &json!(410)));
    assert_eq!((receiver.at("/gone").len(), receiver.at("/later").len()), (1, 1));
    assert!(later["nextAttempt"].is_string(), "{later}");
    let told = admin.get("/events?type=guildhall.webhook.disabled").await["items"].clone();
    assert_eq!((told.as_array().unwrap().len(), &told[0]["data"]["webhook"]["id"]), (1, &gone["id"]));
    assert_eq!(told[0]["data"]["actor"]["via"], "schedule");
}

/// Neither requests nor other webhooks wait, and the service stops at once.
async fn a_receiver_that_is_slow_slows_nobody_down(kind: Kind) {
    let mut app = setup(kind).await.start();
    let receiver = Receiver::start(|request, _| match request.path.as_str() {
        "/slow" => Reply::After(Duration::from_secs(14)),
        _ => Reply::Status(200),
    });
    let begun = Instant::now();
    {
        let admin = Client::admin(&app);
        for path in ["/slow", "/quick"] {
            create(&admin, &format!("{}{path}", receiver.url)).await;
        }
        for number in 0..30 {
            admin.create_group(&format!("Group {number}"), &[], &[]).await;
        }
        receiver.wait_for("/quick", 30).await;
        receiver.wait_for("/slow", 1).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(13), "{:?}", begun.elapsed());
    assert_eq!(receiver.at("/slow").len(), 1);
    let stopping = Instant::now();
    app.server.terminate();
    assert!(app.server.ended().await.success());
    assert!(stopping.elapsed() < Duration::from_secs(5), "{:?}", stopping.elapsed());
}

/// In URLs at once, and behind names when they are sent to.
async fn addresses_that_are_not_public_are_refused(kind: Kind) {
    let app = Setup::on(kind).await.with("GUILDHALL_WEBHOOKS__ALLOW_HTTP", "true").start();
    let admin = Client::admin(&app);
    let receiver = Receiver::start(|_, _| Reply::Status(200));
    let port = receiver.url.rsplit(':').next().unwrap();
    for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1", "[64:ff9b::a00:1]"] {
        let body = json!({ "name": "x", "url": format!("http://{host}:{port}/") });
        let refused = admin.send_with("POST", "/webhooks", &body).await.is(400).json();
        assert!(refused["message"].as_str().unwrap().ends_with("which is no public address"), "{refused}");
    }
    let (id, _) = create(&admin, &format!("http://localhost:{port}/in")).await;
    let moved = json!({ "url": format!("http://127.0.0.1:{port}/in") });
    admin.send_with("PUT", &format!("/webhooks/{id}"), &moved).await.is(400);
    admin.create_group("One", &[], &[]).await;
    let attempt = first_attempt(&admin, &id).await;
    assert!(attempt["error"].as_str().unwrap().contains("which is no public address"), "{attempt}");
    assert_eq!(receiver.at("/in").len(), 0);
}

async fn a_webhook_is_created_once_for_each_key(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let body = json!({ "name": "Once", "url": "https://hooks.example", "enabled": false });
    let send = async || {
        let request = admin.request_with("POST", "/webhooks", &body).header("Idempotency-Key", "once");
        crate::answer::Answer::to(request).await.is(201).json()
    };
    let (first, again) = (send().await, send().await);
    assert_eq!(first, again);
    assert_eq!(admin.get("/webhooks").await["totalCount"], 1);
}

/// Both deliver, each event once and in order; of one that is killed, the other one takes over.
#[tokio::test]
async fn two_instances_share_the_work() {
    let mut app = setup(Kind::Postgres).await.start();
    let mut other = Server::start(&app.setup);
    let receiver = Receiver::start(|_, _| Reply::After(Duration::from_millis(5)));
    let paths = ["/a", "/b", "/c", "/d"];
    let names: Vec<String> = (0..60).map(|number| format!("Group {number}")).collect();
    {
        let admin = Client::admin(&app);
        for path in paths {
            create(&admin, &format!("{}{path}", receiver.url)).await;
        }
        for name in &names[..40] {
            admin.create_group(name, &[], &[]).await;
        }
    }
    for path in paths {
        assert_eq!(named(&receiver.wait_for(path, 40).await), names[..40]);
    }
    {
        let admin = Client::admin(&app);
        for name in &names[40..] {
            admin.create_group(name, &[], &[]).await;
        }
    }
    app.server.kill();
    for path in paths {
        let all = until("the rest", async || {
            let mut got = named(&receiver.at(path));
            got.dedup();
            (got.len() >= 60).then_some(got)
        })
        .await;
        assert_eq!(all, names);
    }
    other.kill();
}
