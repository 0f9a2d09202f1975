//! `kill -9` at random moments of delivery.

use std::collections::hash_map::RandomState;
use std::env;
use std::hash::BuildHasher as _;
use std::time::Duration;

use serde_json::Value;

use crate::client::Client;
use crate::database::Kind;
use crate::receiver::{Receiver, Reply, until};
use crate::webhooks::{create, setup};

on_both_databases! {
    nothing_is_lost_and_the_order_is_kept_when_the_service_is_killed,
}

/// How often it is killed; `make webhook-kills` does it more often.
const KILLS: &str = "GUILDHALL_TEST_WEBHOOK_KILLS";
const PATHS: [&str; 3] = ["/a", "/b", "/c"];
/// How many events there are between two kills.
const EVENTS: usize = 30;

/// A random number below `limit`.
fn below(limit: u64) -> u64 {
    RandomState::new().hash_one(0) % limit
}

/// Each webhook gets every event, and an event again only if it was under way when the service was killed.
async fn nothing_is_lost_and_the_order_is_kept_when_the_service_is_killed(kind: Kind) {
    let kills: usize = env::var(KILLS).map_or(3, |kills| kills.parse().unwrap());
    let mut app = setup(kind).await.start();
    let receiver = Receiver::start(|_, _| Reply::After(Duration::from_millis(10 + below(60))));
    for path in PATHS {
        create(&Client::admin(&app), &format!("{}{path}", receiver.url)).await;
    }
    let distinct = |path: &str| {
        let mut sequences: Vec<u64> = receiver.at(path).iter().map(super::receiver::Received::sequence).collect();
        sequences.dedup();
        sequences
    };
    for kill in 0..kills {
        for number in 0..EVENTS {
            Client::admin(&app).create_group(&format!("Group {kill}-{number}"), &[], &[]).await;
        }
        let before = distinct("/a").len();
        until("a delivery", async || (distinct("/a").len() > before).then_some(())).await;
        tokio::time::sleep(Duration::from_millis(below(1200))).await;
        app.kill_and_restart();
    }
    let admin = Client::admin(&app);
    let mut expected: Vec<u64> = Vec::new();
    loop {
        let after = expected.last().copied().unwrap_or_default();
        let page = admin.get(&format!("/events?type=guildhall.group.created&limit=1000&after={after}")).await;
        let sequence = |event: &Value| event["sequence"].as_str().unwrap().parse::<u64>().unwrap();
        let items: Vec<u64> = page["items"].as_array().unwrap().iter().map(sequence).collect();
        if items.is_empty() {
            break;
        }
        expected.extend(items);
    }
    // The groups of the first start are older than the webhooks.
    let expected = expected.split_off(expected.len() - kills * EVENTS);
    let mut repeated = 0;
    for path in PATHS {
        // What the kills have held up comes one after the other.
        while distinct(path).last() != expected.last() {
            let before = distinct(path).len();
            until(&format!("another event at {path}"), async || (distinct(path).len() > before).then_some(())).await;
        }
        // In order, and nothing but what came last comes again.
        assert_eq!(distinct(path), expected, "{path}");
        let again = receiver.at(path).len() - expected.len();
        assert!(again <= kills, "{path}: {again} came again");
        repeated += again;
    }
    crate::tell(&format!(
        "{kind:?}: {kills} kills, {} events to each of 3 webhooks; {repeated} came again",
        expected.len()
    ));
}
