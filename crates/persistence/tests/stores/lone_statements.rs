//! Statements outside transactions: how many there are, that they are prepared once, and what ends them.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use guildhall_domain::access::{Caller, On, Permission};
use guildhall_domain::contract::Fixture;
use guildhall_domain::group::SystemGroup;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::ports::{Cancellation, CheckedGroups, Fault, MembershipQuestion, Store, StoreError};
use guildhall_persistence::{Database, DatabaseSettings};

use super::counting::{count_from_now_on, prepared, statements};
use super::databases;

/// Everything that is one statement, asked for by users and groups of every kind of identifier.
fn questions(fixture: &Fixture, caller: &Caller) -> Vec<Box<dyn Fn()>> {
    let directory = &fixture.directory;
    let (soap, system) = (fixture.group("Soap"), fixture.system(SystemGroup::SystemAdministrators));
    let users = [UserIdentifier::Current, UserIdentifier::Id(caller.user), UserIdentifier::from("admin")];
    let groups = [GroupIdentifier::Id(soap), GroupIdentifier::from("Soap"), GroupIdentifier::Id(system)];
    let mut questions: Vec<Box<dyn Fn()>> = Vec::new();
    let mut ask = |question: Box<dyn Fn()>| questions.push(question);
    macro_rules! ask {
        (|$directory:ident, $context:ident| $call:expr) => {{
            let ($directory, $context) = (directory.clone(), fixture.by(caller));
            ask(Box::new(move || {
                let _ = $call.expect("an answer");
            }));
        }};
    }
    ask!(|directory, context| directory.authenticate(&context));
    ask!(|directory, context| directory.authorise(&context, Permission::ChangeMembers, On::All));
    for user in users {
        for group in &groups {
            let (user, group) = (user.clone(), group.clone());
            ask!(|directory, context| directory.is_member(&context, &group, &user));
        }
        for names in ["Soap", "Soap,System Administrators", "Soap,75490b0f-56f7-4690-a20a-6f2a822f1d3f,Nothing"] {
            let user = user.clone();
            ask!(|directory, context| directory.is_member_of_any(&context, &user, names));
        }
        let on = user.clone();
        ask!(|directory, context| directory.authorise(&context, Permission::ChangeUsers, On::User(&on)));
        ask!(|directory, context| directory.user(&context, &user));
    }
    for group in groups {
        ask!(|directory, context| directory.group(&context, &group));
    }
    questions
}

/// One statement each, without a transaction, and prepared by a connection at its first use alone.
fn questions_are_one_statement_that_is_prepared_once(url: &str) {
    let settings = DatabaseSettings { pool_size: 1, ..databases::settings(url) };
    let database = Database::connect(&settings).expect("a database");
    let fixture = Fixture::over(database.store());
    let questions = questions(&fixture, &fixture.admin);
    let first: usize = questions.iter().map(prepared).sum();
    assert!((12..=questions.len()).contains(&first), "{first}");
    for (number, ask) in questions.iter().enumerate() {
        let mut sent = 0;
        assert_eq!(prepared(|| sent = statements(ask)), 0, "question {number}");
        assert_eq!(sent, 1, "question {number}");
    }
}

#[test]
fn on_sqlite_questions_are_one_statement_that_is_prepared_once() {
    count_from_now_on();
    let (_database, url, _folder) = databases::sqlite();
    questions_are_one_statement_that_is_prepared_once(&url);
}

#[test]
fn on_postgres_questions_are_one_statement_that_is_prepared_once() {
    count_from_now_on();
    let (_database, url, _dropped) = databases::postgres();
    questions_are_one_statement_that_is_prepared_once(&url);
}

/// However many checks there are, whoever asks, and by whatever identifiers.
#[test]
fn on_postgres_checks_together_are_one_statement_that_is_prepared_once() {
    count_from_now_on();
    let (_database, url, _dropped) = databases::postgres();
    let settings = DatabaseSettings { pool_size: 1, ..databases::settings(&url) };
    let database = Database::connect(&settings).expect("a database");
    let fixture = Fixture::over(database.store());
    let users = [UserIdentifier::Current, UserIdentifier::Id(fixture.admin.user), UserIdentifier::from("nobody")];
    let groups = [GroupIdentifier::Name(SystemGroup::Everyone.key()), GroupIdentifier::Id(fixture.group("Soap"))];
    let callers = [fixture.admin.user, fixture.user("caller")];
    for size in 2..70 {
        let question = |number: usize| MembershipQuestion {
            caller: Some(callers[number % 2]),
            user: &users[number % 3],
            groups: CheckedGroups::One(&groups[number / 2 % 2]),
        };
        let questions: Vec<_> = (0..size).map(question).collect();
        let mut sent = 0;
        let new = prepared(|| {
            sent = statements(|| assert!(database.store().check_together(&questions).iter().all(Result::is_ok)));
        });
        assert_eq!((sent, new), (1, usize::from(size == 2)), "{size} checks");
    }
}

/// All questions that are one statement, by the store's own methods.
fn ask_all(store: &dyn Store, caller: &Caller, wanted: &Cancellation) -> Vec<Result<(), StoreError>> {
    let (user, group) = (UserIdentifier::Current, GroupIdentifier::Name(SystemGroup::SystemAdministrators.key()));
    let check = MembershipQuestion { caller: Some(caller.user), user: &user, groups: CheckedGroups::One(&group) };
    vec![
        store.check(wanted, &check).map(drop),
        store.account(wanted, caller.user).map(drop),
        store.user_for(wanted, caller.user, &user).map(drop),
        store.group_for(wanted, caller.user, &group).map(drop),
    ]
}

fn limited(url: &str, limit: Duration) -> Database {
    let settings = DatabaseSettings { statement_timeout: Some(limit), pool_size: 1, ..databases::settings(url) };
    Database::connect(&settings).expect("a database")
}

/// The only connection of the pool is the same afterwards.
#[test]
fn on_postgres_a_lone_statement_ends_when_its_time_is_over() {
    let (database, url, _dropped) = databases::postgres();
    let fixture = Fixture::over(database.store());
    let limit = Duration::from_millis(200);
    let database = limited(&url, limit);
    let mut other = PgConnection::establish(&url).expect("the database");
    let pid = |other: &mut PgConnection| {
        number(
            other,
            "SELECT CAST(sum(pid) AS bigint) AS number FROM pg_stat_activity \
        WHERE datname = current_database() AND query LIKE '%caller.username%' AND pid <> pg_backend_pid()",
        )
    };
    assert!(ask_all(&*database.store(), &fixture.admin, &Cancellation::new()).iter().all(Result::is_ok));
    let before = pid(&mut other);
    other.batch_execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE").expect("a lock");
    for asked in ask_all(&*database.store(), &fixture.admin, &Cancellation::new()) {
        assert_eq!(asked.expect_err("it waits").fault(), Fault::TimedOut(limit));
    }
    // A change takes as long as it needs.
    other.batch_execute("ROLLBACK").expect("no lock");
    assert!(ask_all(&*database.store(), &fixture.admin, &Cancellation::new()).iter().all(Result::is_ok));
    assert_eq!(pid(&mut other), before);
}

/// The limit of the session is not that of a unit of work that writes.
#[test]
fn on_postgres_a_change_may_take_longer_than_a_lone_statement() {
    let (database, url, _dropped) = databases::postgres();
    let fixture = Fixture::over(database.store());
    let database = limited(&url, Duration::from_millis(200));
    let mut other = PgConnection::establish(&url).expect("the database");
    other
        .batch_execute(
            "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.6); RETURN NEW; END $$; \
             CREATE TRIGGER dawdle BEFORE INSERT ON group_users FOR EACH ROW EXECUTE FUNCTION dawdle()",
        )
        .expect("a trigger");
    let group = GroupIdentifier::Id(fixture.group("Soap"));
    let directory = fixture.directory_over(database.store());
    directory.add_member(&fixture.by(&fixture.admin), &group, &UserIdentifier::Current).expect("slow, and done");
    assert!(directory.is_member(&fixture.by(&fixture.admin), &group, &UserIdentifier::Current).expect("checked"));
}

/// Otherwise each run of a statement would parse it anew, once somebody has analyzed the file.
#[test]
fn sqlite_plans_a_statement_once_whatever_its_parameters_are() {
    let mut connection = SqliteConnection::establish(":memory:").expect("a database");
    let is_set = diesel::select(diesel::dsl::sql::<Bool>("sqlite_compileoption_used('ENABLE_QPSG')"));
    assert!(is_set.get_result::<bool>(&mut connection).expect("an answer"));
}

#[test]
fn on_sqlite_a_lone_statement_ends_when_its_time_is_over() {
    let (database, url, _folder) = databases::sqlite();
    let fixture = Fixture::over(database.store());
    let (user, group) = (UserIdentifier::Current, GroupIdentifier::Name(SystemGroup::SystemAdministrators.key()));
    let check =
        MembershipQuestion { caller: Some(fixture.admin.user), user: &user, groups: CheckedGroups::One(&group) };
    let hurried = limited(&url, Duration::ZERO).store();
    for _ in 0..3 {
        let error = hurried.check(&Cancellation::new(), &check).expect_err("no time is left");
        assert_eq!(error.fault(), Fault::TimedOut(Duration::ZERO));
    }
    assert!(database.store().check(&Cancellation::new(), &check).expect("checked").is_member);
}

/// Whoever cancels a statement that waits ends it soon; one that was cancelled before is not sent.
#[test]
fn on_postgres_a_lone_statement_ends_when_nobody_waits_for_it() {
    let (database, url, _dropped) = databases::postgres();
    let fixture = Fixture::over(database.store());
    let mut other = PgConnection::establish(&url).expect("the database");
    for _ in 0..2 {
        other.batch_execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE").expect("a lock");
        let (store, wanted) = (Arc::clone(&fixture.store), Cancellation::new());
        let (caller, cancelled) = (fixture.admin.clone(), wanted.clone());
        let asking = thread::spawn(move || ask_all(&*store, &caller, &cancelled));
        let waiting = "SELECT count(*) AS number FROM pg_stat_activity WHERE datname = current_database() \
            AND wait_event_type = 'Lock'";
        while number(&mut other, waiting) == 0 {
            thread::yield_now();
        }
        wanted.cancel();
        assert!(asking.join().expect("no panic").iter().all(Result::is_err));
        other.batch_execute("ROLLBACK").expect("no lock");
        assert!(ask_all(&*fixture.store, &fixture.admin, &Cancellation::new()).iter().all(Result::is_ok));
    }
}

/// Connections that the server closed while they were idle are not noticed by anybody.
#[test]
fn on_postgres_a_lone_statement_outlives_a_lost_connection() {
    let (database, url, _dropped) = databases::postgres();
    let fixture = Fixture::over(database.store());
    let mut other = PgConnection::establish(&url).expect("the database");
    for _ in 0..3 {
        assert!(ask_all(&*fixture.store, &fixture.admin, &Cancellation::new()).iter().all(Result::is_ok));
        other
            .batch_execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .expect("terminated");
        let asked = ask_all(&*fixture.store, &fixture.admin, &Cancellation::new());
        assert!(asked.iter().all(Result::is_ok), "{asked:?}");
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn number(connection: &mut PgConnection, statement: &str) -> i64 {
    diesel::sql_query(statement).get_result::<Number>(connection).expect("a number").number
}
