//! Units of work in which a statement fails: they are run again if that may help, and never committed.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use guildhall_domain::contract::{Fixture, TestClock, user_named};
use guildhall_domain::group::GroupId;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::memory::Memory;
use guildhall_domain::ports::{Fault, NameSource, Store, StoreError, Writer};
use guildhall_domain::provenance::Provenance;
use guildhall_domain::user::{SecurityStamp, User, UserId};
use guildhall_persistence::{Database, DatabaseSettings};
use uuid::Uuid;

use super::databases;

fn insert(directory: &mut dyn Writer, user: &User) -> Result<(), StoreError> {
    directory.insert_user(user, None, SecurityStamp(user.id.0), NameSource::Authority)
}

/// A user whose username is taken, one who takes the same name, and one whose name is free.
fn users(fixture: &Fixture) -> [User; 3] {
    let taken = user_named("taken", Uuid::from_u128(0xfeed));
    fixture.insert(&taken);
    [taken, user_named("taken", Uuid::from_u128(0xfeee)), user_named("free", Uuid::from_u128(0xfeef))]
}

fn is_stored(fixture: &Fixture, user: &User) -> bool {
    let read: Result<_, StoreError> = fixture.store.read(|directory| directory.user(user.id));
    read.expect("the store reads").is_some()
}

/// The error and its causes, as one text.
fn chain(error: &StoreError) -> String {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        texts.push(error.to_string());
        cause = error.source();
    }
    texts.join(": ")
}

/// Work that ignores the error of a duplicate insert fails with that error, and what it did before is rolled back.
fn an_ignored_failure_is_reported_and_nothing_committed(store: Arc<dyn Store>) -> StoreError {
    let fixture = Fixture::over(store);
    let [_, duplicate, free] = users(&fixture);
    let outcome: Result<(), StoreError> = fixture.store.write(|directory| {
        insert(directory, &free)?;
        assert!(insert(directory, &duplicate).is_err());
        Ok(())
    });
    assert!(!is_stored(&fixture, &free));
    assert!(!is_stored(&fixture, &duplicate));
    outcome.expect_err("a statement failed")
}

/// If the conflict is gone in the second attempt, the work commits, whether it ignored the error of the first or not.
fn work_runs_again_after_a_conflict(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [_, duplicate, free] = users(&fixture);
    for is_ignored in [true, false] {
        let attempts = Cell::new(0);
        let outcome: Result<(), StoreError> = fixture.store.write_alone(|directory| {
            attempts.set(attempts.get() + 1);
            if attempts.get() > 1 {
                directory.delete_user(duplicate.id, guildhall_domain::time::Timestamp::from_milliseconds(0))?;
                return Ok(());
            }
            insert(directory, &free)?;
            match insert(directory, &duplicate) {
                Err(_) if is_ignored => Ok(()),
                outcome => outcome,
            }
        });
        assert!(outcome.is_ok(), "{outcome:?}");
        assert_eq!(attempts.get(), 2);
        assert!(!is_stored(&fixture, &free));
    }
}

/// A unique or foreign-key violation in every attempt is the cause of the error.
fn a_lasting_violation_is_the_cause(store: Arc<dyn Store>, unique: &str, foreign_key: &str) {
    let fixture = Fixture::over(store);
    let [taken, duplicate, _] = users(&fixture);
    let attempts = Cell::new(0);
    let outcome: Result<(), StoreError> = fixture.store.write(|directory| {
        attempts.set(attempts.get() + 1);
        insert(directory, &duplicate)
    });
    let error = outcome.expect_err("the name is taken");
    assert_eq!((error.fault(), attempts.get()), (Fault::Unavailable, 8));
    assert!(chain(&error).contains(unique), "{}", chain(&error));
    let nowhere = GroupId(Uuid::from_u128(0xdead));
    let outcome: Result<Vec<UserId>, StoreError> = fixture.store.write(|directory| {
        directory.insert_members(nowhere, &BTreeSet::from([taken.id]), Provenance::at(taken.created))
    });
    let error = outcome.expect_err("no such group");
    assert_eq!(error.fault(), Fault::Unavailable);
    assert!(chain(&error).contains(foreign_key), "{}", chain(&error));
}

#[test]
fn work_that_ignores_a_failure_is_not_committed_to_sqlite() {
    let (database, _, _folder) = databases::sqlite();
    let error = an_ignored_failure_is_reported_and_nothing_committed(database.store());
    assert_eq!(error.fault(), Fault::Unavailable);
    assert!(chain(&error).contains("UNIQUE constraint failed: users.username_key"), "{}", chain(&error));
}

#[test]
fn work_that_ignores_a_failure_is_not_committed_to_postgres() {
    let (database, _, _dropped) = databases::postgres();
    let error = an_ignored_failure_is_reported_and_nothing_committed(database.store());
    assert_eq!(error.fault(), Fault::Unavailable);
    assert!(chain(&error).contains("users_username_key_key"), "{}", chain(&error));
}

#[test]
fn work_that_ignores_a_failure_is_not_committed_to_memory() {
    let error = an_ignored_failure_is_reported_and_nothing_committed(Arc::new(Memory::new(TestClock::new())));
    assert_eq!(error.fault(), Fault::Failed);
}

/// A call of the writer about a user.
type Call = fn(&mut dyn Writer, &User) -> Result<(), StoreError>;

/// Work of one change that goes on after it fails: it may not rely on the change being undone.
fn one_change_is_the_last_call(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let second = user_named("second", Uuid::from_u128(0xfeed));
    let goes_on: [Call; 2] = [|writer, user| insert(writer, user), |writer, user| writer.user(user.id).map(drop)];
    for (go_on, first) in goes_on.into_iter().zip([0xfeee, 0xfeef].map(Uuid::from_u128)) {
        let once: Result<(), StoreError> = fixture.store.write_once(|writer| {
            insert(writer, &user_named(&format!("user {}", first.as_u128()), first))?;
            go_on(writer, &second)
        });
        assert_eq!(once.expect_err("it goes on").fault(), Fault::Failed);
        assert!(!is_stored(&fixture, &second));
    }
}

#[test]
fn one_change_is_the_last_call_in_sqlite() {
    let (database, _, _folder) = databases::sqlite();
    one_change_is_the_last_call(database.store());
}

#[test]
fn one_change_is_the_last_call_in_postgres() {
    let (database, _, _dropped) = databases::postgres();
    one_change_is_the_last_call(database.store());
}

#[test]
fn work_runs_again_after_a_conflict_in_sqlite() {
    let (database, _, _folder) = databases::sqlite();
    work_runs_again_after_a_conflict(database.store());
}

#[test]
fn work_runs_again_after_a_conflict_in_postgres() {
    let (database, _, _dropped) = databases::postgres();
    work_runs_again_after_a_conflict(database.store());
}

#[test]
fn a_lasting_violation_in_sqlite_is_the_cause() {
    let (database, _, _folder) = databases::sqlite();
    let unique = "UNIQUE constraint failed: users.username_key";
    a_lasting_violation_is_the_cause(database.store(), unique, "FOREIGN KEY constraint failed");
}

#[test]
fn a_lasting_violation_in_postgres_is_the_cause() {
    let (database, _, _dropped) = databases::postgres();
    a_lasting_violation_is_the_cause(database.store(), "users_username_key_key", "group_users_group_id_fkey");
}

/// While one removal is not committed, another one is done; only work that runs alone has to wait for both.
#[test]
fn on_postgres_removals_do_not_wait_for_one_another() {
    let (_database, url, _dropped) = databases::postgres();
    let limit = Some(Duration::from_secs(5));
    let settings = DatabaseSettings { statement_timeout: limit, ..databases::settings(&url) };
    let database = Database::connect(&settings).expect("a database");
    let fixture = Fixture::over(database.store());
    let (group, users) = (fixture.group("Soap"), ["one", "two"].map(|name| fixture.user(name)));
    fixture.join(group, &users);
    let outcome: Result<(), StoreError> = fixture.store.write_shared(|directory| {
        directory.remove_member(group, users[0], guildhall_domain::time::Timestamp::from_milliseconds(0))?;
        let other = UserIdentifier::Id(users[1]);
        let id = GroupIdentifier::Id(group);
        thread::scope(|scope| {
            let removed = scope.spawn(|| fixture.directory.remove_member(&fixture.by(&fixture.admin), &id, &other));
            removed.join().expect("no panic").expect("it does not wait");
        });
        Ok(())
    });
    outcome.expect("committed");
    assert_eq!(fixture.read(group).user_count, 0);
    let alone: Result<(), StoreError> = fixture.store.write_shared(|_| {
        let blocked: Result<(), StoreError> = fixture.store.write_alone(|_| Ok(()));
        assert_eq!(blocked.expect_err("it waits").fault(), Fault::Unavailable);
        Ok(())
    });
    alone.expect("committed");
}
