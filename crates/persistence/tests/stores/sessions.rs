//! Signing in while others do, and while the user goes.

use std::sync::{Arc, Barrier};
use std::thread;

use guildhall_domain::access::Scopes;
use guildhall_domain::contract::Fixture;
use guildhall_domain::directory::{RefreshError, Session, SignInError};
use guildhall_domain::external::{ExternalIdentity, Trust};
use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::ports::Store;
use guildhall_domain::user::UserDraft;
use guildhall_domain::version::Precondition;

use super::databases;

const PASSWORD: &str = "pr0j3ctM4yh3m";

/// Runs `work` for every number below `count` at the same time.
fn together(count: usize, work: impl Fn(usize) + Sync) {
    let start = Barrier::new(count);
    thread::scope(|scope| {
        for number in 0..count {
            let (start, work) = (&start, &work);
            scope.spawn(move || {
                start.wait();
                work(number);
            });
        }
    });
}

/// In, or refused; a name that nobody has any more locks like others.
fn is_as_expected(outcome: &Result<Session, SignInError>) -> bool {
    matches!(outcome, Ok(_) | Err(SignInError::Incorrect | SignInError::Locked))
}

/// Whoever signs in or refreshes meanwhile gets in or is refused, and nothing fails; afterwards nobody gets in.
fn a_user_is_deleted_while_they_sign_in(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let directory = &fixture.directory;
    for round in 0..6 {
        let name = format!("user{round}");
        let draft = UserDraft {
            username: Some(name.clone()),
            email: Some(format!("{name}@fightclub.com")),
            password: Some(PASSWORD.to_owned()),
            ..UserDraft::default()
        };
        let user = UserIdentifier::Id(directory.create_user(&fixture.by(&fixture.admin), draft).expect("a user").id);
        let sign_in =
            |password: &str| directory.sign_in(&fixture.anonymous(), &name, password.to_owned(), &Scopes::all());
        let token = sign_in(PASSWORD).expect("a session").refresh_token;
        let refresh = || directory.refresh(&fixture.anonymous(), token.reveal(), &Scopes::all());
        together(8, |number| match number {
            0 => directory.delete_user(&fixture.by(&fixture.admin), &user, &Precondition::default()).expect("deleted"),
            1..=3 => {
                for _ in 0..3 {
                    let outcome = sign_in(PASSWORD);
                    assert!(is_as_expected(&outcome), "{outcome:?}");
                }
            }
            4 => {
                let outcome = sign_in("wrong");
                assert!(outcome.is_err() && is_as_expected(&outcome), "{outcome:?}");
            }
            _ => {
                for _ in 0..3 {
                    let outcome = refresh();
                    assert!(matches!(outcome, Ok(_) | Err(RefreshError::Invalid)), "{outcome:?}");
                }
            }
        });
        assert!(matches!(refresh(), Err(RefreshError::Invalid)));
        let outcome = sign_in(PASSWORD);
        assert!(outcome.is_err() && is_as_expected(&outcome), "{outcome:?}");
    }
}

/// One token of an external issuer, presented by many requests at once, makes one user, who has signed in once.
fn a_stranger_comes_many_times_at_once(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    for round in 0..4 {
        let identity = ExternalIdentity {
            issuer: "https://id.example".to_owned(),
            subject: format!("subject {round}"),
            provider: "keycloak".to_owned(),
            link_name: None,
            names: vec![format!("msinger{round}")],
            email: Some(format!("msinger{round}@fightclub.com")),
            first_name: None,
            last_name: None,
            groups: (round % 2 == 1).then(|| [format!("Soap {round}")].into_iter().collect()),
            scopes: Scopes::all(),
            issued: fixture.now(),
            trust: Trust { creates_users: true, creates_groups: true, ..Trust::default() },
        };
        together(8, |_| {
            fixture.directory.sign_in_external(&fixture.anonymous(), &identity).expect("somebody");
        });
        let user = UserIdentifier::from(identity.names[0].as_str());
        let user = fixture.directory.user(&fixture.by(&fixture.admin), &user).expect("a user");
        assert_eq!(user.successful_login_attempts, 1);
    }
}

#[test]
fn a_user_is_deleted_while_they_sign_in_to_sqlite() {
    let (database, _, _folder) = databases::sqlite();
    a_user_is_deleted_while_they_sign_in(database.store());
}

#[test]
fn a_user_is_deleted_while_they_sign_in_to_postgres() {
    let (database, _, _dropped) = databases::postgres();
    a_user_is_deleted_while_they_sign_in(database.store());
}

#[test]
fn a_stranger_comes_many_times_at_once_to_sqlite() {
    let (database, _, _folder) = databases::sqlite();
    a_stranger_comes_many_times_at_once(database.store());
}

#[test]
fn a_stranger_comes_many_times_at_once_to_postgres() {
    let (database, _, _dropped) = databases::postgres();
    a_stranger_comes_many_times_at_once(database.store());
}
