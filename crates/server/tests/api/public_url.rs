//! Under which address the service is found, and what every answer says.

use reqwest::Method;

use crate::answer::Answer;
use crate::app::{Setup, TestApp};
use crate::database::Kind;

const DISCOVERY: &str = "/authenticate/.well-known/openid-configuration";

async fn found(app: &TestApp, headers: &[(&str, &str)]) -> String {
    let request = app.client.get(format!("{}{DISCOVERY}", app.server.url));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let body = Answer::to(request).await.json();
    let endpoint = body["token_endpoint"].as_str().unwrap().strip_suffix("/connect/token").unwrap().to_owned();
    assert_eq!(body["jwks_uri"], format!("{endpoint}/.well-known/openid-configuration/jwks"));
    endpoint.strip_suffix("/authenticate").unwrap().to_owned()
}

#[tokio::test]
async fn a_host_that_is_not_ours_is_never_shown() {
    let app = TestApp::on(Kind::Sqlite).await;
    let own = app.server.url.clone();
    let (_, port) = own.rsplit_once(':').unwrap();
    assert_eq!(found(&app, &[]).await, own);
    let local = format!("localhost:{port}");
    assert_eq!(found(&app, &[("host", &local)]).await, format!("http://{local}"));
    let dressed = format!("evil.example:{port}");
    for host in ["evil.example", &dressed, "localhost:1"] {
        assert_eq!(found(&app, &[("host", host)]).await, own, "{host}");
        assert_eq!(found(&app, &[("host", "x"), ("x-forwarded-host", host)]).await, own, "{host}");
    }
    // Nobody here is a proxy.
    assert_eq!(found(&app, &[("x-forwarded-proto", "https")]).await, own);
}

#[tokio::test]
async fn https_is_what_a_trusted_proxy_says() {
    let app = Setup::on(Kind::Sqlite).await.with("GUILDHALL_SERVER__TRUSTED_PROXIES", "127.0.0.1").start();
    let https = app.server.url.replace("http://", "https://");
    assert_eq!(found(&app, &[("x-forwarded-proto", "https"), ("x-forwarded-for", "198.51.100.7")]).await, https);
    assert_eq!(found(&app, &[("forwarded", "for=198.51.100.7;proto=https")]).await, https);
    assert_eq!(found(&app, &[("x-forwarded-proto", "http")]).await, app.server.url);
}

#[tokio::test]
async fn the_public_url_is_the_one_from_the_settings() {
    let url = "https://id.example.com/directory";
    let app = Setup::on(Kind::Sqlite).await.with("GUILDHALL_SERVER__PUBLIC_URL", url).start();
    assert_eq!(found(&app, &[("host", "evil.example")]).await, url);
    let issuer = "https://issuer.example.com/authenticate";
    let app = app.stop().with("GUILDHALL_AUTH__ISSUER", issuer).start();
    assert_eq!(found(&app, &[("host", "evil.example")]).await, "https://issuer.example.com");
}

#[tokio::test]
async fn a_path_below_a_host_is_in_every_link() {
    let prefix = "/directory/v1";
    let public = format!("https://id.example.com{prefix}");
    for (name, value) in [("PATH_PREFIX", prefix), ("PUBLIC_URL", &public)] {
        let app = Setup::on(Kind::Sqlite).await.with(&format!("GUILDHALL_SERVER__{name}"), value).start();
        // Proxies that strip the path, and proxies that do not.
        for path in ["", prefix] {
            let url = format!("{}{path}", app.server.url);
            let get = async |path: &str| Answer::to(app.client.get(format!("{url}{path}"))).await.is(200);
            assert_eq!(get("/").await.json()["links"]["docs"], format!("{prefix}/docs"));
            assert_eq!(get("/api/openapi.json").await.json()["servers"][0]["url"], prefix);
            assert!(get("/docs").await.body.contains(&format!("\"{prefix}/docs/start.js\"")));
            let base = if name == "PUBLIC_URL" { public.clone() } else { format!("{}{prefix}", app.server.url) };
            let jwks = format!("{base}{DISCOVERY}/jwks");
            assert_eq!(get(DISCOVERY).await.json()["jwks_uri"], jwks);
            get("/health/live").await;
            get("/health/ready").await;
            let groups = format!("{url}/api/security/groups/");
            let body = serde_json::json!({ "name": format!("Soap{path}") });
            let made = Answer::to(app.client.post(groups).bearer_auth(&app.token).json(&body)).await.is(201);
            let location = &made.headers["location"];
            assert!(location.starts_with(&format!("{prefix}/api/security/groups/")), "{location}");
            Answer::to(app.client.get(format!("{}{location}", app.server.url)).bearer_auth(&app.token)).await.is(200);
        }
        Answer::to(app.client.get(format!("{}/directory/docs", app.server.url))).await.is(404);
    }
}

#[tokio::test]
async fn no_answer_is_kept_or_guessed_at_by_anybody_between() {
    let app = TestApp::on(Kind::Sqlite).await;
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/api/security/users/@current"),
        (Method::GET, "/api/security/groups/nobody-knows"),
        (Method::HEAD, "/api/security/groups/Everyone/users/admin"),
        (Method::PUT, "/api/security/groups"),
        (Method::GET, "/nothing"),
        (Method::POST, "/authenticate/connect/token"),
        (Method::GET, DISCOVERY),
        (Method::GET, "/api/openapi.json"),
        (Method::GET, "/health/live"),
        (Method::GET, "/docs"),
        (Method::GET, "/docs/swagger-ui.css"),
        (Method::GET, "/docs/nothing"),
    ] {
        let answer =
            Answer::to(app.client.request(method.clone(), format!("{}{path}", app.server.url)).bearer_auth(&app.token));
        let answer = answer.await;
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{method} {path}");
        let kept = if path.starts_with("/docs") && answer.status == 200 { "public, max-age=3600" } else { "no-store" };
        assert_eq!(answer.headers["cache-control"], kept, "{method} {path}: {}", answer.status);
    }
    let nobody = Answer::to(app.client.get(app.url("/users"))).await;
    assert_eq!((nobody.status, &*nobody.headers["cache-control"]), (401, "no-store"));
}
