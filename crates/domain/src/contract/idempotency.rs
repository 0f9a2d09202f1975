//! Requests that are done once.

use std::cell::Cell;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use super::Fixture;
use super::fixture::must;
use super::sign_in::{PASSWORD, person, read};
use crate::access::{Actor, Caller, Denied, On, Permission, Refused, Scopes};
use crate::context::Context;
use crate::directory::{AnswerKeeping, Directory, KeptLimit, KeyedOutcome, KeyedRequest};
use crate::group::{GroupDraft, GroupId, SystemGroup};
use crate::idempotency_key::IdempotencyKey;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::{ANSWER_OVERHEAD, Store, StoreError};
use crate::user::{UserDraft, UserId};

const UNLIMITED: KeptLimit = KeptLimit { answers: u64::MAX, bytes: u64::MAX };

/// A test's request.
struct Keyed<'a> {
    fixture: &'a Fixture,
    key: IdempotencyKey,
    keeping: AnswerKeeping,
}

type UseCase<'a> = Box<dyn Fn(&Directory<'_>, &Context) -> Result<Told, Refused> + 'a>;

/// What a use case answers, as a text, and whether that is to be kept.
type Told = (String, bool);

impl<'a> Keyed<'a> {
    fn new(fixture: &'a Fixture, key: &str) -> Self {
        Self { fixture, key: must(IdempotencyKey::try_from(key.to_owned())), keeping: AnswerKeeping::default() }
    }

    fn ask(
        &self,
        context: &Context,
        work: &dyn Fn(&Directory<'_>, &Context) -> Result<Told, Refused>,
    ) -> Result<KeyedOutcome<String>, Refused> {
        self.ask_for(context, (Permission::ChangeMembers, On::All), work)
    }

    fn ask_for(
        &self,
        context: &Context,
        (permission, on): (Permission, On<'_>),
        work: &dyn Fn(&Directory<'_>, &Context) -> Result<Told, Refused>,
    ) -> Result<KeyedOutcome<String>, Refused> {
        let request = KeyedRequest { key: &self.key, permission, on, keeping: self.keeping };
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

/// A use case that answers with so many bytes, and counts how often it was run.
fn answering(length: usize, runs: &Cell<usize>) -> impl Fn(&Directory<'_>, &Context) -> Result<Told, Refused> {
    move |_, _| {
        runs.set(runs.get() + 1);
        Ok(("x".repeat(length), true))
    }
}

/// At a limit, by number or by bytes, a request is not run, and what is kept is still answered, until some of it expires. Only the caller's own counts.
pub fn as_much_is_kept_for_a_caller_as_may_be(store: Arc<dyn Store>) {
    const HOUR: Duration = Duration::from_hours(1);
    let fixture = Fixture::over(store);
    let other = fixture.user("other");
    fixture.join(fixture.system(SystemGroup::SystemAdministrators), &[other]);
    let (by_number, by_bytes) =
        (KeptLimit { answers: 3, ..UNLIMITED }, KeptLimit { bytes: 3 * (ANSWER_OVERHEAD + 100), ..UNLIMITED });
    for (kind, limit) in [("number", by_number), ("bytes", by_bytes)] {
        let runs = Cell::new(0);
        let keeping = AnswerKeeping { per_administrator: limit, ..AnswerKeeping::default() };
        let request = |name: &str| Keyed { keeping, ..Keyed::new(&fixture, &format!("{kind}-{name}")) };
        let done = |outcome: KeyedOutcome<String>| assert!(matches!(outcome, KeyedOutcome::Done(_)), "{outcome:?}");
        // What is not kept, and what failed, counts nothing.
        done(request("unkept").told(&|_, _| Ok(("no".to_owned(), false))));
        assert!(
            request("failed")
                .ask(&fixture.by(&fixture.admin), &|_, _| Err(StoreError::failed("broken").into()))
                .is_err()
        );
        done(request("first").told(&answering(100, &runs)));
        let first_expires = fixture.now().plus(keeping.retention);
        fixture.wait_minutes(180);
        done(request("second").told(&answering(100, &runs)));
        done(request("third").told(&answering(100, &runs)));
        let KeyedOutcome::LimitReached { until } = request("fourth").told(&answering(100, &runs)) else {
            return assert_eq!(kind, "", "not at the limit");
        };
        assert_eq!(runs.get(), 3);
        assert!(first_expires <= until && until <= first_expires.plus(HOUR), "{until} {first_expires}");
        let kept = KeyedOutcome::Kept("x".repeat(100).into_bytes());
        assert_eq!(request("first").told(&answering(100, &runs)), kept);
        // Another caller is not at the limit. The last answer may be of any size.
        let context = fixture.by(fixture.caller(other));
        done(must(request("fourth").ask(&context, &answering(70_000, &runs))));
        fixture.wait_minutes((until.milliseconds() - fixture.now().milliseconds()) / 60_000);
        let is_reached = |name| {
            let outcome = request(name).told(&answering(100, &runs));
            matches!(outcome, KeyedOutcome::LimitReached { .. })
        };
        assert!(is_reached("fourth"));
        fixture.wait_minutes(1);
        assert_eq!([is_reached("fourth"), is_reached("fifth"), runs.get() == 5], [false, true, true]);
        fixture.wait_days(2);
    }
}

/// Who is a System Administrator when they call has the limit of those, and everybody else another one.
pub fn administrators_have_a_limit_of_their_own(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (user, runs) = (fixture.user("ordinary"), Cell::new(0));
    let limit = |answers| KeptLimit { answers, ..UNLIMITED };
    let keeping = AnswerKeeping { per_caller: limit(2), per_administrator: limit(4), ..AnswerKeeping::default() };
    let ask = |number: usize| {
        let request = Keyed { keeping, ..Keyed::new(&fixture, &number.to_string()) };
        let oneself = (Permission::ChangeUsers, On::User(&UserIdentifier::Current));
        must(request.ask_for(&fixture.by(fixture.caller(user)), oneself, &answering(0, &runs)))
    };
    let is_done = |outcome: &KeyedOutcome<String>| matches!(outcome, KeyedOutcome::Done(_));
    let first: Vec<_> = (0..3).map(ask).collect();
    assert_eq!(first.iter().map(is_done).collect::<Vec<_>>(), [true, true, false], "{first:?}");
    fixture.join(fixture.system(SystemGroup::SystemAdministrators), &[user]);
    let then: Vec<_> = (3..6).map(ask).collect();
    assert_eq!(then.iter().map(is_done).collect::<Vec<_>>(), [true, true, false], "{then:?}");
    assert_eq!(runs.get(), 4);
    // Narrower scopes take the permissions of an administrator away, and so the limit.
    let narrow = Caller { scopes: Scopes::default(), ..fixture.caller(user) };
    let request =
        Keyed { keeping: AnswerKeeping { per_administrator: limit(9), ..keeping }, ..Keyed::new(&fixture, "narrow") };
    let oneself = (Permission::ChangeUsers, On::User(&UserIdentifier::Current));
    let refused = must(request.ask_for(&fixture.by(narrow), oneself, &answering(0, &runs)));
    assert!(matches!(refused, KeyedOutcome::LimitReached { .. }), "{refused:?}");
    let whole = must(request.ask_for(&fixture.by(fixture.caller(user)), oneself, &answering(0, &runs)));
    assert!(is_done(&whole), "{whole:?}");
}
