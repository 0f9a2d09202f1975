//! A database that is away, and comes back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{GROUP, Setup, TestApp, USERS};
use crate::database::Kind;

#[tokio::test]
async fn while_the_database_is_away_requests_are_told_to_try_again_later() {
    let app = Setup::on_own_cluster().await.start();
    app.create_documented().await;
    let path = format!("/groups/{GROUP}/users/");
    let ready = || Answer::to(app.client.get(format!("{}/health/ready", app.server.url)));
    let live = || Answer::to(app.client.get(format!("{}/health/live", app.server.url)));
    assert_eq!(ready().await.status / 100, 2);

    for _ in 0..2 {
        app.setup.database.turn(false);
        let list = json!(USERS);
        let head = Answer::to(app.request(Method::HEAD, "/groups/Everyone/users/admin"));
        let (added, read, asked, head, lives) =
            tokio::join!(app.post(&path, &list), app.get("/groups/Everyone"), ready(), head, live());
        for answer in [added, read, asked] {
            let message = answer.json()["message"].as_str().unwrap().to_owned();
            answer.is_error(503, &message, &Value::Null);
            let seconds: u32 = answer.headers["retry-after"].parse().unwrap();
            assert!((1..=60).contains(&seconds), "{answer:?}");
        }
        assert_eq!((head.status, head.body.as_str()), (503, ""));
        assert_eq!(lives.status / 100, 2);
        assert_eq!(Answer::to(app.client.post(app.url(&path)).json(&json!(USERS))).await.status, 401);

        app.setup.database.turn(true);
        let recovery = async {
            while ready().await.status == 503 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), recovery).await.expect("the service does not recover");
        assert_eq!(app.post(&path, &json!(USERS)).await.status, 204);
        assert_eq!(app.member_count(GROUP).await, 5);
    }
}

#[tokio::test]
async fn a_start_without_its_database_fails_and_says_so_without_the_password() {
    let setup = Setup::on_own_cluster().await;
    setup.database.turn(false);
    let output = setup.run(&["serve"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!said.contains(&setup.database.password().unwrap()), "{said}");
}

#[test]
fn requests_to_cancel_that_hit_others_are_no_errors() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let app = runtime.block_on(async {
        let app = TestApp::on(Kind::Postgres).await;
        app.create_documented().await;
        app
    });
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let cancelling = scope.spawn(|| {
            let mut cancelled = 0;
            while !is_done.load(Ordering::SeqCst) {
                cancelled += app.setup.database.count(
                    "SELECT count(*) FILTER (WHERE pg_cancel_backend(pid)) AS number FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active'",
                );
            }
            cancelled
        });
        let asked = runtime.block_on(async {
            let mut hits = Vec::new();
            for number in 0..300 {
                let user = USERS[number % USERS.len()];
                let member = format!("/groups/{GROUP}/users/{user}");
                hits.push(app.put(&member).await.status);
                hits.push(Answer::to(app.request(Method::HEAD, &member)).await.status);
                hits.push(app.delete(&member).await.status);
            }
            hits
        });
        is_done.store(true, Ordering::SeqCst);
        let cancelled = cancelling.join().unwrap();
        assert!(cancelled > 0, "nothing was hit");
        assert!(asked.iter().all(|status| *status == 204), "{cancelled}: {asked:?}");
    });
}
