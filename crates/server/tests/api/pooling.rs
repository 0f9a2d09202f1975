//! A PgBouncer between the service and PostgreSQL.

use serde_json::json;
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::app::{GROUP, Setup, USERS};

const URL: &str = "GUILDHALL_DATABASE__URL";
const PREPARED: &str = "GUILDHALL_DATABASE__PREPARED_STATEMENTS";

/// Far more clients than the pool has connections, which add, remove, list and check at the same time.
async fn work(setup: Setup) {
    let app = setup.start();
    app.create_documented().await;
    let mut crowd = JoinSet::new();
    for number in 0..60 {
        let user = USERS[number % USERS.len()];
        let requests = [
            app.request(reqwest::Method::PUT, &format!("/groups/{GROUP}/users/{user}")),
            app.request(reqwest::Method::POST, &format!("/groups/{GROUP}/users/")).json(&json!(USERS)),
            app.request(reqwest::Method::GET, "/users?q=member&order=-created"),
            app.request(reqwest::Method::GET, &format!("/groups/{GROUP}/users")),
            app.client.get(format!("{}/health/ready", app.server.url)),
            app.request(reqwest::Method::HEAD, &format!("/groups/{GROUP}/users/{user}")),
            app.request(reqwest::Method::HEAD, &format!("/users/{user}/groups/Nothing,{GROUP}")),
            app.request(reqwest::Method::GET, &format!("/users/{user}")),
            app.request(reqwest::Method::GET, &format!("/groups/{GROUP}")),
        ];
        crowd.spawn(async move {
            let mut statuses = Vec::new();
            for request in requests {
                statuses.push(Answer::to(request).await.status);
            }
            statuses
        });
    }
    while let Some(statuses) = crowd.join_next().await {
        assert_eq!(statuses.unwrap(), [204, 204, 200, 200, 200, 204, 204, 200, 200], "{}", app.server.output());
    }
    assert_eq!(app.member_count(GROUP).await, 5);
    assert!(!app.server.output().contains("not ready: "), "{}", app.server.output());
}

#[tokio::test]
async fn behind_a_proxy_that_pools_transactions_statements_are_not_prepared() {
    let setup = Setup::on_own_cluster().await;
    let url = setup.database.pool("transaction");
    let output = setup.command(&["serve"]).env(URL, &url).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("database.prepared_statements = false") && said.contains("PgBouncer"), "{said}");
    work(setup.with(URL, &url).with(PREPARED, "false")).await;
}

#[tokio::test]
async fn behind_a_proxy_that_pools_sessions_all_is_as_without_it() {
    let setup = Setup::on_own_cluster().await;
    let url = setup.database.pool("session");
    work(setup.with(URL, &url)).await;
}
