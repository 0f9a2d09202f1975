//! Clients that ask before they send a body.

use crate::app::{API, GROUP, Setup, Transport};
use crate::database::Kind;
use crate::socket::Wire;
use crate::waiting::until;

on_both_databases_and_over_tls! {
    only_those_who_are_known_are_told_to_go_on,
}

async fn only_those_who_are_known_are_told_to_go_on(kind: Kind, transport: Transport) {
    let app = Setup::on(kind).await.speaking(transport).start();
    app.create_documented().await;
    let suspended = app.create_user("marla").await;
    let token = app.token_of("marla");
    assert_eq!(
        app.post(&format!("/users/{suspended}/actions"), &serde_json::json!({ "type": "suspend" })).await.status,
        204
    );
    let bulk = format!("{API}/groups/{GROUP}/users");
    let form = "/authenticate/connect/token";
    for (method, path, token, expected) in [
        ("POST", &*bulk, Some(&*app.token), 100),
        ("POST", &format!("/API/Management/Security/Groups/{GROUP}/users/"), Some(&*app.token), 100),
        ("POST", form, None, 100),
        ("POST", &*bulk, None, 401),
        ("POST", &*bulk, Some("garbage"), 401),
        ("POST", &*bulk, Some(&*token), 401),
        ("POST", "/nothing", Some(&*app.token), 404),
        ("PUT", &*bulk, Some(&*app.token), 405),
    ] {
        for length in ["Content-Length: 40000000", "Transfer-Encoding: chunked"] {
            let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
            let mut wire = Wire::to(&app);
            wire.send(&format!(
                "{method} {path} HTTP/1.1\r\nHost: x\r\n{authorization}Expect: 100-continue\r\n{length}\r\n\
                 Content-Type: application/json\r\n\r\n"
            ));
            let head = wire.read_until("\r\n\r\n");
            assert!(head.starts_with(&format!("HTTP/1.1 {expected} ")), "{method} {path} {length}: {head}");
            if expected == 100 {
                continue;
            }
            for header in [
                "x-request-id: ",
                "connection: close\r\n",
                "content-type: application/json; charset=utf-8\r\n",
                "cache-control: no-store\r\n",
                "x-content-type-options: nosniff\r\n",
            ] {
                assert!(head.contains(header), "{header}{head}");
            }
            assert_eq!(head.contains("allow: GET, HEAD, POST, PATCH\r\n"), expected == 405, "{head}");
            let body = wire.read_until("}");
            let id = head.split("x-request-id: ").nth(1).unwrap().split("\r\n").next().unwrap();
            assert_eq!(body.contains(id), expected != 401, "{body}");
            until("the refusal is in the log", async || app.server.output().contains(id)).await;
        }
    }
    // The answer comes even to a client that sends all the same.
    let mut wire = Wire::to(&app);
    wire.send(&format!("POST {bulk} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n"));
    assert!(wire.read_until("}").starts_with("HTTP/1.1 401 "));
    assert_eq!(wire.read_until("\0"), "");
}
