//! Replacing password hashes that other programs made, or that are weaker than those that are made now.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Fixture;
use super::fixture::{AsItIs, OUTDATED, must};
use super::sign_in::{PASSWORD, person, read};
use crate::access::Scopes;
use crate::directory::{Directory, Session, SignInError};
use crate::event::EventType;
use crate::identifier::UserIdentifier;
use crate::password::{Password, PasswordHash};
use crate::ports::{Credentials, PasswordUpdate, Passwords, PasswordsError, Store};
use crate::user::{Lockout, User};

const NEW: &str = "F1ghtC1ub1234!";

/// A user whose hash is outdated.
fn imported(fixture: &Fixture) -> User {
    let user = person(fixture, "tdurden");
    let password = Some(PasswordUpdate::Rehashed(PasswordHash(format!("{OUTDATED}{PASSWORD}"))));
    let credentials = Credentials { password, ..Credentials::default() };
    must(fixture.store.write(|writer| writer.update_user(&user, &user, &credentials)));
    read(fixture, &user)
}

fn sign_in(fixture: &Fixture, directory: &Directory<'_>, password: &str) -> Result<Session, SignInError> {
    directory.sign_in(&fixture.anonymous(), "tdurden", password.to_owned(), &Scopes::all())
}

fn stored(fixture: &Fixture, user: &User) -> String {
    must(must(fixture.store.read(|reader| reader.password(user.id))).ok_or("no password")).0
}

/// The password stays the same: no token ends, no event tells of a change, and it is as old as before.
pub fn an_outdated_hash_is_replaced_at_sign_in(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let user = imported(&fixture);
    let caller = fixture.caller(user.id);
    fixture.wait_days(1);
    let mut session = None;
    let events = fixture.told_by(|| session = sign_in(&fixture, &fixture.directory, PASSWORD).ok());
    assert_eq!(events.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventType::UserSignedIn]);
    assert_eq!(stored(&fixture, &user), PASSWORD);
    let after = read(&fixture, &user);
    assert_eq!(
        after,
        User {
            last_login: Some(fixture.now()),
            successful_login_attempts: 1,
            version: user.version.next(),
            ..user.clone()
        }
    );
    must(fixture.directory.user(&fixture.by(&caller), &UserIdentifier::Current));
    let session = must(session.ok_or("the password was not accepted"));
    assert_eq!(session.caller, caller);
    must(sign_in(&fixture, &fixture.directory, PASSWORD));
    assert_eq!(stored(&fixture, &user), PASSWORD);
    must(fixture.directory.refresh(&fixture.anonymous(), session.refresh_token.reveal(), &Scopes::all()));
}

/// A wrong password, a suspended account and a locked one leave the hash as it is.
pub fn only_a_sign_in_replaces_a_hash(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let user = imported(&fixture);
    let before = stored(&fixture, &user);
    let act = |action: &str| {
        must(fixture.directory.act(&fixture.by(&fixture.admin), &UserIdentifier::Id(user.id), action));
    };
    assert!(matches!(sign_in(&fixture, &fixture.directory, "wrong"), Err(SignInError::Incorrect)));
    assert!(matches!(sign_in(&fixture, &fixture.directory, &before), Err(SignInError::Incorrect)));
    act("suspend");
    assert!(matches!(sign_in(&fixture, &fixture.directory, PASSWORD), Err(SignInError::Suspended)));
    act("unsuspend");
    for _ in 0..5 {
        assert!(sign_in(&fixture, &fixture.directory, "wrong").is_err());
    }
    assert!(matches!(sign_in(&fixture, &fixture.directory, PASSWORD), Err(SignInError::Locked)));
    assert_eq!(stored(&fixture, &user), before);
    act("unlock");
    must(sign_in(&fixture, &fixture.directory, PASSWORD));
    assert_eq!(stored(&fixture, &user), PASSWORD);
}

/// Of two sign-ins at the same time, both with the right password, neither is refused or counted as a failure.
pub fn a_hash_that_was_replaced_meanwhile_is_compared_again(store: Arc<dyn Store>) {
    let fixture = Arc::new(Fixture::over(store));
    let user = imported(&fixture);
    let other = Arc::clone(&fixture);
    let slow = slow_directory(&fixture, move || _ = must(sign_in(&other, &other.directory, PASSWORD)));
    must(sign_in(&fixture, &slow, PASSWORD));
    assert_eq!(stored(&fixture, &user), PASSWORD);
    let after = read(&fixture, &user);
    assert_eq!((after.successful_login_attempts, after.failed_login_attempts), (2, 0));
    assert_eq!(after.lockout, Lockout::default());
}

/// A password that is changed while the former one is compared is not undone, and the former one does not sign in.
pub fn a_password_that_was_changed_meanwhile_stays(store: Arc<dyn Store>) {
    let fixture = Arc::new(Fixture::over(store));
    let user = imported(&fixture);
    let (other, named) = (Arc::clone(&fixture), UserIdentifier::Id(user.id));
    let slow = slow_directory(&fixture, move || {
        let by = other.by(&other.admin);
        must(other.directory.change_password(&by, &named, None, Some(NEW.to_owned())));
    });
    assert!(matches!(sign_in(&fixture, &slow, PASSWORD), Err(SignInError::Incorrect)));
    assert_eq!(stored(&fixture, &user), NEW);
    assert_eq!(read(&fixture, &user).failed_login_attempts, 1);
    must(sign_in(&fixture, &fixture.directory, NEW));
}

/// As many hashes are computed with the present parameters for a name that nobody has, for a hash of any age, and for a right and a
/// wrong password: the time does not tell which it was.
pub fn as_many_hashes_are_computed_for_every_name(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let user = imported(&fixture);
    person(&fixture, "marla");
    let counted = Arc::new(CountedPasswords(AtomicU32::new(0)));
    let directory = fixture.directory_with(Arc::clone(&counted) as _);
    let hashes = |name: &str, password: &str| {
        let before = counted.0.load(Ordering::Relaxed);
        let session = directory.sign_in(&fixture.anonymous(), name, password.to_owned(), &Scopes::all());
        (session.is_ok(), counted.0.load(Ordering::Relaxed) - before)
    };
    // The second is prepared to another text, and both are compared.
    for (wrong, forms) in [("wrong", 1), ("wrong\u{a0}", 2)] {
        for name in ["nobody", "marla", "tdurden"] {
            assert_eq!(hashes(name, wrong), (false, forms), "{name} {wrong:?}");
        }
    }
    assert_eq!(hashes("tdurden", PASSWORD), (true, 1));
    assert_eq!(stored(&fixture, &user), PASSWORD);
    assert_eq!(hashes("tdurden", PASSWORD), (true, 1));
}

/// A directory over the same store, where `meanwhile` happens while a password is compared for the first time.
fn slow_directory(fixture: &Fixture, meanwhile: impl FnOnce() + Send + 'static) -> Directory<'static> {
    fixture.directory_with(Arc::new(SlowPasswords { meanwhile: Mutex::new(Some(Box::new(meanwhile))) }))
}

struct SlowPasswords {
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Passwords for SlowPasswords {
    fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordsError> {
        AsItIs.hash(password)
    }

    fn verify(&self, password: &Password, hash: &PasswordHash) -> Result<bool, PasswordsError> {
        let meanwhile = self.meanwhile.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        AsItIs.verify(password, hash)
    }

    fn is_outdated(&self, hash: &PasswordHash) -> bool {
        AsItIs.is_outdated(hash)
    }
}

/// Counts the hashes with the present parameters.
struct CountedPasswords(AtomicU32);

impl Passwords for CountedPasswords {
    fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordsError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        AsItIs.hash(password)
    }

    fn verify(&self, password: &Password, hash: &PasswordHash) -> Result<bool, PasswordsError> {
        self.0.fetch_add(u32::from(!self.is_outdated(hash)), Ordering::Relaxed);
        AsItIs.verify(password, hash)
    }

    fn is_outdated(&self, hash: &PasswordHash) -> bool {
        AsItIs.is_outdated(hash)
    }
}
