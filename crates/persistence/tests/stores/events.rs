//! Events: what commits late is not missed, nobody who reads waits, and every question finds what it asks for.

use std::sync::Arc;

use guildhall_domain::event::{
    Event, EventGroup, EventHead, EventId, EventType, GroupsAbove, Members, NewEvent, TypePattern,
};
use guildhall_domain::group::GroupId;
use guildhall_domain::ports::{EventOrder, EventQuery, Store, StoreError};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
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

fn append(store: &dyn Store, number: u128, mut meanwhile: impl FnMut()) {
    let kept: Result<(), StoreError> = store.write(|writer| {
        writer.append_events(&[event(number)])?;
        meanwhile();
        Ok(())
    });
    kept.expect("an event");
}

/// The events after a place, as whoever reads the log finds them.
fn following(store: &dyn Store, after: u64) -> Vec<Event> {
    store.show_events().expect("numbers");
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

/// In SQLite one writes at a time. What was committed is read beside whoever writes for long, as it is going to be numbered.
#[test]
fn nobody_who_reads_waits_for_a_writer() {
    let (database, _, _files) = databases::sqlite();
    let store = database.store();
    append(&*store, 1, || ());
    let mut read_before: Vec<Event> = Vec::new();
    append(&*store, 2, || ());
    let mut read = |expected: &[(u64, u128)]| {
        let events = following(&*store, 0);
        assert_eq!(ids(&events), expected);
        let (head, checkpoint) = store
            .read(|reader| Ok::<_, StoreError>((reader.event_head()?, reader.event_checkpoint()?)))
            .expect("the head");
        assert_eq!(events.iter().try_fold(checkpoint, EventHead::verify), Ok(head));
        assert_eq!(events.get(..read_before.len()), Some(&read_before[..]));
        for event in &events {
            let found = store.read(|reader| reader.event(event.id)).expect("an event");
            assert_eq!(found.as_ref(), Some(event));
        }
        read_before = events;
    };
    append(&*store, 3, || read(&[(1, 1), (2, 2)]));
    append(&*store, 4, || read(&[(1, 1), (2, 2), (3, 3)]));
    store.number_events().expect("numbers");
    read(&[(1, 1), (2, 2), (3, 3), (4, 4)]);
}

#[test]
fn many_who_number_leave_no_gap_in_sqlite() {
    let (database, _, _files) = databases::sqlite();
    no_gap_is_left(&database.store());
}

/// Several instances number at the same time.
#[test]
fn many_who_number_leave_no_gap_in_postgres() {
    let (database, _, _dropped) = databases::postgres();
    no_gap_is_left(&database.store());
}

fn no_gap_is_left(store: &Arc<dyn Store>) {
    std::thread::scope(|scope| {
        for writer in 0..4_u128 {
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
    let events = following(&**store, 0);
    let rest = following(&**store, 100);
    assert_eq!((events.len(), rest.len()), (100, 100));
    let all: Vec<Event> = events.into_iter().chain(rest).collect();
    let verified = all.iter().try_fold(EventHead::default(), EventHead::verify);
    assert_eq!(verified.map(|head| head.sequence), Ok(200));
    for writer in 0..4 {
        let own: Vec<u128> = ids(&all).into_iter().map(|(_, id)| id).filter(|id| id / 1000 == writer).collect();
        assert!(own.is_sorted());
    }
}

/// One of a few, or none.
fn some(mixed: u64, of: u64) -> Option<Uuid> {
    Some(mixed % of).filter(|one| *one > 0).map(|one| Uuid::from_u128(u128::from(one)))
}

/// Events whose types, actors, groups, users and times go together in any way. Most tell of the time at which they are kept, some of one long before.
fn mixed(number: u64) -> NewEvent {
    let mixed = (number * 2_654_435_761) % 4_294_967_296;
    let minute = 60_000 * i64::try_from(number).unwrap_or_default();
    let earlier =
        if mixed.is_multiple_of(11) { 40 * 60_000 } else { i64::try_from(mixed % 3).unwrap_or_default() * 1000 };
    let users = [some(mixed / 7, 3), some(mixed / 13, 4)].into_iter().flatten().map(UserId);
    NewEvent {
        id: EventId(Uuid::from_u128(1_000_000 + u128::from(number))),
        kind: EventType::ALL[usize::try_from(mixed / 3 % 4).unwrap_or_default()],
        time: Timestamp::from_milliseconds(1_700_000_000_000 + minute - earlier),
        actor: some(mixed / 17, 3).map(UserId),
        group: some(mixed / 19, 3).map(|id| EventGroup {
            id: GroupId(id),
            name: Some("Group".to_owned()),
            above: GroupsAbove::NotTold,
        }),
        members: Members::Users(users.collect()),
        ..event(0)
    }
}

/// Every set of filters, in both orders, from any place on, finds what they take. The first events have their place.
fn every_question_is_answered(store: &dyn Store, numbered: u64) {
    const COUNT: u64 = 240;
    let (mut all, mut head) = (Vec::new(), EventHead::default());
    for number in 0..COUNT {
        let new = mixed(number);
        let kept: Result<(), StoreError> = store.write(|writer| writer.append_events(std::slice::from_ref(&new)));
        kept.expect("an event");
        let event = new.numbered(head);
        head = event.head();
        all.push((new, event));
        if number + 1 == numbered {
            store.number_events().expect("numbers");
        }
    }
    let moment = |number: u64| Some(all[usize::try_from(number).expect("a place")].1.time);
    let one = || Some(Uuid::from_u128(1));
    for flags in 0..128_u32 {
        let is = |flag: u32| flags >> flag & 1 == 1;
        let query = EventQuery {
            order: if is(0) { EventOrder::Descending } else { EventOrder::Ascending },
            types: is(1).then(|| TypePattern::parse("guildhall.user.*").expect("types")),
            group: one().filter(|_| is(2)).map(GroupId),
            user: one().filter(|_| is(3)).map(UserId),
            actor: one().filter(|_| is(4)).map(UserId),
            from: moment(30).filter(|_| is(5)),
            to: moment(200).filter(|_| is(6)),
            ..EventQuery::default()
        };
        for after in [None, Some(0), Some(50), Some(100), Some(199), Some(COUNT), Some(COUNT + 9)] {
            for limit in [1, 7, 1000] {
                let query = EventQuery { after, limit, ..query.clone() };
                let is_wanted = |(new, event): &&(NewEvent, Event)| {
                    let group = new.group.as_ref().map(|group| group.id);
                    query.takes(event, new.actor, group, |user| new.users().any(|about| about == user))
                };
                let taken = all.iter().filter(is_wanted).map(|(_, event)| event.sequence);
                let most = usize::try_from(limit).expect("a limit");
                let expected: Vec<u64> = match query.order {
                    EventOrder::Ascending => taken.take(most).collect(),
                    EventOrder::Descending => taken.rev().take(most).collect(),
                };
                let found = store.read(|reader| reader.events(&query)).expect("events");
                let found: Vec<u64> = found.iter().map(|event| event.sequence).collect();
                assert_eq!(found, expected, "{query:?}");
            }
        }
    }
}

#[test]
fn every_question_is_answered_in_sqlite() {
    let (database, _, _files) = databases::sqlite();
    every_question_is_answered(&*database.store(), 240);
}

/// What has no place is read as if it had.
#[test]
fn every_question_is_answered_before_the_numbering() {
    for numbered in [0, 160] {
        let (database, _, _files) = databases::sqlite();
        every_question_is_answered(&*database.store(), numbered);
    }
}

#[test]
fn every_question_is_answered_in_postgres() {
    let (database, _, _dropped) = databases::postgres();
    every_question_is_answered(&*database.store(), 240);
}
