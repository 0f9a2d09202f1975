//! Reading the log of all changes.

use std::sync::Arc;

use uuid::Uuid;

use super::Fixture;
use super::events::{ids, told};
use super::fixture::must;
use crate::access::Refused;
use crate::directory::{Verification, VerificationError};
use crate::event::{ChainError, Event, EventHead, EventId, EventType, TypePattern};
use crate::group::GroupId;
use crate::ports::{EventOrder, EventQuery, Store};
use crate::time::Timestamp;

/// Whether an event is one of those that are asked for.
type Passes<'a> = Box<dyn Fn(&Event) -> bool + 'a>;

/// Events are counted without gaps, and each is chained to the one before it.
pub fn events_are_counted_and_chained(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let group = fixture.event_group("Soap");
    for number in 0..20 {
        fixture.add_member_now(group, fixture.user(&format!("user{number}")));
    }
    let events = fixture.events(&EventQuery { limit: 1000, ..EventQuery::default() });
    let verified = events.iter().try_fold(EventHead::default(), EventHead::verify);
    assert_eq!(verified, Ok(fixture.event_head()));
    let count = events.len() as u64;
    assert_eq!(fixture.verified(None), Verification { count, head: fixture.event_head() });
    assert_eq!(fixture.verified(Some(3)), Verification { count: count - 2, head: fixture.event_head() });
    let beyond = fixture.directory.verify_events(&fixture.operator(), Some(count + 2));
    assert!(matches!(beyond, Err(VerificationError::NoSuchEvent(sequence)) if sequence == count + 1), "{beyond:?}");
    let (mut walked, mut after) = (Vec::new(), 0);
    loop {
        let page = fixture.events(&EventQuery::following(after, 7));
        let Some(last) = page.last() else { break };
        after = last.sequence;
        walked.extend(page);
    }
    assert_eq!(walked, events);
    let latest = EventQuery {
        order: EventOrder::Descending,
        limit: 2,
        after: Some(events.len() as u64),
        ..EventQuery::default()
    };
    let expected: Vec<_> = events.iter().rev().skip(1).take(2).cloned().collect();
    assert_eq!(fixture.events(&latest), expected);
    for event in &events {
        assert_eq!(must(fixture.directory.event(&fixture.by(&fixture.admin), event.id)), *event);
    }
    assert!(fixture.directory.event(&fixture.by(&fixture.admin), EventId(Uuid::max())).is_err());
    let first_lost = events.iter().skip(1).try_fold(EventHead::default(), EventHead::verify);
    assert_eq!(first_lost, Err(ChainError::Gap { expected: 1, found: 2 }));
}

/// Events are found by what they are about, who caused them, what happened and when.
pub fn events_are_found_by_every_filter(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let groups = ["One", "Two", "Three"].map(|name| fixture.event_group(name));
    let users = ["a", "b", "c"].map(|name| fixture.user(name));
    for (number, group) in groups.iter().enumerate() {
        for user in users.iter().skip(number) {
            fixture.add_member_now(*group, *user);
            fixture.wait_minutes(1);
        }
    }
    let all = fixture.events(&EventQuery { limit: 1000, ..EventQuery::default() });
    let start = all.first().map_or(0, |event| event.sequence);
    let middle = all[all.len() / 2].time;
    let types = |text| TypePattern::parse(text).ok();
    let named = |event: &Event, id: &str| event.text.contains(id);
    let group = format!("\"group\":{{\"id\":\"{}\"", groups[1]);
    let user = users[2].to_string();
    let filters: Vec<(EventQuery, Passes<'_>)> = vec![
        (EventQuery { group: Some(groups[1]), ..EventQuery::default() }, Box::new(|event| named(event, &group))),
        (EventQuery { user: Some(users[2]), ..EventQuery::default() }, Box::new(|event| named(event, &user))),
        (
            EventQuery { actor: Some(fixture.admin.user), ..EventQuery::default() },
            Box::new(|event| event.kind != EventType::UserCreated && !named(event, "\"via\":\"bootstrap\"")),
        ),
        (
            EventQuery { types: types("guildhall.group.members.*"), ..EventQuery::default() },
            Box::new(|event| event.kind == EventType::MembersAdded),
        ),
        (EventQuery { from: Some(middle), ..EventQuery::default() }, Box::new(move |event| event.time >= middle)),
        (EventQuery { to: Some(middle), ..EventQuery::default() }, Box::new(move |event| event.time < middle)),
        (
            EventQuery {
                group: Some(groups[1]),
                user: Some(users[2]),
                from: Some(Timestamp::EARLIEST),
                ..EventQuery::default()
            },
            Box::new(|event| named(event, &group) && named(event, &user)),
        ),
        (EventQuery { group: Some(GroupId(Uuid::nil())), ..EventQuery::default() }, Box::new(|_| false)),
    ];
    for (query, passes) in filters {
        let expected: Vec<_> = all.iter().filter(|event| passes(event)).cloned().collect();
        assert_eq!(fixture.events(&EventQuery { limit: 1000, ..query.clone() }), expected, "{query:?}");
        let latest = EventQuery { limit: 2, order: EventOrder::Descending, ..query.clone() };
        assert_eq!(fixture.events(&latest), expected.iter().rev().take(2).cloned().collect::<Vec<_>>(), "{query:?}");
        let deep = EventQuery { limit: 2, after: Some(start + 6), ..query };
        let later = expected.iter().filter(|event| event.sequence > start + 6);
        assert_eq!(fixture.events(&deep), later.take(2).cloned().collect::<Vec<_>>());
    }
}

/// What was pruned leaves the hash that the rest is verified from.
pub fn old_events_are_pruned(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let group = fixture.event_group("Soap");
    let first = fixture.events(&EventQuery { limit: 1000, ..EventQuery::default() });
    fixture.wait_days(10);
    fixture.add_member_now(group, fixture.user("user"));
    let pruned = must(fixture.directory.prune_events(&fixture.by(&fixture.admin), fixture.now().plus_days(0)));
    assert_eq!(pruned, first.len() as u64);
    let query = EventQuery { limit: 1000, ..EventQuery::default() };
    let page = must(fixture.directory.events(&fixture.by(&fixture.admin), &query));
    assert_eq!(Some(page.checkpoint), first.last().map(Event::head));
    assert_eq!(page.events.iter().try_fold(page.checkpoint, EventHead::verify), Ok(page.head));
    assert_eq!(page.events.len(), 1);
    assert_eq!(fixture.verified(None), Verification { count: 1, head: page.head });
    let all = must(fixture.directory.prune_events(&fixture.by(&fixture.admin), Timestamp::LATEST));
    assert_eq!((all, fixture.event_head()), (1, page.head));
    fixture.add_member_now(group, fixture.user("other"));
    assert_eq!(fixture.event_head().sequence, page.head.sequence + 1);
    assert_eq!(fixture.verified(None), Verification { count: 1, head: fixture.event_head() });
}

/// Only System Administrators read the log.
pub fn the_log_is_read_by_administrators(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let user = fixture.caller(fixture.user("user"));
    let query = EventQuery { limit: 1, ..EventQuery::default() };
    let denied = |read: Result<_, Refused>| matches!(read, Err(Refused::Denied(_)));
    assert!(denied(fixture.directory.events(&fixture.by(&user), &query).map(drop)));
    assert!(denied(fixture.directory.event_head(&fixture.by(&user)).map(drop)));
    assert!(denied(fixture.directory.prune_events(&fixture.by(&user), fixture.now()).map(drop)));
}

/// Whoever follows the log meets every event of many writers once, in order, and what one writer did in its order.
pub fn whoever_follows_the_log_meets_every_event_once(store: Arc<dyn Store>) {
    const WRITERS: u64 = 4;
    const EACH: u64 = 12;
    let fixture = Fixture::over(store);
    let groups: Vec<_> = (0..WRITERS).map(|number| fixture.event_group(&format!("group{number}"))).collect();
    let users: Vec<_> = (0..EACH).map(|number| fixture.user(&format!("user{number}"))).collect();
    let start = fixture.event_head().sequence;
    let followed = std::thread::scope(|scope| {
        for group in &groups {
            let (fixture, users) = (&fixture, &users);
            scope.spawn(move || users.iter().for_each(|user| fixture.add_member_now(*group, *user)));
        }
        let mut followed: Vec<Event> = Vec::new();
        while (followed.len() as u64) < WRITERS * EACH {
            let after = followed.last().map_or(start, |last| last.sequence);
            followed.extend(fixture.events(&EventQuery::following(after, 5)));
        }
        followed
    });
    let sequences: Vec<_> = followed.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, (start + 1..=start + WRITERS * EACH).collect::<Vec<_>>());
    fixture.verified(None);
    for group in groups {
        let of_group = followed.iter().filter(|event| event.text.contains(&format!("\"subject\":\"groups/{group}\"")));
        let told: Vec<_> = of_group.flat_map(|event| ids(&told(event), "userIds")).collect();
        assert_eq!(told, users.iter().map(ToString::to_string).collect::<Vec<_>>());
    }
}
