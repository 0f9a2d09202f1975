//! Signing in, and staying signed in.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::Fixture;
use super::fixture::must;
use crate::access::{Caller, SECURITY_ADMINISTRATOR, Scopes};
use crate::directory::{RefreshError, SignInError};
use crate::identifier::UserIdentifier;
use crate::ports::Store;
use crate::secret::Secret;
use crate::user::{Lockout, User, UserChanges, UserDraft};
use crate::version::Precondition;

pub(super) const PASSWORD: &str = "pr0j3ctM4yh3m";
/// The first administrator's.
pub(super) const ADMIN_PASSWORD: &str = "F1ghtC1ub1234!";

pub(super) fn person(fixture: &Fixture, name: &str) -> User {
    let draft = UserDraft {
        username: Some(name.to_owned()),
        email: Some(format!("{name}@fightclub.com")),
        password: Some(PASSWORD.to_owned()),
        ..UserDraft::default()
    };
    must(fixture.directory.create_user(&fixture.by(&fixture.admin), draft))
}

pub(super) fn read(fixture: &Fixture, user: &User) -> User {
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
        assert!(
            fixture.directory.sign_in(&fixture.anonymous(), "tdurden", "wrong".to_owned(), &Scopes::all()).is_err()
        );
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
        &Precondition::default(),
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
    must(directory.delete_user(&fixture.by(admin), &deleted, &Precondition::default()));
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
