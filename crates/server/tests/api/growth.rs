//! What anybody can make the service keep: always bounded.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{Setup, TestApp};
use crate::client::{Client, USER_PASSWORD};
use crate::database::Kind;
use crate::memory::resident;

on_both_databases! {
    nobody_grows_a_record_without_bound,
    refresh_tokens_of_a_user_are_bounded,
    junk_takes_no_memory,
}

/// Sixty patches of nearly 1 MiB each made one user of 61 MB, which every listing had to show.
async fn nobody_grows_a_record_without_bound(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("marla").await;
    admin.create("/groups", &json!({ "name": "Soap" })).await;
    let marla = Client::of(&app, "marla");
    let mut statuses = Vec::new();
    for round in 0..60 {
        let value = "x".repeat(32 * 1024);
        let custom: Value =
            (0..31).map(|part| (format!("p{round}-{part}"), json!(value))).collect::<serde_json::Map<_, _>>().into();
        statuses.push(marla.send_with("PATCH", "/users/@current", &json!({ "custom": custom })).await.status);
    }
    assert_eq!(statuses, [422; 60]);
    // In small steps no more comes of it.
    let mut accepted = 0;
    for round in 0..80 {
        let custom = json!({ format!("p{round}"): "x".repeat(1000) });
        let answer = marla.send_with("PATCH", "/users/@current", &json!({ "custom": custom })).await;
        if answer.status == 200 {
            accepted += 1;
        } else {
            answer.refuses_only(&["custom"]);
        }
    }
    assert_eq!(accepted, 64);
    assert!(marla.send("GET", "/users/@current").await.is(200).body.len() < 70 * 1024);
    // Who has less afterwards may go on, and so may who changes something else.
    let fewer: serde_json::Map<_, _> = (0..10).map(|round| (format!("p{round}"), Value::Null)).collect();
    marla.send_with("PATCH", "/users/@current", &json!({ "custom": fewer, "firstName": "Marla" })).await.is(200);
    marla.send_with("PATCH", "/users/@current", &json!({ "custom": { "small": "x" } })).await.is(200);
    let many: serde_json::Map<_, _> = (0..201).map(|number| (format!("n{number}"), json!(1))).collect();
    for (method, path) in [("PUT", "/users/marla"), ("PUT", "/groups/Soap"), ("POST", "/groups")] {
        let body = json!({ "name": "Soap", "custom": many });
        admin.send_with(method, path, &body).await.refuses_only(&["custom"]);
    }
    // A refusal is no way to get a large answer for a small question.
    let wrong: serde_json::Map<_, _> = (0..5000).map(|number| (format!("w{number}"), json!([]))).collect();
    let refused = marla.send_with("PATCH", "/users/@current", &json!({ "custom": wrong })).await.is(422);
    assert_eq!(refused.json()["data"].as_array().map(Vec::len), Some(100));
}

async fn refresh_tokens_of_a_user_are_bounded(kind: Kind) {
    let app = TestApp::on(kind).await;
    Client::admin(&app).create_user("marla").await;
    app.setup.database.execute_either(
        "INSERT INTO refresh_tokens (digest, user_id, stamp, scopes, expires)
         WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 999)
         SELECT unhex(printf('%064x', n)), u.id, u.security_stamp, '', 99999999999999 + n
         FROM c, users u WHERE u.username_key = 'marla'",
        "INSERT INTO refresh_tokens (digest, user_id, stamp, scopes, expires)
         SELECT decode(lpad(to_hex(n), 64, '0'), 'hex'), u.id, u.security_stamp, '', 99999999999999 + n
         FROM generate_series(0, 999) n, users u WHERE u.username_key = 'marla'",
    );
    let parameters = [("grant_type", "password"), ("username", "marla"), ("password", USER_PASSWORD)];
    Answer::to(app.request_for_token(&parameters)).await.is(200);
    assert_eq!(app.setup.database.count("SELECT count(*) AS number FROM refresh_tokens"), 200);
}

/// Long names from ever new addresses: what is remembered of them are digests, and a bounded number of those.
async fn junk_takes_no_memory(kind: Kind) {
    let app = Setup::on(kind).await.with("GUILDHALL_SERVER__TRUSTED_PROXIES", "127.0.0.1").start();
    let junk = async |number: u32| {
        let name = format!("{number}{}", "é".repeat(3000));
        let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).to_string();
        let parameters: [&[(&str, &str)]; 2] = [
            &[("grant_type", "client_credentials"), ("client_id", &name), ("client_secret", "x")],
            &[("grant_type", "password"), ("username", &name), ("password", "x")],
        ];
        for parameters in parameters {
            Answer::to(app.request_for_token(parameters).header("X-Forwarded-For", &address)).await.is(400);
        }
    };
    for number in 0..200 {
        junk(number).await;
    }
    let before = resident(app.server.pid());
    for number in 200..4_200 {
        junk(number).await;
    }
    let grown = resident(app.server.pid()).saturating_sub(before);
    crate::tell(&format!("{kind:?}: 8,000 junk names of 6 KB made the service {grown} KiB larger"));
    assert!(grown < 8 * 1024, "{grown} KiB");
}
