//! Requests that are done once.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use super::Fixture;
use super::fixture::{Outcome, must};
use super::sign_in::{PASSWORD, person, read};
use crate::access::{Actor, Denied, On, Permission, Refused};
use crate::context::Context;
use crate::directory::{Directory, KeyedOutcome, KeyedRequest};
use crate::group::{GroupDraft, GroupId, SystemGroup};
use crate::idempotency_key::IdempotencyKey;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::{EXPIRED_AT_ONCE, KeptAnswer, Store, StoreError};
use crate::secret::SecretDigest;
use crate::time::Timestamp;
use crate::user::{UserDraft, UserId};

const DAY: Duration = Duration::from_hours(24);

fn digest(number: u8) -> SecretDigest {
    SecretDigest(std::array::from_fn(|at| if at == 0 { number } else { 7 }))
}

/// What is kept for `request`, asked at `now`.
fn kept(fixture: &Fixture, request: &SecretDigest, now: Timestamp) -> Option<Vec<u8>> {
    let found = must(fixture.store.write(|store| store.kept_answer(request, now)));
    found.map(|answer| answer.sealed)
}

fn keep(fixture: &Fixture, request: &SecretDigest, answer: &[u8], now: Timestamp) -> Outcome<()> {
    let answer = KeptAnswer { sealed: answer.to_vec(), expires: now.plus(DAY) };
    fixture.store.write(|store| {
        assert!(store.take_request(request)?);
        store.keep_answer(request, &answer, now)
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
        store.keep_answer(&digest(3), &answer, at)?;
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

/// A test's request.
struct Keyed<'a> {
    fixture: &'a Fixture,
    key: IdempotencyKey,
}

type UseCase<'a> = Box<dyn Fn(&Directory<'_>, &Context) -> Result<Told, Refused> + 'a>;

/// What a use case answers, as a text, and whether that is to be kept.
type Told = (String, bool);

impl<'a> Keyed<'a> {
    fn new(fixture: &'a Fixture, key: &str) -> Self {
        Self { fixture, key: must(IdempotencyKey::try_from(key.to_owned())) }
    }

    fn ask(
        &self,
        context: &Context,
        work: &dyn Fn(&Directory<'_>, &Context) -> Result<Told, Refused>,
    ) -> Result<KeyedOutcome<String>, Refused> {
        let request =
            KeyedRequest { key: &self.key, permission: Permission::ChangeMembers, on: On::All, retention: DAY };
        self.fixture.directory.once(context, &request, |directory, context| {
            let (told, is_kept) = work(directory, context)?;
            let sealed = is_kept.then(|| told.clone().into_bytes());
            Ok((told, sealed))
        })
    }

    /// Asks as the administrator.
    fn told(&self, work: &dyn Fn(&Directory<'_>, &Context) -> Result<Told, Refused>) -> KeyedOutcome<String> {
        must(self.ask(&self.fixture.by(&self.fixture.admin), work))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is what the work of a request returns")]
fn debug<T: std::fmt::Debug, E: std::fmt::Debug>(outcome: Result<T, E>) -> Result<Told, Refused> {
    let told = match outcome {
        Ok(value) => format!("Ok({value:?})"),
        Err(error) => format!("Err({error:?})"),
    };
    Ok((told, true))
}

/// What was done is not done again for the same caller and key until the answer has expired; what failed is.
pub fn a_request_is_done_once(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let create = |directory: &Directory<'_>, context: &Context| {
        let draft = GroupDraft { name: Some("Soap".to_owned()), ..GroupDraft::default() };
        debug(directory.create_group(context, draft).map(|group| group.id))
    };
    let request = Keyed::new(&fixture, "key");
    let KeyedOutcome::Done(first) = request.told(&create) else { return assert_eq!(0, 1, "not done") };
    assert!(first.starts_with("Ok"), "{first}");
    let again = KeyedOutcome::Kept(first.clone().into_bytes());
    assert_eq!(request.told(&create), again);
    assert_eq!(request.told(&|_, _| debug(Ok::<_, ()>("another"))), again);
    // A refusal is kept, too.
    let other = Keyed::new(&fixture, "Key");
    let KeyedOutcome::Done(refusal) = other.told(&create) else { return assert_eq!(0, 1, "not done") };
    assert!(refusal.contains("Err"), "{refusal}");
    assert_eq!(other.told(&create), KeyedOutcome::Kept(refusal.into_bytes()));
    // What is not to be kept, or failed, leaves the key free.
    let third = Keyed::new(&fixture, "third");
    assert_eq!(third.told(&|_, _| Ok(("no".to_owned(), false))), KeyedOutcome::Done("no".to_owned()));
    let (soap, member) = (GroupIdentifier::from("Soap"), fixture.user("member"));
    let failing = |directory: &Directory<'_>, context: &Context| {
        must(directory.add_member(context, &soap, &UserIdentifier::Id(member)));
        Err(StoreError::failed("broken").into())
    };
    let context = fixture.by(&fixture.admin);
    assert!(third.ask(&context, &failing).is_err());
    let id = must(must(fixture.store.read(|store| store.group_id(&soap))).ok_or("no group"));
    assert_eq!((fixture.is_in(id, member), context.take_notes().len()), (false, 0));
    assert_eq!(third.told(&|_, _| Ok(("yes".to_owned(), true))), KeyedOutcome::Done("yes".to_owned()));
    // Others have keys of their own, and only who is admitted is told what was kept.
    let administrator = fixture.user("other");
    fixture.join(fixture.system(SystemGroup::SystemAdministrators), &[administrator]);
    let other = fixture.by(fixture.caller(administrator));
    assert_eq!(must(request.ask(&other, &|_, _| Ok(("mine".to_owned(), true)))), KeyedOutcome::Done("mine".to_owned()));
    let ordinary = fixture.by(fixture.caller(member));
    assert!(matches!(request.ask(&ordinary, &create), Err(Refused::Denied(Denied::NotPermitted))));
    assert!(matches!(
        request.ask(&fixture.by(Actor::Anonymous), &create),
        Err(Refused::Denied(Denied::Unauthenticated))
    ));
    let suspended = fixture.by(fixture.caller(administrator));
    must(fixture.directory.act(&fixture.by(&fixture.admin), &UserIdentifier::Id(administrator), "suspend"));
    assert!(matches!(request.ask(&suspended, &create), Err(Refused::Denied(Denied::Unauthenticated))));
    fixture.wait_minutes(24 * 60 - 1);
    assert_eq!(request.told(&create), again);
    fixture.wait_minutes(1);
    assert!(matches!(request.told(&create), KeyedOutcome::Done(told) if told.contains("Err")));
}

/// Use cases of every turn, of several units of work, and with passwords run as they do without a key, and what they refuse leaves no trace.
pub fn use_cases_run_in_one_unit_as_they_do_alone(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let administrators = GroupIdentifier::Id(fixture.system(SystemGroup::SystemAdministrators));
    let [soap, suds] = ["Soap", "Suds"].map(|name| GroupIdentifier::Id(fixture.group(name)));
    let (admin, second) = (UserIdentifier::Id(fixture.admin.user), UserIdentifier::Id(fixture.user("second")));
    let known = person(&fixture, "tdurden");
    let user = UserIdentifier::Id(known.id);
    let draft = || UserDraft {
        username: Some("new".to_owned()),
        email: Some("new@fightclub.com".to_owned()),
        password: Some(PASSWORD.to_owned()),
        ..UserDraft::default()
    };
    let [wrong, new] = ["wrong", "An0ther-Password"].map(|text| move || Some(text.to_owned()));
    let cases: Vec<(&str, UseCase<'_>, bool)> = vec![
        ("last", Box::new(|d, c| debug(d.remove_member(c, &administrators, &admin))), false),
        ("add", Box::new(|d, c| debug(d.add_member(c, &administrators, &second))), true),
        ("remove", Box::new(|d, c| debug(d.remove_member(c, &administrators, &second))), true),
        ("nest", Box::new(|d, c| debug(d.add_child(c, &soap, &suds))), true),
        ("cycle", Box::new(|d, c| debug(d.add_child(c, &suds, &soap))), false),
        ("create", Box::new(|d, c| debug(d.create_user(c, draft()).map(|user| user.username))), true),
        ("twice", Box::new(|d, c| debug(d.create_user(c, draft()).map(|user| user.username))), false),
        ("guess", Box::new(|d, c| debug(d.change_password(c, &user, wrong(), new()))), false),
        ("good", Box::new(|d, c| debug(d.change_password(c, &user, None, new()))), true),
        ("delete", Box::new(|d, c| debug(d.delete_group(c, &soap, &crate::version::Precondition::default()))), true),
        ("suspend", Box::new(|d, c| debug(d.act(c, &user, "suspend"))), true),
    ];
    for (key, work, succeeds) in &cases {
        let context = fixture.by(&fixture.admin);
        let request = Keyed::new(&fixture, key);
        let KeyedOutcome::Done(told) = must(request.ask(&context, &**work)) else {
            return assert_eq!(*key, "", "not done");
        };
        assert_eq!(told.starts_with("Ok"), *succeeds, "{key}: {told}");
        assert!(!told.contains("Store(") && !told.contains("Passwords("), "{key}: {told}");
        let notes = context.take_notes();
        assert_eq!(notes.is_empty(), !matches!(*key, "add" | "remove"), "{key}: {notes:?}");
        assert_eq!(context.admission().map(|admission| admission.user), Some(fixture.admin.user));
        assert_eq!(request.told(&|_, _| debug(Ok::<_, ()>(()))), KeyedOutcome::Kept(told.into_bytes()));
    }
    assert!(fixture.is_in(fixture.system(SystemGroup::SystemAdministrators), fixture.admin.user));
    assert!(!fixture.is_in(group(&administrators), user_id(&second)));
    assert!(must(
        fixture.directory.group(&fixture.by(&fixture.admin), &soap).map_err(|_| ()).map_or(Ok(true), |_| Err("there"))
    ));
    let after = read(&fixture, &known);
    assert!(after.is_suspended(fixture.now()) && after.failed_login_attempts == 1, "{after:?}");
}

fn group(identifier: &GroupIdentifier) -> GroupId {
    let GroupIdentifier::Id(id) = identifier else { return GroupId(uuid::Uuid::nil()) };
    *id
}

fn user_id(identifier: &UserIdentifier) -> UserId {
    let UserIdentifier::Id(id) = identifier else { return UserId(uuid::Uuid::nil()) };
    *id
}

/// Of many at once with one key, one does the request. The others are told that it is under way, or what was kept.
pub fn one_of_many_does_a_request(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let barrier = Barrier::new(16);
    let create = |directory: &Directory<'_>, context: &Context| {
        debug(
            directory
                .create_group(context, GroupDraft { name: Some("Soap".to_owned()), ..GroupDraft::default() })
                .map(|group| group.id),
        )
    };
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let ask = || {
            barrier.wait();
            Keyed::new(&fixture, "key").told(&create)
        };
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    assert_eq!(outcomes.len(), 16);
    let done: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            KeyedOutcome::Done(told) => Some(told.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(done.len(), 1, "{outcomes:?}");
    assert!(done[0].starts_with("Ok"), "{done:?}");
    for outcome in &outcomes {
        let KeyedOutcome::Kept(kept) = outcome else { continue };
        assert_eq!(*kept, done[0].clone().into_bytes());
    }
}

/// What another unit of work has taken is not waited for, unless there is one writer at a time. It is free again afterwards.
pub fn a_request_that_is_taken_is_not_waited_for(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (request, now) = (digest(1), fixture.now());
    let barrier = Barrier::new(2);
    let take = || fixture.store.write(|store| store.take_request(&request));
    let answer = KeptAnswer { sealed: b"first".to_vec(), expires: now.plus(DAY) };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            must(fixture.store.write(|store| -> Outcome<()> {
                assert!(store.take_request(&request)?);
                barrier.wait();
                store.keep_answer(&request, &answer, now)
            }));
        });
        barrier.wait();
        // Either it is taken, or the one before has been committed.
        let found = must(fixture.store.write(|store| -> Outcome<_> {
            Ok(store.take_request(&request)?.then_some(store.kept_answer(&request, now)?))
        }));
        assert!(found.is_none_or(|kept| kept.as_ref() == Some(&answer)));
    });
    assert!(must(take()) && must(take()));
}
