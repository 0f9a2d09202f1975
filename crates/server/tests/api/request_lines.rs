//! What the log says about each request.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::Setup;
use crate::audit::{by_password, logged, sign_in};
use crate::client::USER_PASSWORD;
use crate::database::Kind;

on_both_databases! {
    every_line_of_a_request_says_who_called_from_where_and_by_which_route,
    nothing_that_is_sent_forges_a_line,
}

async fn every_line_of_a_request_says_who_called_from_where_and_by_which_route(kind: Kind) {
    let mut app = Setup::on(kind).await.with("GUILDHALL_SERVER__TRUSTED_PROXIES", "127.0.0.1").start();
    let admin = app.get("/users/@current").await.json()["id"].clone();
    app.request(Method::GET, "/GROUPS/Everyone/?q=1").header("X-Forwarded-For", "192.0.2.7").send().await.unwrap();
    let key = app.post("/apiKeys", &json!({ "name": "Factory" })).await.is(201).json();
    let flow = &key["flows"][0];
    let (id, secret) = (flow["clientId"].as_str().unwrap(), flow["clientSecret"].as_str().unwrap());
    let parameters = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    let token = sign_in(&app, &parameters).await.is(200).json();
    let token = token["access_token"].as_str().unwrap();
    let me = app.request_by(token, Method::GET, "/users/@current/groups");
    Answer::to(me).await.is(200);
    let long = "x".repeat(3000);
    app.get(&format!("/users/{long}")).await.is(404);
    let nowhere = format!("{}/nowhere", app.server.url);
    Answer::to(app.client.get(nowhere)).await.is(404);
    let lines = logged(&mut app).await;
    let span = |path: &str| {
        let found = answered(&lines, path);
        assert_eq!(found.len(), 1, "{path}: {found:?}");
        let mut span = found[0]["span"].clone();
        span.as_object_mut().unwrap().remove("request_id");
        span
    };
    assert_eq!(
        span("/api/security/GROUPS/Everyone/"),
        json!({ "name": "request", "method": "GET", "path": "/api/security/GROUPS/Everyone/",
                "route": "/api/security/groups/{group}", "address": "192.0.2.7", "caller_id": admin, "caller": "admin" })
    );
    assert_eq!(
        span("/api/security/users/@current/groups"),
        json!({ "name": "request", "method": "GET", "path": "/api/security/users/@current/groups",
                "route": "/api/security/users/{user}/groups", "address": "127.0.0.1", "caller_id": key["userId"],
                "caller": "Factory", "api_key": id })
    );
    assert_eq!(
        span("/authenticate/connect/token"),
        json!({ "name": "request", "method": "POST", "path": "/authenticate/connect/token",
                "route": "/authenticate/connect/token", "address": "127.0.0.1", "caller_id": key["userId"],
                "api_key": id })
    );
    assert_eq!(
        span("/nowhere"),
        json!({ "name": "request", "method": "GET", "path": "/nowhere", "address": "127.0.0.1" })
    );
    let cut = format!("{}…", &format!("/api/security/users/{long}")[..200]);
    assert_eq!(span(&cut)["route"], "/api/security/users/{user}");
}

async fn nothing_that_is_sent_forges_a_line(kind: Kind) {
    const FORGED: &str = "\n{\"forged\":1}\n\u{1b}[2J\u{9b}31m\u{202e}";
    for format in ["json", "text"] {
        let mut app = Setup::on(kind).await.with("GUILDHALL_LOG__FORMAT", format).start();
        by_password(&app, FORGED, FORGED).await.is(400);
        let mut wire = TcpStream::connect(app.server.address()).unwrap();
        let path = "/\u{9b}31m\u{202e}\u{2028}".as_bytes();
        wire.write_all(
            &[
                b"GET ".as_slice(),
                path,
                b" HTTP/1.1\r\nHost: x\r\nForwarded: for=\xc2\x9b\r\nAuthorization: Bearer a\tb\r\n\r\n",
            ]
            .concat(),
        )
        .unwrap();
        let name = "Robert\u{202e} \"Bob\" level=ERROR";
        let user = app
            .post(
                "/users",
                &json!({ "username": name, "email": "bob@fightclub.com",
            "credentials": { "password": USER_PASSWORD } }),
            )
            .await
            .is(201)
            .json();
        let token = app.token_of(user["id"].as_str().unwrap());
        Answer::to(app.request_by(&token, Method::GET, "/users/@current")).await.is(200);
        app.server.terminate();
        app.server.ended().await;
        while !app.server.output().contains("stopped") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let output = app.server.output();
        assert!(output.contains("Robert") && output.contains("forged"), "{output}");
        let harmful = |next: char| next != '\n' && (next.is_control() || "\u{202e}\u{2028}".contains(next));
        assert_eq!(output.find(harmful), None, "{output}");
        for line in output.lines() {
            assert!(line.starts_with(if format == "json" { "{\"timestamp\":" } else { "20" }), "{line}");
            assert!(format == "text" || serde_json::from_str::<Value>(line).is_ok(), "{line}");
        }
    }
}

fn answered<'a>(lines: &'a [Value], path: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["status"].is_u64() && line["span"]["path"] == path).collect()
}
