//! A server that something ails, beside one that is well.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::app::{API, TestApp};
use crate::database::Kind;
use crate::server::Server;
use crate::tell;

/// How often requests are compared, and how many each time. The median counts, because others use the machine too.
const ROUNDS: usize = 5;
const REQUESTS: usize = 100;

/// Compares the server of `app` with the `usual` one, request by request over one database. All are answered, and what is created is there.
pub(crate) async fn assert_no_slower(kind: Kind, app: &TestApp, usual: &Server) {
    let mut ratios = Vec::new();
    for round in 0..ROUNDS {
        let mut times = [Vec::new(), Vec::new()];
        for number in 0..REQUESTS {
            for (server, times) in [usual, &app.server].into_iter().zip(&mut times) {
                let name = format!("Group {round}.{number} of {}", server.pid());
                let begun = Instant::now();
                let created = app.client.post(format!("{}{API}/groups", server.url)).bearer_auth(&app.token);
                assert_eq!(created.json(&json!({ "name": name })).send().await.unwrap().status(), 201);
                let read = app.client.get(format!("{}{API}/groups/{name}", server.url)).bearer_auth(&app.token);
                assert_eq!(read.send().await.unwrap().status(), 200);
                times.push(begun.elapsed());
            }
        }
        let [usual, p95] = times.map(p95);
        tell(&format!("{kind:?}: p95 of two requests: {usual:?} usually, {p95:?} in trouble"));
        ratios.push(p95.as_secs_f64() / usual.as_secs_f64());
    }
    ratios.sort_by(f64::total_cmp);
    assert!(ratios[ROUNDS / 2] <= 2.0, "{ratios:?}");
}

fn p95(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() * 95 / 100]
}
