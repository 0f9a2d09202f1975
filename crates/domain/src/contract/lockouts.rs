//! Lockout after wrong passwords.

use std::sync::Arc;

use super::Fixture;
use super::fixture::must;
use super::sign_in::{ADMIN_PASSWORD, PASSWORD, person, read};
use crate::access::{Policy, Scopes};
use crate::api_key::ApiKeyDraft;
use crate::directory::SignInError;
use crate::identifier::UserIdentifier;
use crate::page::Page;
use crate::ports::{Store, StoreError, Writer};
use crate::secret::SecretDigest;
use crate::time::Timestamp;
use crate::user::{Lockout, LockoutPolicy};

/// Five in a row lock for a quarter of an hour, the next five for half of one, until a success; whatever is tried meanwhile is
/// not looked at. It ends by itself, or when somebody unlocks.
pub fn wrong_passwords_lock_an_account(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let user = person(&fixture, "tdurden");
    let sign_in = |password: &str| {
        fixture.directory.sign_in(&fixture.anonymous(), "tdurden", password.to_owned(), &Scopes::all())
    };
    let is_locked = || read(&fixture, &user).is_locked(fixture.now());
    let fail = |times: u32| (0..times).for_each(|_| assert!(matches!(sign_in("wrong"), Err(SignInError::Incorrect))));
    fail(4);
    must(sign_in(PASSWORD));
    fail(4);
    assert!(!is_locked());
    fail(1);
    assert!(is_locked());
    for password in ["wrong", PASSWORD] {
        assert!(matches!(sign_in(password), Err(SignInError::Locked)), "{password}");
    }
    let locked = read(&fixture, &user);
    assert_eq!((locked.failed_login_attempts, locked.failed_login_attempts_since_last_success), (11, 7));
    fixture.wait_minutes(14);
    assert!(matches!(sign_in(PASSWORD), Err(SignInError::Locked)));
    fixture.wait_minutes(1);
    assert!(!is_locked());
    fail(5);
    fixture.wait_minutes(29);
    assert!(matches!(sign_in(PASSWORD), Err(SignInError::Locked)));
    fixture.wait_minutes(1);
    must(sign_in(PASSWORD));
    fail(5);
    must(fixture.directory.unlock(&fixture.operator(), &UserIdentifier::Id(user.id)));
    must(sign_in(PASSWORD));
    let patient = LockoutPolicy { duration: 0, ..LockoutPolicy::default() };
    let directory = fixture.directory.clone().with_policy(Policy { lockout: patient, ..Policy::default() });
    (0..5).for_each(|_| {
        assert!(directory.sign_in(&fixture.anonymous(), "tdurden", "wrong".to_owned(), &Scopes::all()).is_err());
    });
    fixture.wait_days(150);
    assert!(matches!(sign_in(PASSWORD), Err(SignInError::Locked)));
    must(fixture.directory.act(&fixture.by(&fixture.admin), &UserIdentifier::Id(user.id), "unlock"));
    must(sign_in(PASSWORD));
}

/// Whoever knows a name can neither sign its owner out nor keep them from signing in where they usually do: not the only
/// administrator either.
pub fn a_lock_hurts_the_guesser_and_not_the_owner(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [home, cafe, outside] = ["192.0.2.1", "192.0.2.2", "198.51.100.9"];
    let sign_in = |address: &str, password: &str| {
        let context = fixture.anonymous().from_address(address.parse().ok());
        fixture
            .directory
            .sign_in(&context, "admin", password.to_owned(), &Scopes::all())
            .map(|session| session.refresh_token)
    };
    let token = must(sign_in(home, ADMIN_PASSWORD));
    (0..20).for_each(|_| assert!(sign_in(outside, "wrong").is_err()));
    assert!(matches!(sign_in(outside, ADMIN_PASSWORD), Err(SignInError::Locked)));
    assert!(matches!(sign_in(cafe, ADMIN_PASSWORD), Err(SignInError::Locked)));
    // What is live goes on, also for somebody who administers, and the owner gets in.
    must(fixture.directory.users(&fixture.by(&fixture.admin), &fixture.all(Page::default())));
    must(fixture.directory.refresh(&fixture.anonymous(), token.reveal(), &Scopes::all()));
    must(fixture.directory.caller_for(&fixture.operator(), &UserIdentifier::from("admin")));
    must(sign_in(home, ADMIN_PASSWORD));
    // That does not let the guesser go on.
    assert!(matches!(sign_in(outside, ADMIN_PASSWORD), Err(SignInError::Locked)));
    // At a known address the guesser has a count too, which is that address's alone.
    (0..5).for_each(|_| assert!(matches!(sign_in(home, "wrong"), Err(SignInError::Incorrect))));
    assert!(matches!(sign_in(home, ADMIN_PASSWORD), Err(SignInError::Locked)));
    fixture.wait_minutes(15);
    must(sign_in(cafe, ADMIN_PASSWORD));
    must(sign_in(home, ADMIN_PASSWORD));
    (0..5).for_each(|_| assert!(sign_in(home, "wrong").is_err()));
    must(sign_in(cafe, ADMIN_PASSWORD));
    must(fixture.directory.act(&fixture.by(&fixture.admin), &UserIdentifier::from("admin"), "unlock"));
    must(sign_in(home, ADMIN_PASSWORD));
    // After 30 days nobody is known there any more.
    fixture.wait_days(30);
    (0..5).for_each(|_| assert!(sign_in(outside, "wrong").is_err()));
    assert!(matches!(sign_in(home, ADMIN_PASSWORD), Err(SignInError::Locked)));
}

/// A name that nobody has, one whose owner has no password here, and a user's: the same answers to the same attempts.
pub fn names_that_nobody_signs_in_with_lock_like_others(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    person(&fixture, "known");
    fixture.user("external@fightclub.com");
    let draft = ApiKeyDraft { name: Some(Some("key".to_owned())), ..ApiKeyDraft::default() };
    must(fixture.directory.create_api_key(&fixture.operator(), draft, &[]));
    let answers = |name: &str, times: usize| -> Vec<String> {
        let attempt = |_| fixture.directory.sign_in(&fixture.anonymous(), name, "wrong".to_owned(), &Scopes::all());
        (0..times).map(|index| attempt(index).map_or_else(|error| error.to_string(), |_| String::new())).collect()
    };
    for (times, minutes) in [(7, 14), (1, 1), (6, 30), (1, 0)] {
        let expected = answers("known", times);
        for name in ["unknown", "external@fightclub.com", "key"] {
            assert_eq!(answers(name, times), expected, "{name}");
        }
        fixture.wait_minutes(minutes);
    }
    let untouched = must(fixture.directory.user(&fixture.by(&fixture.admin), &UserIdentifier::from("key")));
    assert_eq!((untouched.failed_login_attempts, untouched.is_locked(fixture.now())), (0, false));
    // What cannot be right is refused unseen, and counts nowhere.
    let before =
        read(&fixture, &must(fixture.directory.user(&fixture.by(&fixture.admin), &UserIdentifier::from("known"))));
    for (name, password) in [("known", "x".repeat(1025)), (&"x".repeat(1021), PASSWORD.to_owned())] {
        assert!(matches!(
            fixture.directory.sign_in(&fixture.anonymous(), name, password, &Scopes::all()),
            Err(SignInError::Incorrect)
        ));
    }
    assert_eq!(read(&fixture, &before), before);
}

/// Names that nobody has share a bounded number of places. A name that is locked keeps its place until the lock ends, so that
/// trying many others unlocks none.
pub fn a_locked_name_keeps_its_place(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let named = |last: u8| SecretDigest(std::array::from_fn(|index| if index == 31 { last } else { 7 }));
    let (one, other) = (named(1), named(2));
    let now = fixture.now();
    let locked = Lockout { failures: 0, locks: 1, until: Some(now.plus_days(1)) };
    let tried = Lockout { failures: 1, ..Lockout::default() };
    let set = |name: &SecretDigest, lockout: Lockout, at: Timestamp| {
        let work = |directory: &mut dyn Writer| {
            directory.unknown_lockout_to_change(name)?;
            directory.set_unknown_lockout(name, lockout, at)
        };
        must::<_, StoreError>(fixture.store.write(work));
    };
    let kept = || [&one, &other].map(|name| must(fixture.store.read(|directory| directory.unknown_lockout(name))));
    set(&one, tried, now);
    set(&other, tried, now);
    assert_eq!(kept(), [Lockout::default(), tried]);
    set(&one, locked, now);
    set(&other, tried, now);
    assert_eq!(kept(), [locked, Lockout::default()]);
    set(&one, Lockout { locks: 2, ..locked }, now);
    set(&other, tried, now.plus_days(1));
    assert_eq!(kept(), [Lockout::default(), tried]);
}

/// Wrong passwords at the same time are all counted.
pub fn no_wrong_password_is_missed(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let user = person(&fixture, "tdurden");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    assert!(
                        fixture
                            .directory
                            .sign_in(&fixture.anonymous(), "tdurden", "wrong".to_owned(), &Scopes::all())
                            .is_err()
                    );
                }
            });
        }
    });
    assert_eq!(read(&fixture, &user).failed_login_attempts, 20);
}
