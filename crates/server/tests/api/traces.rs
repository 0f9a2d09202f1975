//! Traces: spans that are exported, and the trace that a caller names.

use std::collections::BTreeSet;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::app::{GROUP, PASSWORD, Setup, TestApp, USERS};
use crate::audit::{by_password, logged};
use crate::collector::{Collector, Exported};
use crate::database::Kind;
use crate::management::PORT;
use crate::scrape::Scrape;

on_both_databases! {
    a_request_is_a_span_above_those_of_its_use_case_and_its_statements,
    a_caller_names_the_trace_and_what_is_no_trace_is_ignored,
    nothing_that_is_sent_or_stored_is_in_a_span,
    without_export_there_is_no_span_and_the_log_has_the_callers_trace,
    headers_of_the_environment_go_to_the_collector,
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

async fn exporting(kind: Kind, collector: &Collector) -> TestApp {
    Setup::on(kind).await.with("GUILDHALL_TELEMETRY__OTLP_ENDPOINT", &collector.url).with(PORT, "0").start()
}

/// The trace and the span that answered.
fn answered_in(response: &Response) -> (String, String, String) {
    let header = response.headers()["traceresponse"].to_str().unwrap();
    let [version, trace, span, flags] = header.split('-').collect::<Vec<_>>()[..] else { panic!("{header}") };
    assert_eq!(version, "00");
    (trace.to_owned(), span.to_owned(), flags.to_owned())
}

async fn a_request_is_a_span_above_those_of_its_use_case_and_its_statements(kind: Kind) {
    let collector = Collector::start();
    let mut app = exporting(kind, &collector).await;
    app.create_documented().await;
    let response = app.request(Method::POST, &format!("/groups/{GROUP}/users")).json(&json!(USERS)).send();
    let response = response.await.unwrap();
    assert_eq!(response.status(), 204);
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let (trace, span, flags) = answered_in(&response);
    assert_eq!(flags, "01");
    let spans = collector.trace(&trace, "").await;
    let find = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
    let route = "/api/security/groups/{group}/users";
    let [server] = find(&format!("POST {route}"))[..] else { panic!("{spans:?}") };
    // Kinds: 1 is internal, 2 server, 3 client.
    assert_eq!((&server.id, server.kind, server.status), (&span, 2, 0));
    let attribute = |span: &Exported, name: &str| span.attributes.get(name).cloned().unwrap_or_default();
    assert_eq!(attribute(server, "http.route"), route);
    assert_eq!(attribute(server, "http.request.method"), "POST");
    assert_eq!(attribute(server, "http.response.status_code"), "204");
    assert_eq!(attribute(server, "guildhall.request_id"), id);
    assert_eq!(server.resource["service.name"], "guildhall");
    let use_cases = find("security::members::handlers::add_many");
    let names: Vec<_> = spans.iter().map(|span| (&span.name, &span.parent)).collect();
    assert!(!use_cases.is_empty(), "{names:?}");
    let use_case = use_cases[0];
    assert_eq!((&use_case.parent, attribute(use_case, "guildhall.lane")), (&span, "long".to_owned()));
    let system = match kind {
        Kind::Sqlite => "sqlite",
        Kind::Postgres => "postgresql",
    };
    let [unit] = find("unit of work")[..] else { panic!("{names:?}") };
    assert_eq!((&unit.parent, attribute(unit, "db.operation.name")), (&use_case.id, "write".to_owned()));
    let statements: BTreeSet<_> =
        spans.iter().filter(|span| span.parent == unit.id).map(|span| attribute(span, "db.statement")).collect();
    for statement in ["members_change", "insert_members"] {
        assert!(statements.contains(statement), "{statements:?}");
    }
    assert!(spans.iter().filter(|span| span.parent == unit.id).all(|span| attribute(span, "db.system.name") == system));
    // A failure is one in the span too.
    app.setup.database.execute("ALTER TABLE groups RENAME TO elsewhere");
    let response = app.request(Method::GET, "/groups").send().await.unwrap();
    let (status, (trace, ..)) = (response.status().as_u16(), answered_in(&response));
    assert!(status >= 500);
    app.setup.database.execute("ALTER TABLE elsewhere RENAME TO groups");
    let spans = collector.trace(&trace, "").await;
    let failed: BTreeSet<_> = spans.iter().filter(|span| span.status == 2).map(|span| span.name.as_str()).collect();
    assert!(failed.contains("GET /api/security/groups") && failed.contains("unit of work"), "{failed:?}");
    let scrape = Scrape::of(&app).await;
    assert!(scrape.value("guildhall_trace_spans_exported_total") >= 5, "{scrape:?}");
    assert_eq!(scrape.value("guildhall_trace_spans_failed_total"), 0);
    // What is in the queue at the end is sent.
    let last = app.request(Method::GET, "/groups/Everyone").send().await.unwrap();
    let (trace, ..) = answered_in(&last);
    app.server.terminate();
    assert_eq!(app.server.ended().await.code(), Some(0));
    assert!(collector.spans().iter().any(|span| span.trace == trace && span.parent.is_empty()));
}

async fn a_caller_names_the_trace_and_what_is_no_trace_is_ignored(kind: Kind) {
    let collector = Collector::start();
    let setup = Setup::on(kind).await.with("GUILDHALL_TELEMETRY__OTLP_ENDPOINT", &collector.url);
    let mut app = setup.with("GUILDHALL_TELEMETRY__SAMPLING_RATIO", "0").start();
    let ask = async |path: &str, parent: Option<&str>| {
        let request = app.request(Method::GET, path);
        let request = match parent {
            Some(parent) => request.header("traceparent", parent),
            None => request,
        };
        answered_in(&request.send().await.unwrap())
    };
    let (trace, span, flags) = ask("/groups/Everyone", Some(&format!("00-{TRACE}-{CALLER}-01"))).await;
    assert_eq!((trace.as_str(), flags.as_str()), (TRACE, "01"));
    let spans = collector.trace(TRACE, CALLER).await;
    let server = spans.iter().find(|span| span.parent == CALLER).unwrap();
    assert_eq!((&server.id, server.name.as_str()), (&span, "GET /api/security/groups/{group}"));
    // Callers that do not keep their trace, and those that name none, of which the ratio keeps none.
    let unsampled = TRACE.replace('4', "5");
    let (trace, _, flags) = ask("/groups", Some(&format!("00-{unsampled}-{CALLER}-00"))).await;
    assert_eq!((trace, flags.as_str()), (unsampled.clone(), "00"));
    for ignored in [None, Some("nonsense"), Some("00-00000000000000000000000000000000-00f067aa0ba902b7-01")] {
        let (trace, _, flags) = ask("/users", ignored).await;
        assert!(trace != TRACE && trace != "0".repeat(32), "{ignored:?}");
        assert_eq!(flags, "00", "{ignored:?}");
    }
    let lines = logged(&mut app).await;
    let answered = |path: &str| {
        lines
            .iter()
            .find(|line| line["status"].is_u64() && line["span"]["path"] == format!("/api/security{path}"))
            .unwrap()
    };
    assert_eq!(answered("/groups/Everyone")["span"]["trace_id"], TRACE);
    assert_eq!(answered("/groups")["span"]["trace_id"], json!(unsampled));
    assert_eq!(answered("/users")["span"]["trace_id"].as_str().unwrap().len(), 32);
    let traces: BTreeSet<_> = collector.spans().into_iter().map(|span| span.trace).collect();
    assert_eq!(traces, BTreeSet::from([TRACE.to_owned()]));
}

async fn nothing_that_is_sent_or_stored_is_in_a_span(kind: Kind) {
    const SECRETS: [&str; 6] = ["tyler-secret", "marla", "F1ghtC1ub1234!", "192.0.2.77", "made-up-agent", PASSWORD];
    let collector = Collector::start();
    let setup = Setup::on(kind).await.with("GUILDHALL_TELEMETRY__OTLP_ENDPOINT", &collector.url);
    let app = setup.with("GUILDHALL_SERVER__TRUSTED_PROXIES", "127.0.0.1").start();
    app.create_user("marla").await;
    let group = app.create_group("tyler-secret").await;
    let ask = |path: &str| {
        let request = app.request(Method::GET, path).header("x-forwarded-for", "192.0.2.77");
        request.header("user-agent", "made-up-agent").send()
    };
    let asked: Vec<String> = vec![
        "/users/marla".to_owned(),
        "/users/marla@fightclub.com".to_owned(),
        "/users?q=marla".to_owned(),
        "/groups?zenql=name%20%3D%20tyler-secret".to_owned(),
        "/groups/tyler-secret/users/marla".to_owned(),
        format!("/groups/{group}"),
        "/nowhere/tyler-secret".to_owned(),
    ];
    let mut traces = Vec::new();
    for path in &asked {
        traces.push(answered_in(&ask(path).await.unwrap()).0);
    }
    by_password(&app, "admin", PASSWORD).await.is(200);
    by_password(&app, "marla", "tyler-secret").await.is(400);
    for trace in &traces {
        collector.trace(trace, "").await;
    }
    let token = &app.token;
    for span in collector.spans() {
        let text = format!("{span:?}");
        for secret in SECRETS.into_iter().chain([token.as_str(), group.as_str()]) {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}

async fn without_export_there_is_no_span_and_the_log_has_the_callers_trace(kind: Kind) {
    // The most that the log can have: not even there are the spans for export.
    let mut app = Setup::on(kind)
        .await
        .with("GUILDHALL_LOG__LEVEL", "info,guildhall_http=trace,guildhall_persistence=trace")
        .start();
    let response =
        app.request(Method::GET, "/groups/Everyone").header("traceparent", format!("00-{TRACE}-{CALLER}-01"));
    assert!(!response.send().await.unwrap().headers().contains_key("traceresponse"));
    app.get("/users/@current").await.is(200);
    let lines = logged(&mut app).await;
    let span = |path: &str| -> Value {
        let is_answer = |line: &&Value| line["status"].is_u64() && line["span"]["path"] == path;
        lines.iter().find(is_answer).unwrap()["span"].clone()
    };
    assert_eq!(span("/api/security/groups/Everyone")["trace_id"], TRACE);
    assert_eq!(span("/api/security/users/@current").get("trace_id"), None);
    let names: BTreeSet<_> = lines.iter().filter_map(|line| line["span"]["name"].as_str()).collect();
    assert_eq!(names, BTreeSet::from(["request"]));
}

async fn headers_of_the_environment_go_to_the_collector(kind: Kind) {
    let collector = Collector::start();
    let setup = Setup::on(kind).await.with("GUILDHALL_TELEMETRY__OTLP_ENDPOINT", &collector.url);
    let app = setup.with("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Basic%20c2NyYXBlcjpTM2NyZXQ%3D").start();
    let (trace, ..) = answered_in(&app.request(Method::GET, "/groups/Everyone").send().await.unwrap());
    let spans = collector.trace(&trace, "").await;
    for span in &spans {
        assert_eq!(span.authorization.as_deref(), Some("Basic c2NyYXBlcjpTM2NyZXQ="), "{span:?}");
    }
    assert!(!app.server.output().contains("c2NyYXBlcjpTM2NyZXQ"), "{}", app.server.output());
}
