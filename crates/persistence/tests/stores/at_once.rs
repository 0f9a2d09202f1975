//! Answers at once: they are those of the other store, or none.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use guildhall_domain::access::Caller;
use guildhall_domain::contract::{Fixture, checks, lookups, membership_checks};
use guildhall_domain::group::{Group, SystemGroup};
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::ports::{
    AccountStatus, Cancellation, CheckedGroups, FoundFor, MembershipAnswer, MembershipQuestion, Reader, Store,
    StoreError, Undo, Writer,
};
use guildhall_domain::user::{User, UserId};
use guildhall_persistence::Database;

use super::databases;

/// Two ways to one database: questions of one statement are answered at once, and everything else in the other way.
struct BothWays {
    store: Arc<dyn Store>,
    at_once: Arc<dyn Store>,
}

impl BothWays {
    fn into(database: &Database) -> Self {
        let at_once = database.store_at_once().expect("SQLite answers at once");
        Self { store: database.store(), at_once }
    }

    /// The answer at once. The machine may be so busy that there is none for a while.
    fn patiently<T>(&self, ask: impl Fn(&dyn Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let began = Instant::now();
        loop {
            match ask(&*self.at_once) {
                Err(error) if began.elapsed() > Duration::from_mins(1) => return Err(error),
                Err(_) => thread::yield_now(),
                answered => return answered,
            }
        }
    }
}

impl Store for BothWays {
    fn reading(&self, cancellation: &Cancellation, work: &mut dyn FnMut(&mut dyn Reader)) -> Result<(), StoreError> {
        assert!(self.at_once.reading(cancellation, &mut |_| panic!("no unit of work is run at once")).is_err());
        self.store.reading(cancellation, work)
    }

    fn writing(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.store.writing(work)
    }

    fn writing_shared(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.store.writing_shared(work)
    }

    fn writing_alone(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.store.writing_alone(work)
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.store.ready()
    }

    fn check(&self, wanted: &Cancellation, check: &MembershipQuestion<'_>) -> Result<MembershipAnswer, StoreError> {
        match check.caller {
            Some(_) => self.patiently(|store| store.check(wanted, check)),
            None => self.store.check(wanted, check),
        }
    }

    fn account(&self, wanted: &Cancellation, caller: UserId) -> Result<Option<AccountStatus>, StoreError> {
        self.patiently(|store| store.account(wanted, caller))
    }

    fn user_for(
        &self,
        wanted: &Cancellation,
        caller: UserId,
        user: &UserIdentifier,
    ) -> Result<FoundFor<User>, StoreError> {
        self.patiently(|store| store.user_for(wanted, caller, user))
    }

    fn group_for(
        &self,
        wanted: &Cancellation,
        caller: UserId,
        group: &GroupIdentifier,
    ) -> Result<FoundFor<Group>, StoreError> {
        self.patiently(|store| store.group_for(wanted, caller, group))
    }
}

/// What the contract says of the questions that are answered at once.
#[test]
fn answers_at_once_are_those_of_the_long_form() {
    for promise in [
        checks::a_check_says_what_the_long_form_says,
        checks::checks_are_answered_and_refused_as_by_the_long_form,
        lookups::single_things_are_found_as_by_the_long_form,
        lookups::single_things_are_shown_and_refused_as_by_the_long_form,
        membership_checks::many_checks_answer_as_single_ones,
    ] {
        let (database, _, _folder) = databases::sqlite();
        promise(Arc::new(BothWays::into(&database)));
    }
}

fn is_member_at_once(database: &Database, caller: &Caller) -> Result<bool, StoreError> {
    let at_once = database.store_at_once().expect("SQLite answers at once");
    let (user, group) = (UserIdentifier::Current, GroupIdentifier::Name(SystemGroup::SystemAdministrators.key()));
    let check = MembershipQuestion { caller: Some(caller.user), user: &user, groups: CheckedGroups::One(&group) };
    at_once.check(&Cancellation::new(), &check).map(|answer| answer.is_member)
}

/// Asks until there is an answer.
fn await_answer(database: &Database, caller: &Caller) {
    let began = Instant::now();
    while is_member_at_once(database, caller).is_err() {
        assert!(began.elapsed() < Duration::from_mins(1), "no answer within a minute");
        thread::yield_now();
    }
}

#[test]
fn there_is_an_answer_at_once_beside_a_writer() {
    let (database, url, _folder) = databases::sqlite();
    let fixture = Fixture::over(database.store());
    let mut writer = open(&url);
    writer.batch_execute("BEGIN IMMEDIATE; UPDATE groups SET version = version WHERE false").expect("a lock");
    await_answer(&database, &fixture.admin);
}

fn open(url: &str) -> SqliteConnection {
    SqliteConnection::establish(url.strip_prefix("sqlite://").expect("a file")).expect("the file")
}

/// A statement that would read for long ends soon, and for a while nothing is answered at once.
#[test]
fn a_long_statement_is_given_up_and_is_followed_by_a_rest() {
    const GROUPS: usize = 40_000;
    let (database, url, _folder) = databases::sqlite();
    let fixture = Fixture::over(database.store());
    let user = fixture.user("marla");
    let hexadecimal = user.0.simple();
    open(&url)
        .batch_execute(&format!(
            "PRAGMA foreign_keys = OFF; WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {GROUPS}) \
             INSERT INTO group_users (group_id, user_id, added) SELECT randomblob(16), unhex('{hexadecimal}'), 0 FROM n"
        ))
        .expect("memberships");
    let (current, group) = (UserIdentifier::Current, GroupIdentifier::from("Nothing"));
    let check = MembershipQuestion { caller: Some(user), user: &current, groups: CheckedGroups::One(&group) };
    let (store, at_once) = (database.store(), database.store_at_once().expect("SQLite answers at once"));
    let began = Instant::now();
    let answer = store.check(&Cancellation::new(), &check).expect("an answer");
    let whole = began.elapsed();
    assert!(!answer.is_member);
    await_answer(&database, &fixture.admin);
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        await_answer(&database, &fixture.admin);
        let began = Instant::now();
        assert!(at_once.check(&Cancellation::new(), &check).is_err());
        fastest = fastest.min(began.elapsed());
        assert!(is_member_at_once(&database, &fixture.admin).is_err(), "it rests");
    }
    assert!(fastest < whole / 2, "given up after {fastest:?} of {whole:?}");
}

#[test]
fn a_file_that_is_gone_or_another_gives_no_answer() {
    let (database, url, files) = databases::sqlite();
    let fixture = Fixture::over(database.store());
    await_answer(&database, &fixture.admin);
    let path = url.strip_prefix("sqlite://").expect("a file");
    std::fs::rename(path, files.beside(".aside")).expect("renamed");
    let began = Instant::now();
    while is_member_at_once(&database, &fixture.admin).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(10), "it answers from a file that is gone");
    }
    std::fs::rename(files.beside(".aside"), path).expect("renamed");
    database.store().ready().expect("ready");
    await_answer(&database, &fixture.admin);
}

#[test]
fn postgres_is_never_asked_by_a_thread_that_must_not_wait() {
    let (database, _, _dropped) = databases::postgres();
    assert!(database.store_at_once().is_none());
}
