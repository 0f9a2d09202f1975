//! Kept answers in PostgreSQL: one transaction does not wait for another one that keeps an answer of the same caller.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use guildhall_domain::ports::{ANSWER_OVERHEAD, AnswerCounter, KeptAnswer, Store, StoreError};
use guildhall_domain::secret::SecretDigest;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use uuid::Uuid;

use super::databases;

const CALLER: UserId = UserId(Uuid::from_u128(1));

fn keep(store: &dyn Store, number: u8, meanwhile: impl Fn()) -> Result<(), StoreError> {
    let now = Timestamp::from_milliseconds(1_700_000_000_000);
    let answer = KeptAnswer { sealed: vec![number], expires: now.plus_days(1) };
    let counter = AnswerCounter { caller: CALLER, ends: answer.expires };
    store.write(|store| {
        store.keep_answer(&SecretDigest([number; 32]), &answer, counter, now)?;
        meanwhile();
        Ok(())
    })
}

fn totals(store: &dyn Store, days: u32) -> (u64, u64) {
    let now = Timestamp::from_milliseconds(1_700_000_000_000).plus_days(days);
    let found: Result<_, StoreError> = store.write(|store| store.kept_answer(&SecretDigest([0; 32]), CALLER, now));
    let (_, total) = found.expect("a total");
    (total.answers, total.bytes)
}

#[test]
fn answers_of_one_caller_are_kept_without_waiting() {
    let (database, _, _dropped) = databases::postgres();
    let store = database.store();
    keep(&*store, 1, || ()).expect("the first");
    let (done, is_done) = channel();
    keep(&*store, 2, || {
        let (store, done) = (Arc::clone(&store), done.clone());
        thread::spawn(move || done.send(keep(&*store, 3, || ()).is_ok()));
        assert_eq!(is_done.recv_timeout(Duration::from_secs(20)), Ok(true), "it waits for the other transaction");
    })
    .expect("kept");
    assert_eq!(totals(&*store, 0), (3, 3 * (ANSWER_OVERHEAD + 1)));
    assert_eq!(totals(&*store, 1), (0, 0));
}

/// The migration leaves what is kept as it is: it counts for nobody.
#[test]
fn what_was_kept_before_it_was_counted_stays() {
    let (database, url, _folder) = databases::sqlite();
    let mut connection = SqliteConnection::establish(url.strip_prefix("sqlite://").expect("a path")).expect("the file");
    let down = include_str!("../../../../migrations/sqlite/2026-11-26-000750_kept_answer_counts/down.sql");
    let up = include_str!("../../../../migrations/sqlite/2026-11-26-000750_kept_answer_counts/up.sql");
    keep(&*database.store(), 1, || ()).expect("kept");
    connection.batch_execute(&format!("{down}{up}")).expect("down and up");
    let now = Timestamp::from_milliseconds(1_700_000_000_000);
    let found: Result<_, StoreError> =
        database.store().write(|store| store.kept_answer(&SecretDigest([1; 32]), CALLER, now));
    let (answer, total) = found.expect("found");
    assert_eq!((answer.map(|answer| answer.sealed), total.answers), (Some(vec![1]), 0));
}
