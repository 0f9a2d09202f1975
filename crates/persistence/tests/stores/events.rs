//! Events in PostgreSQL: what commits late is not missed, and nobody waits.

use std::sync::Arc;

use guildhall_domain::event::{Event, EventId, EventType, Members, NewEvent};
use guildhall_domain::ports::{EventQuery, Store, StoreError};
use guildhall_domain::time::Timestamp;
use serde_json::Map;
use uuid::Uuid;

use super::databases;

fn event(number: u128) -> NewEvent {
    NewEvent {
        id: EventId(Uuid::from_u128(number)),
        kind: EventType::SettingsStarted,
        time: Timestamp::from_milliseconds(1_700_000_000_000),
        subject: "settings".to_owned(),
        actor: None,
        user: None,
        group: None,
        members: Members::None,
        details: Map::new(),
    }
}

fn append(store: &dyn Store, number: u128, meanwhile: impl Fn()) {
    let kept: Result<(), StoreError> = store.write(|writer| {
        writer.append_events(&[event(number)])?;
        meanwhile();
        Ok(())
    });
    kept.expect("an event");
}

/// The events after a place, as whoever reads the log finds them.
fn following(store: &dyn Store, after: u64) -> Vec<Event> {
    store.number_events().expect("numbers");
    let found: Result<_, StoreError> = store.read(|reader| reader.events(&EventQuery::following(after, 100)));
    found.expect("events")
}

fn ids(events: &[Event]) -> Vec<(u64, u128)> {
    events.iter().map(|event| (event.sequence, event.id.0.as_u128())).collect()
}

/// The first transaction has its place in the queue before the second one, and commits after it. Neither the second one nor the reader waits for it.
#[test]
fn an_event_that_is_committed_late_comes_later() {
    let (database, _, _dropped) = databases::postgres();
    let store = database.store();
    append(&*store, 1, || {
        let store = Arc::clone(&store);
        append(&*store, 2, || ());
        assert_eq!(ids(&following(&*store, 0)), [(1, 2)]);
        append(&*store, 3, || ());
        assert_eq!(ids(&following(&*store, 1)), [(2, 3)]);
    });
    assert_eq!(ids(&following(&*store, 2)), [(3, 1)]);
    assert_eq!(ids(&following(&*store, 0)), [(1, 2), (2, 3), (3, 1)]);
}

/// Several instances number at the same time.
#[test]
fn many_who_number_leave_no_gap() {
    let (database, _, _dropped) = databases::postgres();
    let store = database.store();
    std::thread::scope(|scope| {
        for writer in 0..4_u128 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..50 {
                    append(&**store, writer * 1000 + number, || ());
                    if number % 7 == 0 {
                        following(&**store, u64::MAX >> 1);
                    }
                }
            });
        }
    });
    let events = following(&*store, 0);
    let rest = following(&*store, 100);
    assert_eq!((events.len(), rest.len()), (100, 100));
    let all: Vec<Event> = events.into_iter().chain(rest).collect();
    let verified =
        all.iter().try_fold(guildhall_domain::event::EventHead::default(), guildhall_domain::event::EventHead::verify);
    assert_eq!(verified.map(|head| head.sequence), Ok(200));
    for writer in 0..4 {
        let own: Vec<u128> = ids(&all).into_iter().map(|(_, id)| id).filter(|id| id / 1000 == writer).collect();
        assert!(own.is_sorted());
    }
}
