//! Signing in, and staying signed in.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::Fixture;
use super::fixture::must;
use crate::access::{Caller, Policy, SECURITY_ADMINISTRATOR, Scopes};
use crate::api_key::ApiKeyDraft;
use crate::directory::{RefreshError, SignInError};
use crate::identifier::UserIdentifier;
use crate::page::Page;
use crate::ports::{Store, StoreError, Writer};
use crate::secret::{Secret, SecretDigest};
use crate::time::Timestamp;
use crate::user::{Lockout, LockoutPolicy, User, UserChanges, UserDraft};
use crate::version::Precondition;

const PASSWORD: &str = "pr0j3ctM4yh3m";
/// The first administrator's.
const ADMIN_PASSWORD: &str = "F1ghtC1ub1234!";

fn person(fixture: &Fixture, name: &str) -> User {
    let draft = UserDraft {
        username: Some(name.to_owned()),
        email: Some(format!("{name}@fightclub.com")),
        password: Some(PASSWORD.to_owned()),
        ..UserDraft::default()
    };
    must(fixture.directory.create_user(&fixture.by(&fixture.admin), draft))
}

fn read(fixture: &Fixture, user: &User) -> User {
    must(fixture.directory.user(&fixture.by(&fixture.admin), &UserIdentifier::Id(user.id)))
}

/// By username or address in any case, and by no id; the counters tell of it, and nothing else of the user changes.
pub fn a_sign_in_is_counted(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let user = person(&fixture, "tdurden");
    let sign_in = |name: &str, password: &str| {
        fixture.directory.sign_in(&fixture.anonymous(), name, password.to_owned(), &Scopes::all())
    };
    let id = user.id.to_string();
    for (name, password) in
        [("tdurden", "wrong"), ("nobody", PASSWORD), (id.as_str(), PASSWORD), ("@current", PASSWORD)]
    {
        assert!(matches!(sign_in(name, password), Err(SignInError::Incorrect)), "{name}");
    }
    let failed = read(&fixture, &user);
    assert_eq!(
        failed,
        User {
            last_failed_login: Some(fixture.now()),
            failed_login_attempts: 1,
            failed_login_attempts_since_last_success: 1,
            lockout: Lockout { failures: 1, ..Lockout::default() },
            version: user.version.next(),
            ..user.clone()
        }
    );
    let session = must(sign_in("TDURDEN@FightClub.com", PASSWORD));
    assert_eq!(session.caller, fixture.caller(user.id));
    must(sign_in("tdurden", PASSWORD));
    let signed_in = read(&fixture, &user);
    assert_eq!(
        signed_in,
        User {
            last_login: Some(fixture.now()),
            successful_login_attempts: 2,
            failed_login_attempts_since_last_success: 0,
            lockout: Lockout::default(),
            version: failed.version.next().next(),
            ..failed
        }
    );
    assert!(matches!(sign_in("tdurden", &"x".repeat(2000)), Err(SignInError::Incorrect)));
    must(fixture.directory.user(&fixture.by(&session.caller), &UserIdentifier::Current));
}

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
        assert!(directory.sign_in(&fixture.anonymous(), "tdurden", "wrong".to_owned(), &Scopes::all()).is_err())
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

/// Nobody makes a store keep more and more by signing in: neither tokens nor addresses.
pub fn sessions_and_addresses_of_a_user_are_bounded(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let user = person(&fixture, "tdurden");
    let sign_in = |number: u32| {
        fixture.wait_minutes(1);
        let address = Ipv4Addr::from_bits(0xc000_0200 + number).into();
        fixture
            .directory
            .sign_in(&fixture.anonymous().from_address(Some(address)), "tdurden", PASSWORD.to_owned(), &Scopes::all())
            .map(|session| session.refresh_token)
    };
    let tokens: Vec<_> = (0..205).map(|number| must(sign_in(number % 11))).collect();
    let is_good =
        |token: &Secret| fixture.directory.refresh(&fixture.anonymous(), token.reveal(), &Scopes::all()).is_ok();
    assert_eq!(tokens.iter().filter(|token| is_good(token)).count(), 200);
    assert!(!is_good(&tokens[4]) && is_good(&tokens[5]));
    // Of eleven addresses ten are known: the one that was used least lately is not.
    (0..5).for_each(|_| {
        assert!(fixture.directory.sign_in(&fixture.anonymous(), "tdurden", "wrong".to_owned(), &Scopes::all()).is_err())
    });
    assert!(read(&fixture, &user).is_locked(fixture.now()));
    let known = (0..11).filter(|number| sign_in((205 + number) % 11).is_ok()).count();
    assert_eq!(known, 10);
}

/// What keeps an account closed is told only to whoever knows its password.
pub fn a_closed_account_is_told_only_to_who_knows_its_password(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let user = person(&fixture, "tdurden");
    let sign_in = |password: &str| {
        fixture.directory.sign_in(&fixture.anonymous(), "tdurden", password.to_owned(), &Scopes::all())
    };
    must(fixture.directory.act(&fixture.by(&fixture.admin), &UserIdentifier::Id(user.id), "suspend"));
    assert!(matches!(sign_in("wrong"), Err(SignInError::Incorrect)));
    assert!(matches!(sign_in(PASSWORD), Err(SignInError::Suspended)));
    must(fixture.directory.act(&fixture.by(&fixture.admin), &UserIdentifier::Id(user.id), "unsuspend"));
    let expiry = Some(Some(fixture.now().plus_days(1)));
    let expiring = UserChanges { expiry, ..UserChanges::default() };
    must(fixture.directory.change_user(
        &fixture.by(&fixture.admin),
        &UserIdentifier::Id(user.id),
        &expiring,
        &Precondition::None,
    ));
    must(sign_in(PASSWORD));
    fixture.wait_days(1);
    assert!(matches!(sign_in(PASSWORD), Err(SignInError::Suspended)));
    assert_eq!(read(&fixture, &user).successful_login_attempts, 1);
}

/// The same token, again and again, each time for 15 days more; with no more scopes than it came with.
pub fn a_refresh_token_slides(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let user = person(&fixture, "tdurden");
    let scopes = Scopes::known_in("openid Security_Administrator");
    let session = must(fixture.directory.sign_in(&fixture.anonymous(), "tdurden", PASSWORD.to_owned(), &scopes));
    let refresh =
        |scopes: &Scopes| fixture.directory.refresh(&fixture.anonymous(), session.refresh_token.reveal(), scopes);
    for _ in 0..4 {
        fixture.wait_days(14);
        assert_eq!(must(refresh(&Scopes::all())), Caller { scopes: scopes.clone(), ..fixture.caller(user.id) });
    }
    let fewer = must(refresh(&Scopes::known_in("openid"))).scopes;
    assert!(!fewer.contains(SECURITY_ADMINISTRATOR));
    assert_eq!(read(&fixture, &user).successful_login_attempts, 1);
    fixture.wait_days(15);
    assert!(matches!(refresh(&Scopes::all()), Err(RefreshError::Invalid)));
    for token in ["", "nonsense", PASSWORD] {
        assert!(matches!(
            fixture.directory.refresh(&fixture.anonymous(), token, &Scopes::all()),
            Err(RefreshError::Invalid)
        ));
    }
}

/// Suspended, deleted, or with another password: what was handed out before is good for nothing. A lock ends no session.
pub fn refresh_tokens_end_with_their_user_and_their_password(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (directory, admin) = (&fixture.directory, &fixture.admin);
    let sign_in = |name: &str| {
        must(directory.sign_in(&fixture.anonymous(), name, PASSWORD.to_owned(), &Scopes::all())).refresh_token
    };
    let is_good =
        |token: &crate::secret::Secret| directory.refresh(&fixture.anonymous(), token.reveal(), &Scopes::all()).is_ok();
    let named = |name: &str| UserIdentifier::Id(person(&fixture, name).id);
    let [suspended, deleted, changed, locked] = ["suspended", "deleted", "changed", "locked"].map(named);
    let tokens = ["suspended", "deleted", "changed", "locked"].map(sign_in);
    assert!(tokens.iter().all(is_good));
    must(directory.act(&fixture.by(admin), &suspended, "suspend"));
    must(directory.act(&fixture.by(admin), &suspended, "unsuspend"));
    must(directory.delete_user(&fixture.by(admin), &deleted, &Precondition::None));
    must(directory.change_password(&fixture.by(admin), &changed, None, Some("F1ghtC1ub1234!".to_owned())));
    for _ in 0..5 {
        assert!(directory.sign_in(&fixture.anonymous(), "locked", "wrong".to_owned(), &Scopes::all()).is_err());
    }
    assert_eq!(tokens.each_ref().map(is_good), [false, false, false, true]);
    must(directory.act(&fixture.by(admin), &locked, "unlock"));
    // A sign-in forgets those that are good for nothing, and only those.
    let another = sign_in("suspended");
    assert!(is_good(&another) && !is_good(&tokens[0]));
    assert!(is_good(&sign_in("suspended")) && is_good(&another));
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
