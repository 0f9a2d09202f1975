//! Switches that a route does not support are refused, never dropped.

use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use actix_web::http::Method;
use actix_web::test::{call_service, init_service};
use actix_web::{App, rt};
use guildhall_http::{configure, routes};

use crate::access::{ROWS, world_of_the_table};
use crate::store::SlowToRead;
use crate::world::{ADMINISTRATOR, ORDINARY, by};

/// Requests that change nothing although their method may.
const READING: [&str; 2] = ["/api/security/users/search", "/api/security/memberships/check"];
/// The changes that have no preview.
const WITHOUT_PREVIEW: [(&str, &str); 12] = [
    ("POST", "/api/security/users/{user}/credentials/password"),
    ("DELETE", "/api/security/users/{user}/identities"),
    ("POST", "/api/security/apiKeys/{key}/secret"),
    ("POST", "/api/security/webhooks"),
    ("PUT", "/api/security/webhooks/{webhook}"),
    ("DELETE", "/api/security/webhooks/{webhook}"),
    ("POST", "/api/security/webhooks/{webhook}/secret"),
    ("POST", "/api/security/webhooks/{webhook}/actions"),
    ("PUT", "/api/security/groups/{group}/managers/users/{user}"),
    ("DELETE", "/api/security/groups/{group}/managers/users/{user}"),
    ("PUT", "/api/security/groups/{group}/managers/groups/{manager}"),
    ("DELETE", "/api/security/groups/{group}/managers/groups/{manager}"),
];

/// Whether the change is one of many members or children at once.
fn is_of_many(method: &str, template: &str) -> bool {
    let templates = ["/api/security/groups/{group}/users", "/api/security/groups/{group}/groups"];
    matches!(method, "POST" | "PATCH") && templates.contains(&template)
}

#[actix_web::test]
async fn a_switch_that_is_not_supported_is_refused_by_every_change() {
    let mut changes = 0;
    for route in routes() {
        let (method, template) = (route.method().as_str(), route.template());
        if !template.starts_with("/api/security/") || matches!(method, "GET" | "HEAD") || READING.contains(&template) {
            continue;
        }
        changes += 1;
        let (_, _, path, body, expected) = ROWS.iter().find(|row| (row.0, row.1) == (method, template)).unwrap();
        let without_mode = if is_of_many(method, template) { None } else { Some("mode") };
        let without_preview = WITHOUT_PREVIEW.contains(&(method, template)).then_some("dryRun");
        for name in [Some("validFrom"), Some("validUntil"), without_mode, without_preview].into_iter().flatten() {
            for value in ["", "true", "partial", "2030-01-01"] {
                for spelling in [name.to_owned(), name.to_uppercase()] {
                    let request = |token| by(token, route.method().clone(), &format!("{path}?{spelling}={value}"));
                    let world = world_of_the_table();
                    let answer = world.send(request(ADMINISTRATOR).set_payload(*body)).await;
                    assert_eq!(answer.status, 400, "{method} {template} {name}={value}: {}", answer.body);
                    assert!(answer.body.contains(&format!("'{name}'")), "{method} {template}: {}", answer.body);
                    let answer = world.send(request(ORDINARY).set_payload(*body)).await;
                    assert_eq!(answer.status, expected[2], "{method} {template} {name}={value}: {}", answer.body);
                }
            }
        }
    }
    assert!(changes > 25, "{changes}");
}

/// A preview reads much, and changes do not wait for it.
#[actix_web::test]
async fn a_preview_takes_no_thread_of_changes() {
    let world = world_of_the_table();
    let (allow, may_read) = mpsc::channel();
    let directory = world.directory.clone().kept_by(Arc::new(SlowToRead::of(world.store.clone(), may_read)));
    let service = Rc::new(init_service(configure(world.api_of(directory), App::new())).await);
    // Without a body, for which the permission would be read first.
    let delete = |path: &str| {
        let service = Rc::clone(&service);
        let request = by(ADMINISTRATOR, Method::DELETE, &format!("/api/security/groups/Soap/{path}")).to_request();
        rt::spawn(async move { call_service(&*service, request).await.status().as_u16() })
    };
    let previews: Vec<_> = (0..3).map(|_| delete("groups/Below?dryRun=true")).collect();
    rt::task::yield_now().await;
    let changed = rt::time::timeout(Duration::from_mins(1), delete("users/tyler")).await;
    assert_eq!(changed.expect("no change waits for a preview").unwrap(), 204);
    assert!(previews.iter().all(|preview| !preview.is_finished()));
    drop(allow);
    for preview in previews {
        assert_eq!(preview.await.unwrap(), 200);
    }
}
