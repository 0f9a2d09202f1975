//! Answers to requests that are done once, as the store keeps and counts them.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use uuid::Uuid;

use super::Fixture;
use super::fixture::{Outcome, must};
use crate::ports::{ANSWER_OVERHEAD, AnswerCounter, EXPIRED_AT_ONCE, KeptAnswer, KeptTotal, Store, StoreError};
use crate::secret::SecretDigest;
use crate::time::Timestamp;
use crate::user::UserId;

const DAY: Duration = Duration::from_hours(24);
const CALLER: UserId = UserId(Uuid::from_u128(0xca11));

fn digest(number: u8) -> SecretDigest {
    SecretDigest(std::array::from_fn(|at| if at == 0 { number } else { 7 }))
}

/// What is kept for `request`, asked at `now`.
fn kept(fixture: &Fixture, request: &SecretDigest, now: Timestamp) -> Option<Vec<u8>> {
    let (found, _) = must(fixture.store.write(|store| store.kept_answer(request, CALLER, now)));
    found.map(|answer| answer.sealed)
}

fn keep(fixture: &Fixture, request: &SecretDigest, answer: &[u8], now: Timestamp) -> Outcome<()> {
    let answer = KeptAnswer { sealed: answer.to_vec(), expires: now.plus(DAY) };
    fixture.store.write(|store| {
        assert!(store.take_request(request)?);
        store.keep_answer(request, &answer, AnswerCounter { caller: CALLER, ends: answer.expires }, now)
    })
}

/// An answer is there until it expires, byte by byte as it was given, and is not replaced before.
pub fn an_answer_is_kept_until_it_expires(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let now = fixture.now();
    let (before, at) = (now.plus(DAY.saturating_sub(Duration::from_millis(1))), now.plus(DAY));
    let answer: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    must(keep(&fixture, &digest(1), &answer, now));
    must(keep(&fixture, &digest(2), b"", now));
    assert_eq!(kept(&fixture, &digest(1), before), Some(answer.clone()));
    assert_eq!(kept(&fixture, &digest(2), now), Some(Vec::new()));
    assert_eq!(kept(&fixture, &digest(3), now), None);
    assert!(keep(&fixture, &digest(1), b"other", before).is_err());
    assert_eq!(kept(&fixture, &digest(1), before), Some(answer));
    assert_eq!(kept(&fixture, &digest(1), at), None);
    must(keep(&fixture, &digest(1), b"other", at));
    assert_eq!(kept(&fixture, &digest(1), at), Some(b"other".to_vec()));
    let undone: Outcome<()> = fixture.store.write(|store| {
        let answer = KeptAnswer { sealed: Vec::new(), expires: at.plus(DAY) };
        store.keep_answer(&digest(3), &answer, AnswerCounter { caller: CALLER, ends: answer.expires }, at)?;
        Err(StoreError::failed("refused"))
    });
    assert!(undone.is_err());
    assert_eq!(kept(&fixture, &digest(3), at), None);
}

/// Answers that have expired go with those that are kept later: the first first, and never many at once.
pub fn expired_answers_go_in_small_steps(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let now = fixture.now();
    let later = now.plus(DAY * 2);
    for number in 0..100 {
        must(keep(&fixture, &digest(number), b"old", now.plus(Duration::from_millis(number.into()))));
    }
    let left = || (0..100).filter(|number| kept(&fixture, &digest(*number), now).is_some()).collect::<Vec<u8>>();
    assert_eq!(left().len(), 100);
    for (round, step) in (1..=4).zip(200..) {
        must(keep(&fixture, &digest(step), b"new", later));
        let gone = (round * EXPIRED_AT_ONCE).min(100);
        assert_eq!(left(), (0..100).skip(gone as usize).collect::<Vec<u8>>());
    }
    assert!((200..204).all(|step| kept(&fixture, &digest(step), later).is_some()));
}

/// A caller's total is that of the counters that have not ended, and nobody else's. What is undone is not counted.
pub fn answers_are_counted_for_their_caller_until_the_counter_ends(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let now = fixture.now();
    let after = |hours: u64| now.plus(Duration::from_hours(hours));
    let total = |caller: u128, at: Timestamp| {
        must(fixture.store.write(|store| store.kept_answer(&digest(99), UserId(Uuid::from_u128(caller)), at))).1
    };
    let keep = |number: u8, caller: u128, (length, ends): (usize, Timestamp), at: Timestamp| -> Outcome<()> {
        let counter = AnswerCounter { caller: UserId(Uuid::from_u128(caller)), ends };
        let answer = KeptAnswer { sealed: vec![7; length], expires: ends };
        fixture.store.write(|store| store.keep_answer(&digest(number), &answer, counter, at))
    };
    let of = |answers: u64, bytes: u64, first_ends| KeptTotal {
        answers,
        bytes: bytes + answers * ANSWER_OVERHEAD,
        first_ends: Some(first_ends),
    };
    assert_eq!(total(2, now), KeptTotal::default());
    for (number, caller, length, hours) in
        [(1, 2, 10, 2), (2, 2, 70_000, 1), (3, 2, 0, 2), (4, 1, 5, 1), (5, u128::MAX, 6, 1), (6, 0, 7, 3)]
    {
        must(keep(number, caller, (length, after(hours)), now));
    }
    assert!(keep(1, 2, (1000, after(2)), now).is_err());
    assert_eq!(total(2, now), of(3, 70_010, after(1)));
    assert_eq!([total(1, now), total(u128::MAX, now)], [of(1, 5, after(1)), of(1, 6, after(1))]);
    assert_eq!([total(0, now), total(3, now)], [of(1, 7, after(3)), KeptTotal::default()]);
    let before = Timestamp::from_milliseconds(after(1).milliseconds() - 1);
    assert_eq!([total(2, before), total(2, after(1))], [of(3, 70_010, after(1)), of(2, 10, after(2))]);
    // An answer in place of one that has expired is counted beside it until the counter of that one has ended.
    must(keep(2, 2, (1, after(3)), after(1)));
    assert_eq!(total(2, after(1)), of(3, 11, after(2)));
    // Those that ended are gone, and no others.
    assert_eq!(
        [total(1, now), total(u128::MAX, now), total(0, now)],
        [KeptTotal::default(), KeptTotal::default(), of(1, 7, after(3))]
    );
    assert_eq!([total(2, after(2)), total(2, after(3))], [of(1, 1, after(3)), KeptTotal::default()]);
}

/// Counters that have ended are removed with answers that are kept later.
pub fn counters_that_ended_go_with_answers_that_are_kept_later(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let now = fixture.now();
    let later = now.plus(DAY * 2);
    let answer = KeptAnswer { sealed: Vec::new(), expires: now.plus(DAY) };
    let caller = |number: u8| UserId(Uuid::from_u128(number.into()));
    for number in 0..100 {
        let counter = AnswerCounter { caller: caller(number), ends: answer.expires };
        must(fixture.store.write(|store| -> Outcome<_> { store.keep_answer(&digest(number), &answer, counter, now) }));
    }
    let left = || {
        let total = |number| must(fixture.store.write(|store| store.kept_answer(&digest(0), caller(number), now))).1;
        (0..100).filter(|number| total(*number) != KeptTotal::default()).count()
    };
    assert_eq!(left(), 100);
    for step in 1..=4 {
        must(keep(&fixture, &digest(200 + step), b"new", later));
    }
    assert_eq!(left(), 0);
    assert_eq!(must(fixture.store.write(|store| store.kept_answer(&digest(0), CALLER, later))).1.answers, 4);
}

/// What is kept at the same time for one caller is all counted.
pub fn answers_of_one_caller_at_the_same_time_are_all_counted(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let now = fixture.now();
    let barrier = Barrier::new(8);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (fixture, barrier) = (&fixture, &barrier);
            scope.spawn(move || {
                barrier.wait();
                (0..25).for_each(|number| must(keep(fixture, &digest(thread * 25 + number), b"12345", now)));
            });
        }
    });
    let total = must(fixture.store.write(|store| store.kept_answer(&digest(0), CALLER, now))).1;
    assert_eq!(total, KeptTotal { answers: 200, bytes: 200 * (ANSWER_OVERHEAD + 5), first_ends: Some(now.plus(DAY)) });
}

/// What another unit of work has taken is not waited for, unless there is one writer at a time. It is free again afterwards.
pub fn a_request_that_is_taken_is_not_waited_for(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (request, now) = (digest(1), fixture.now());
    let barrier = Barrier::new(2);
    let take = || fixture.store.write(|store| store.take_request(&request));
    let answer = KeptAnswer { sealed: b"first".to_vec(), expires: now.plus(DAY) };
    let counter = AnswerCounter { caller: CALLER, ends: answer.expires };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            must(fixture.store.write(|store| -> Outcome<()> {
                assert!(store.take_request(&request)?);
                barrier.wait();
                store.keep_answer(&request, &answer, counter, now)
            }));
        });
        barrier.wait();
        // Either it is taken, or the one before has been committed.
        let found = must(fixture.store.write(|store| -> Outcome<_> {
            Ok(store.take_request(&request)?.then_some(store.kept_answer(&request, CALLER, now)?.0))
        }));
        assert!(found.is_none_or(|kept| kept.as_ref() == Some(&answer)));
    });
    assert!(must(take()) && must(take()));
}
