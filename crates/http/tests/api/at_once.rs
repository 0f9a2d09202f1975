//! Requests that are answered on the thread of their connection, if that can be done at once.

use std::sync::Arc;

use actix_web::http::Method;
use guildhall_domain::ports::Store;

use crate::store::{Mood, Moody};
use crate::world::{ADMINISTRATOR, Answer, ORDINARY, UNKNOWN, World, by};

/// Whatever is answered at once is answered as on another thread, and so is what is not: because the store for it is away, fails or panics.
#[actix_web::test]
async fn an_answer_at_once_is_that_of_another_thread() {
    let world = World::new();
    world.add_group("Soap");
    let moods = [Mood::Away, Mood::Broken, Mood::Panicking].map(|mood| {
        let store = Arc::new(Moody::new(world.clock.clone()));
        store.becomes(mood);
        store as Arc<dyn Store>
    });
    for (method, path) in [
        (Method::GET, "/api/security/users/@current"),
        (Method::GET, "/api/security/users/bob"),
        (Method::GET, "/api/security/users/nobody"),
        (Method::GET, "/api/security/users/bob?classicUserId=maybe"),
        (Method::GET, "/api/security/groups/soap"),
        (Method::GET, "/api/security/groups/nothing"),
        (Method::HEAD, "/api/security/groups/everyone/users/bob"),
        (Method::HEAD, "/api/security/groups/soap/users/bob"),
        (Method::HEAD, "/api/security/users/bob/groups/soap,everyone"),
        (Method::POST, "/api/security/groups"),
    ] {
        for token in [ADMINISTRATOR, ORDINARY, UNKNOWN] {
            let request = || by(token, method.clone(), path);
            let expected = shown(&World::send_to(world.api(), request()).await);
            let at_once = moods.iter().cloned().chain([world.store.clone() as Arc<dyn Store>]);
            for (number, store) in at_once.enumerate() {
                let directory = world.directory.clone().kept_by(store);
                let answer = World::send_to(world.api().with_answers_at_once(Some(directory)), request()).await;
                assert_eq!(shown(&answer), expected, "{method} {path} by {token} beside store {number}");
            }
        }
    }
}

/// No other thread is used where there is an answer at once: the store that it would ask is away.
#[actix_web::test]
async fn an_answer_at_once_takes_no_other_thread() {
    let world = World::new();
    let away = Arc::new(Moody::new(world.clock.clone()));
    away.becomes(Mood::Away);
    let elsewhere = world.directory.clone().kept_by(away);
    let api = world.api_of(elsewhere).with_answers_at_once(Some(world.directory.clone()));
    for (method, path, status) in [
        (Method::GET, "/api/security/users/bob", 200),
        (Method::GET, "/api/security/groups/everyone", 200),
        (Method::HEAD, "/api/security/groups/everyone/users/bob", 204),
        (Method::HEAD, "/api/security/users/bob/groups/everyone", 204),
        (Method::GET, "/api/security/users", 503),
    ] {
        let answer = World::send_to(api.clone(), by(ADMINISTRATOR, method.clone(), path)).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}");
    }
}

/// What does not differ from one request to the next.
fn shown(answer: &Answer) -> (u16, String) {
    let id = answer.header("x-request-id").unwrap_or_default();
    (answer.status.as_u16(), answer.body.replace(id, "ID"))
}
