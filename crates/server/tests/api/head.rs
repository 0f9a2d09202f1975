//! HEAD of what can be read.

use reqwest::Method;

use crate::app::{GROUP, TestApp};
use crate::database::Kind;

on_both_databases! { what_can_be_read_can_be_asked_about }

async fn what_can_be_read_can_be_asked_about(kind: Kind) {
    let app = TestApp::on(kind).await;
    app.create_documented().await;
    let group = format!("/api/security/groups/{GROUP}");
    let listings = ["/api/security/users?order=-created", "/api/security/groups?q=e", "/api/security/apiKeys"];
    let paths = [
        "/",
        "/health/live",
        "/health/ready",
        "/docs",
        "/docs/swagger-ui.css",
        "/api/openapi.json",
        "/authenticate/.well-known/openid-configuration",
        "/authenticate/.well-known/openid-configuration/jwks",
        "/api/security/users/@current",
        "/api/security/users/nobody",
        "/api/security/users/@current/groups",
        &group,
        &format!("{group}/users"),
        &format!("{group}/groups?includeSelf=true"),
    ];
    for path in paths.into_iter().chain(listings) {
        let send = async |method: Method, tag: Option<&str>| {
            let request = app.client.request(method, format!("{}{path}", app.server.url)).bearer_auth(&app.token);
            let request = tag.into_iter().fold(request, |request, tag| request.header("if-none-match", tag));
            let response = request.send().await.unwrap();
            let mut headers = response.headers().clone();
            headers.remove("date");
            headers.remove("x-request-id");
            (response.status().as_u16(), headers, response.bytes().await.unwrap())
        };
        let (status, headers, body) = send(Method::GET, None).await;
        let head = send(Method::HEAD, None).await;
        assert_eq!((head.0, &head.1, head.2.len()), (status, &headers, 0), "{path}");
        assert_eq!(headers["content-length"], body.len().to_string(), "{path}");
        if let Some(tag) = headers.get("etag") {
            let tag = tag.to_str().unwrap();
            assert_eq!(send(Method::HEAD, Some(tag)).await.0, 304, "{path}");
        }
    }
}
