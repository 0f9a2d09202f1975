//! Failures that PostgreSQL tells in its own language: what follows from them does not depend on it.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use guildhall_domain::contract::{Fixture, user_named};
use guildhall_domain::ports::{Fault, StoreError};
use guildhall_persistence::{Database, DatabaseSettings};
use uuid::Uuid;

use super::databases;

/// Two units of work that lock the same users in opposite order: PostgreSQL ends one of them, which is run again.
#[test]
fn a_deadlock_is_run_again_whatever_the_server_calls_it() {
    let (database, url, _dropped) = databases::postgres();
    let fixture = Fixture::over(database.store());
    let users = [user_named("one", Uuid::from_u128(0xfeed)), user_named("two", Uuid::from_u128(0xfeee))];
    for user in &users {
        fixture.insert(user);
    }
    let (attempts, both_hold_one) = (AtomicU32::new(0), Barrier::new(2));
    thread::scope(|scope| {
        let work = [[users[0].id, users[1].id], [users[1].id, users[0].id]].map(|order| {
            let (fixture, attempts, both_hold_one) = (&fixture, &attempts, &both_hold_one);
            scope.spawn(move || {
                let outcome: Result<(), StoreError> = fixture.store.write(|directory| {
                    directory.user_to_change(order[0])?;
                    if attempts.fetch_add(1, Ordering::SeqCst) < 2 {
                        both_hold_one.wait();
                    }
                    directory.user_to_change(order[1])?;
                    Ok(())
                });
                outcome
            })
        });
        for outcome in work {
            outcome.join().expect("no panic").expect("run again");
        }
    });
    // The one that is run again may lock its first user before the other one has woken: then they meet once more.
    let run_again = i64::from(attempts.load(Ordering::SeqCst)) - 2;
    assert!(run_again > 0, "one of both was run again");
    assert_eq!(deadlocks(&url, run_again), run_again, "each deadlock ends one of both");
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

/// How many deadlocks the server counted, once it has counted as many as `expected`, or had long enough to.
fn deadlocks(url: &str, expected: i64) -> i64 {
    let mut connection = PgConnection::establish(url).expect("the database");
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        // The counters are passed on when the processes that have them find the time.
        let statement = "SELECT deadlocks AS count FROM pg_stat_database WHERE datname = current_database()";
        let found: Count = diesel::sql_query(statement).get_result(&mut connection).expect("a count");
        if found.count >= expected || Instant::now() > deadline {
            return found.count;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Both are errors of the same kind in PostgreSQL, and Diesel tells neither.
#[test]
fn time_limits_are_told_apart_from_other_refusals() {
    let (_database, url, _dropped) = databases::postgres();
    let limit = Duration::from_millis(300);
    let database = Database::connect(&DatabaseSettings { statement_timeout: Some(limit), ..databases::settings(&url) })
        .expect("a database");
    let fixture = Fixture::over(database.store());
    let mut other = PgConnection::establish(&url).expect("the database");
    other.batch_execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE").expect("a lock");
    let read: Result<_, StoreError> = fixture.store.read(|directory| directory.has_lasting_administrator());
    assert_eq!(read.expect_err("it waits").fault(), Fault::TimedOut(limit));
    let written: Result<_, StoreError> = fixture.store.write(|directory| directory.user_to_change(fixture.admin.user));
    assert_eq!(written.expect_err("it waits").fault(), Fault::Unavailable);
    other.batch_execute("ROLLBACK").expect("no lock");
    let read: Result<bool, StoreError> = fixture.store.read(|directory| directory.has_lasting_administrator());
    assert!(read.expect("it reads"));
    database.store().ready().expect("ready all the time");
}
