//! What is due when its date has come: in few statements, once, whoever finds it, and by one clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use guildhall_domain::contract::{Fixture, Given, TestClock};
use guildhall_domain::group::GroupId;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::ports::{Cancellation, Clock as _, DueChange, Ended, Fault, Store, StoreError};
use guildhall_domain::provenance::Provenance;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use guildhall_domain::validity::Validity;
use guildhall_persistence::Database;

use super::counting::{count_from_now_on, statements};
use super::databases;

pub(crate) fn between(from: Option<Timestamp>, until: Option<Timestamp>) -> Validity {
    Validity { from, until }
}

fn later(fixture: &Fixture, seconds: u64) -> Timestamp {
    fixture.clock.now().plus(Duration::from_secs(seconds))
}

/// Gives `users` these dates in `group`, as of now by `clock`.
pub(crate) fn schedule(store: &dyn Store, group: GroupId, users: &[UserId], validity: Validity, now: Timestamp) {
    let dates: BTreeMap<UserId, Validity> = users.iter().map(|user| (*user, validity)).collect();
    let set: Result<(), StoreError> =
        store.write_alone(|writer| writer.set_validity_of_members(group, &dates, Provenance::at(now), now));
    set.expect("dates");
}

fn schedule_children(fixture: &Fixture, parent: GroupId, children: &[GroupId], validity: Validity) {
    let now = fixture.clock.now();
    let dates: BTreeMap<GroupId, Validity> = children.iter().map(|child| (*child, validity)).collect();
    let set: Result<(), StoreError> =
        fixture.store.write_alone(|writer| writer.set_validity_of_children(parent, &dates, Provenance::at(now), now));
    set.expect("dates");
}

/// What the first request takes that finds `size` beginnings and ends of memberships and of edges.
fn costs(fixture: &Fixture, size: usize) -> [usize; 2] {
    let made = |kind: &str| (0..size).map(|number| format!("{kind} {size} {number}")).collect::<Vec<_>>();
    let users: Vec<UserId> = made("user").iter().map(|name| fixture.user(name)).collect();
    let [coming, leaving, parent] =
        ["coming", "leaving", "parent"].map(|name| fixture.group(&format!("{name} {size}")));
    let groups: Vec<GroupId> = made("group").iter().map(|name| fixture.group(name)).collect();
    let (soon, late) = (later(fixture, 10), later(fixture, 20));
    fixture.join(leaving, &users);
    let now = fixture.clock.now();
    schedule(&*fixture.store, coming, &users, between(Some(soon), None), now);
    schedule(&*fixture.store, leaving, &users, between(None, Some(soon)), now);
    fixture.clock.set(soon);
    let ask = || fixture.directory.authenticate(&fixture.by(&fixture.admin)).expect("an answer");
    let memberships = statements(ask);
    assert_eq!((fixture.read(coming).user_count, fixture.read(leaving).user_count), (size as u64, 0));
    schedule_children(fixture, parent, &groups, between(Some(late), None));
    fixture.clock.set(late);
    let edges = statements(ask);
    assert_eq!(fixture.read(parent).child_group_count, size as u64);
    [memberships, edges]
}

fn a_thousand_that_are_due_take_as_many_statements_as_three(given: Given) {
    let fixture = Fixture::given(given);
    let few = costs(&fixture, 3);
    assert_eq!(costs(&fixture, 1000), few);
}

/// More is due than is made so in one unit of work: whoever asks first sees all of it.
fn what_is_due_in_several_steps_is_seen_at_once(given: Given) {
    const USERS: usize = 250;
    let fixture = Fixture::given(given);
    let users: Vec<UserId> = (0..USERS).map(|number| fixture.user(&format!("user {number}"))).collect();
    let groups: Vec<GroupId> = (0..200).map(|number| fixture.group(&format!("group {number}"))).collect();
    let (parent, soon, now) = (fixture.group("parent"), later(&fixture, 10), fixture.clock.now());
    for (number, group) in groups.iter().enumerate() {
        // Half of them at the same moment, the others one after the other, and each fourth ends before anybody looks.
        let from = later(&fixture, if number % 2 == 0 { 10 } else { 1 + number as u64 % 9 });
        let until = (number % 4 == 1).then(|| later(&fixture, 10));
        schedule(&*fixture.store, *group, &users, between(Some(from), until), now);
    }
    schedule_children(&fixture, parent, &groups, between(Some(soon), None));
    fixture.clock.set(soon);
    fixture.directory.authenticate(&fixture.by(&fixture.admin)).expect("an answer");
    assert_eq!(fixture.read(parent).child_group_count, groups.len() as u64);
    for (number, group) in groups.iter().enumerate() {
        let expected = if number % 4 == 1 { 0 } else { USERS as u64 };
        assert_eq!(fixture.read(*group).user_count, expected, "{number}");
    }
    assert!(fixture.is_in(parent, users[0]));
    let make_due = |at| {
        let made = fixture.store.write_alone::<_, StoreError>(|writer| writer.make_due(at, true));
        made.expect("settled").expect("with edges")
    };
    assert_eq!(make_due(soon), []);
    // Edges that are due later than what one unit of work makes so: each change is told once.
    let [early, late, latest] = [15, 20, 21].map(|seconds| later(&fixture, seconds));
    let staying: Vec<GroupId> = groups.iter().step_by(2).copied().collect();
    for group in &staying {
        schedule(&*fixture.store, *group, &users, between(None, Some(late)), soon);
    }
    schedule_children(&fixture, parent, &staying[..1], between(None, Some(early)));
    schedule_children(&fixture, parent, &staying[1..], between(None, Some(latest)));
    fixture.clock.set(latest);
    let mut told = Vec::new();
    loop {
        let step = make_due(latest);
        assert!(step.len() <= 20_000 + staying.len(), "{}", step.len());
        if step.is_empty() {
            break;
        }
        told.extend(step);
    }
    assert_eq!(told.len(), staying.len() * (USERS + 1));
    assert!(told.iter().all(|change| !change.is_in));
    assert!(staying.iter().all(|group| fixture.read(*group).user_count == 0));
}

/// All users who join and leave at one moment do so once, however many threads and programs find it at once.
fn what_is_due_happens_once(databases: [&Database; 2], clock: &Arc<TestClock>) {
    const USERS: usize = 60;
    let fixture = Fixture::given(Given { store: databases[0].store(), clock: Arc::clone(clock) });
    let users: Vec<UserId> = (0..USERS).map(|number| fixture.user(&format!("user {number}"))).collect();
    let [coming, leaving, top] = ["coming", "leaving", "top"].map(|name| fixture.group(name));
    fixture.join(leaving, &users);
    let soon = later(&fixture, 10);
    let now = clock.now();
    schedule(&*fixture.store, coming, &users, between(Some(soon), None), now);
    schedule(&*fixture.store, leaving, &users[..USERS / 2], between(None, Some(soon)), now);
    schedule_children(&fixture, top, &[coming, leaving], between(Some(soon), None));
    clock.set(soon);
    let start = Barrier::new(8);
    let happened: Vec<DueChange> = thread::scope(|scope| {
        let settling: Vec<_> = (0..8)
            .map(|number| {
                let (store, start) = (databases[number % 2].store(), &start);
                scope.spawn(move || {
                    start.wait();
                    let made: Result<_, StoreError> = store.write_alone(|writer| writer.make_due(soon, true));
                    made.expect("settled").expect("with edges")
                })
            })
            .collect();
        settling.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(happened.len(), USERS + USERS / 2 + 2);
    let counts = [coming, leaving].map(|group| fixture.read(group).user_count);
    assert_eq!((counts, fixture.read(top).child_group_count), ([USERS as u64, USERS as u64 / 2], 2));
}

/// The same, by requests beside others that remove those who come, and add those who go.
fn requests_find_it_beside_changes(databases: [&Database; 2], clock: &Arc<TestClock>) {
    const USERS: usize = 24;
    let fixture = Fixture::given(Given { store: databases[0].store(), clock: Arc::clone(clock) });
    let group = fixture.group("group");
    let id = GroupIdentifier::Id(group);
    let users: Vec<UserId> = (0..USERS).map(|number| fixture.user(&format!("user {number}"))).collect();
    for round in 0..5 {
        let soon = later(&fixture, 10);
        schedule(&*fixture.store, group, &users, between(Some(soon), None), clock.now());
        clock.set(soon);
        let start = Barrier::new(6);
        thread::scope(|scope| {
            for number in 0..6 {
                let (fixture, id, users, start) = (&fixture, &id, &users, &start);
                let directory = fixture.directory_over(databases[number % 2].store());
                scope.spawn(move || {
                    start.wait();
                    for user in users.iter().skip(number).step_by(6) {
                        let removed =
                            directory.remove_member(&fixture.by(&fixture.admin), id, &UserIdentifier::Id(*user));
                        assert!(removed.is_ok(), "round {round}: {removed:?}");
                    }
                });
            }
        });
        assert_eq!(fixture.read(group).user_count, 0, "round {round}");
    }
}

fn over_sqlite(test: impl Fn([&Database; 2], &Arc<TestClock>)) {
    let clock = TestClock::new();
    let (one, url, _folder) = databases::sqlite_by(clock.clone());
    let other = Database::connect_by(&databases::settings(&url), clock.clone()).expect("a database");
    test([&one, &other], &clock);
}

fn over_postgres(test: impl Fn([&Database; 2], &Arc<TestClock>)) {
    let clock = TestClock::new();
    let (one, url, _dropped) = databases::postgres_by(clock.clone());
    let other = Database::connect_by(&databases::settings(&url), clock.clone()).expect("a database");
    test([&one, &other], &clock);
}

#[test]
fn on_sqlite_what_is_due_in_several_steps_is_seen_at_once() {
    let clock = TestClock::new();
    let (database, _, _folder) = databases::sqlite_by(clock.clone());
    what_is_due_in_several_steps_is_seen_at_once(Given { store: database.store(), clock });
}

#[test]
fn on_postgres_what_is_due_in_several_steps_is_seen_at_once() {
    let clock = TestClock::new();
    let (database, _, _dropped) = databases::postgres_by(clock.clone());
    what_is_due_in_several_steps_is_seen_at_once(Given { store: database.store(), clock });
}

#[test]
fn on_sqlite_a_thousand_that_are_due_take_as_many_statements_as_three() {
    count_from_now_on();
    let clock = TestClock::new();
    let (database, _, _folder) = databases::sqlite_by(clock.clone());
    a_thousand_that_are_due_take_as_many_statements_as_three(Given { store: database.store(), clock });
}

#[test]
fn on_postgres_a_thousand_that_are_due_take_as_many_statements_as_three() {
    count_from_now_on();
    let clock = TestClock::new();
    let (database, _, _dropped) = databases::postgres_by(clock.clone());
    a_thousand_that_are_due_take_as_many_statements_as_three(Given { store: database.store(), clock });
}

#[test]
fn on_sqlite_what_is_due_happens_once() {
    over_sqlite(what_is_due_happens_once);
}

#[test]
fn on_postgres_what_is_due_happens_once() {
    over_postgres(what_is_due_happens_once);
}

#[test]
fn on_sqlite_requests_find_what_is_due_beside_changes() {
    over_sqlite(requests_find_it_beside_changes);
}

#[test]
fn on_postgres_requests_find_what_is_due_beside_changes() {
    over_postgres(requests_find_it_beside_changes);
}

/// It is asked of the store that may wait, which says what is due.
#[test]
fn nothing_is_answered_at_once_while_something_is_due() {
    let clock = TestClock::new();
    let (database, _, _folder) = databases::sqlite_by(clock.clone());
    let fixture = Fixture::given(Given { store: database.store(), clock: Arc::clone(&clock) });
    let at_once = database.store_at_once().expect("SQLite answers at once");
    let ask = || at_once.account(&Cancellation::new(), fixture.admin.user);
    while ask().is_err() {
        thread::yield_now();
    }
    let (group, user) = (fixture.group("group"), fixture.user("user"));
    let soon = later(&fixture, 10);
    schedule(&*fixture.store, group, &[user], between(Some(soon), None), clock.now());
    clock.set(soon);
    for _ in 0..20 {
        assert_eq!(ask().expect_err("something is due").fault(), Fault::Unavailable);
    }
    fixture.directory.authenticate(&fixture.by(&fixture.admin)).expect("settled");
    while ask().is_err() {
        thread::yield_now();
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

type Remove = fn(&dyn Store, GroupId, UserId) -> Result<Ended, StoreError>;

/// A removal that began before somebody came in, and waited until they were in, removes them.
#[test]
fn on_postgres_a_removal_that_waits_for_a_beginning_ends_it() {
    let clock = TestClock::new();
    let (database, url, _dropped) = databases::postgres_by(clock.clone());
    let fixture = Fixture::given(Given { store: database.store(), clock: Arc::clone(&clock) });
    let (group, users) = (fixture.group("group"), ["one", "two"].map(|name| fixture.user(name)));
    let mut other = PgConnection::establish(&url).expect("the database");
    let remove: [Remove; 2] = [
        |store, group, user| {
            store.write_shared(|writer| writer.remove_member(group, user, Timestamp::from_milliseconds(0)))
        },
        |store, group, user| {
            store.write_shared(|writer| {
                let leaving = BTreeSet::from([user]);
                let added = Provenance::at(Timestamp::default());
                let joined = writer.change_members(group, (&BTreeSet::new(), added), &leaving)?;
                Ok(Ended::of(!joined.gone.is_empty(), !joined.cancelled.is_empty()))
            })
        },
    ];
    for (user, remove) in users.into_iter().zip(remove) {
        let soon = later(&fixture, 10);
        schedule(&*fixture.store, group, &[user], between(Some(soon), Some(later(&fixture, 20))), clock.now());
        let (group_id, user_id) = (group.0, user.0);
        // What settling does, as far as it can be seen.
        other
            .batch_execute(&format!(
                "BEGIN; SELECT 1 FROM membership_dates FOR UPDATE; \
                 INSERT INTO group_users (group_id, user_id, added) VALUES ('{group_id}', '{user_id}', 0); \
                 UPDATE membership_dates SET next_at = valid_until; \
                 UPDATE group_user_counts SET users = users + 1 WHERE group_id = '{group_id}' AND slot = 0"
            ))
            .expect("settling");
        let store = database.store();
        let removing = thread::spawn(move || remove(&*store, group, user));
        let waiting = "SELECT count(*) AS number FROM pg_stat_activity WHERE datname = current_database() \
            AND wait_event_type = 'Lock'";
        while sql_query(waiting).get_result::<Number>(&mut other).expect("a number").number == 0 {
            thread::yield_now();
        }
        other.batch_execute("COMMIT").expect("settled");
        assert_eq!(removing.join().expect("no panic").expect("removed"), Ended::Present);
        assert_eq!(fixture.read(group).user_count, 0);
        let left = sql_query(
            "SELECT (SELECT count(*) FROM membership_dates) + (SELECT count(*) FROM group_users \
             WHERE group_id = (SELECT id FROM groups WHERE name = 'group')) AS number",
        );
        assert_eq!(left.get_result::<Number>(&mut other).expect("a number").number, 0);
    }
}
