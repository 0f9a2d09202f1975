//! Those who sign in elsewhere.

use std::sync::Arc;

use super::Fixture;
use super::fixture::must;
use crate::access::{Caller, Denied, Permission, Policy, Refused, Scopes};
use crate::api_key::ApiKeyDraft;
use crate::directory::{ChangeUserError, IdentitiesError, IdentitySelection, RecogniseError};
use crate::external::{ExternalIdentity, IdentityLink, Trust};
use crate::group::SystemGroup;
use crate::identifier::UserIdentifier;
use crate::page::Page;
use crate::ports::Store;
use crate::time::Timestamp;
use crate::user::{Email, Provider, ProviderKind, UserChanges, UserDraft, UserId};
use crate::version::Precondition;

pub(super) fn trusted(fixture: &Fixture, name: &str) -> ExternalIdentity {
    ExternalIdentity {
        issuer: "https://id.example".to_owned(),
        subject: format!("subject of {name}"),
        provider: "keycloak".to_owned(),
        link_name: None,
        names: vec![name.to_owned()],
        email: None,
        first_name: None,
        last_name: None,
        groups: None,
        scopes: Scopes::all(),
        issued: fixture.now(),
        trust: Trust { creates_users: true, ..Trust::default() },
    }
}

pub(super) fn later(identity: &ExternalIdentity, seconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(identity.issued.milliseconds() + seconds * 1000)
}

/// The first token makes the user, with what it says of them; later ones are sign-ins, the same one again is none.
pub fn a_stranger_becomes_a_user_once(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let first = ExternalIdentity {
        email: Some("Marla@FightClub.com".to_owned()),
        first_name: Some("Marla".to_owned()),
        last_name: Some("Sin\u{7}ger".to_owned()),
        ..trusted(&fixture, "msinger")
    };
    let not_trusted = ExternalIdentity { trust: Trust::default(), ..first.clone() };
    assert!(matches!(fixture.directory.recognise(&fixture.anonymous(), &not_trusted), Err(RecogniseError::Unknown)));
    assert_eq!(must(fixture.directory.recognise(&fixture.anonymous(), &first)), None);
    let caller = must(fixture.directory.sign_in_external(&fixture.anonymous(), &first));
    for _ in 0..2 {
        assert_eq!(must(fixture.directory.recognise(&fixture.anonymous(), &first)).as_ref(), Some(&caller));
        assert_eq!(must(fixture.directory.sign_in_external(&fixture.anonymous(), &first)), caller);
    }
    let read = || must(fixture.directory.user(&fixture.by(&fixture.admin), &UserIdentifier::from("msinger")));
    let user = read();
    assert_eq!(user.provider, Provider { kind: ProviderKind::External, name: "keycloak".to_owned() });
    assert_eq!(user.email.as_ref().map(Email::as_str), Some("Marla@FightClub.com"));
    assert_eq!((user.first_name.as_deref(), user.last_name.as_deref()), (Some("Marla"), None));
    assert_eq!((user.successful_login_attempts, user.password_changed), (1, None));
    assert!(fixture.is_in(fixture.system(SystemGroup::Everyone), user.id));
    assert!(fixture.is_in(fixture.system(SystemGroup::AdUsers), user.id));
    must(
        fixture
            .directory
            .sign_in_external(&fixture.anonymous(), &ExternalIdentity { issued: later(&first, 1), ..first.clone() }),
    );
    for _ in 0..9 {
        assert!(
            fixture.directory.sign_in(&fixture.anonymous(), "msinger", "wrong".to_owned(), &Scopes::all()).is_err()
        );
    }
    assert_eq!((read().successful_login_attempts, read().is_locked(fixture.now())), (2, false));
    must(fixture.directory.act(&fixture.by(&fixture.admin), &UserIdentifier::Id(user.id), "suspend"));
    let next = ExternalIdentity { issued: later(&first, 2), ..first };
    let kept_out = must(fixture.directory.sign_in_external(&fixture.anonymous(), &next));
    let refused = fixture.may(&kept_out, Permission::ReadUsers);
    assert_eq!(refused, Err(Denied::Unauthenticated));
    assert_eq!(read().successful_login_attempts, 2);
    // It is no sign-in, which would be a unit of work that writes for each request of somebody who is kept out.
    assert_eq!(must(fixture.directory.recognise(&fixture.anonymous(), &next)), Some(kept_out));
    must(fixture.directory.act(&fixture.by(&fixture.admin), &UserIdentifier::Id(user.id), "unsuspend"));
    assert_eq!(must(fixture.directory.recognise(&fixture.anonymous(), &next)), None);
}

/// Who somebody is, issuer and subject say: no name, address or claim chooses a user who is linked, whatever they are called here or
/// there later, and two issuers may use one subject.
pub fn an_identity_is_its_issuer_and_its_subject(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let marla = trusted(&fixture, "msinger");
    let user = must(fixture.directory.sign_in_external(&fixture.anonymous(), &marla)).user;
    let renamed = ExternalIdentity {
        names: vec!["marla.durden".to_owned()],
        link_name: Some("admin".to_owned()),
        email: Some("admin@fightclub.com".to_owned()),
        issued: later(&marla, 1),
        trust: Trust { links_existing: true, links_administrators: true, ..marla.trust },
        ..marla.clone()
    };
    assert_eq!(must(fixture.directory.sign_in_external(&fixture.anonymous(), &renamed)).user, user);
    let changes = UserChanges { username: Some(Some("tyler".to_owned())), ..UserChanges::default() };
    must(fixture.directory.change_user(
        &fixture.by(&fixture.admin),
        &UserIdentifier::Id(user),
        &changes,
        &Precondition::default(),
    ));
    assert_eq!(must(fixture.directory.recognise(&fixture.anonymous(), &renamed)).map(|caller| caller.user), Some(user));
    let elsewhere = ExternalIdentity {
        issuer: "https://other.example".to_owned(),
        provider: "okta".to_owned(),
        issued: later(&marla, 2),
        ..marla.clone()
    };
    let other = must(fixture.directory.sign_in_external(&fixture.anonymous(), &elsewhere)).user;
    assert_ne!(other, user);
    let successor = ExternalIdentity { subject: "somebody else".to_owned(), issued: later(&marla, 3), ..renamed };
    assert_ne!(must(fixture.directory.sign_in_external(&fixture.anonymous(), &successor)).user, user);
    let links =
        must(fixture.directory.identities(&fixture.by(&fixture.admin), &UserIdentifier::Id(user), &Page::default()));
    let expected = IdentityLink {
        issuer: marla.issuer.clone(),
        subject: marla.subject.clone(),
        user,
        linked: fixture.now(),
        latest_token: Some(later(&marla, 1)),
    };
    assert_eq!((links.total, links.items), (1, vec![expected]));
}

/// Whoever has the name or the address already keeps nobody from coming, not even by all names that could be next.
pub fn nobody_keeps_somebody_else_from_coming(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    for name in ["msinger", "msinger (keycloak)", "marla@fightclub.com"] {
        fixture.user(name);
    }
    let marla = ExternalIdentity { email: Some("Marla@FightClub.com".to_owned()), ..trusted(&fixture, "msinger") };
    let user = must(fixture.directory.sign_in_external(&fixture.anonymous(), &marla)).user;
    let read = |user: UserId| must(fixture.directory.user(&fixture.by(&fixture.admin), &UserIdentifier::Id(user)));
    let (name, email) = (read(user).username, read(user).email);
    assert_eq!((name.as_str(), email), (format!("msinger (keycloak {user})").as_str(), None));
    let free = ExternalIdentity { subject: "2".to_owned(), ..trusted(&fixture, "rpaulson") };
    fixture.user("rpaulson");
    let user = must(fixture.directory.sign_in_external(&fixture.anonymous(), &free)).user;
    assert_eq!(read(user).username.as_str(), "rpaulson (keycloak)");
    let id = "24312b9f-0b66-4e6d-aec0-6348c5b8d867".to_owned();
    let nameless = ExternalIdentity { subject: id.clone(), names: vec!["@me".to_owned(), id.clone()], ..free };
    let user = must(fixture.directory.sign_in_external(&fixture.anonymous(), &nameless)).user;
    assert_eq!(read(user).username.as_str(), format!("{id} (keycloak)"));
}

/// A user who is already here is linked only where that is wanted, and by no name but one that an administrator or an issuer gave.
pub fn only_names_given_by_an_authority_link(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let create = |caller: &Caller, name: &str| {
        let draft = UserDraft {
            username: Some(name.to_owned()),
            email: Some(format!("{name}@fightclub.com")),
            password: Some("pr0j3ctM4yh3m".to_owned()),
            ..UserDraft::default()
        };
        must(fixture.directory.create_user(&fixture.by(caller), draft)).id
    };
    let link = |subject: &str, name: &str, trust: Trust| {
        let identity = trusted(&fixture, name);
        let subject = subject.to_owned();
        let identity = ExternalIdentity { subject, link_name: Some(name.to_owned()), trust, ..identity };
        fixture.directory.sign_in_external(&fixture.anonymous(), &identity).map(|caller| caller.user)
    };
    let linking = Trust { links_existing: true, ..Trust::default() };
    let marla = create(&fixture.admin, "msinger");
    assert!(matches!(link("1", "msinger", Trust::default()), Err(RecogniseError::Unknown)));
    assert_eq!(must(link("1", "MSINGER", linking)), marla);
    // Linked already: whoever has the name over there now is somebody else.
    assert!(matches!(link("2", "msinger", linking), Err(RecogniseError::Unknown)));

    // A name that somebody gave themselves, in one step or in two, proves nothing.
    let bob = create(&fixture.admin, "rpaulson");
    let rename = |caller: &Caller, user: UserId, username: &str, email: &str| {
        let changes = UserChanges {
            username: Some(Some(username.to_owned())),
            email: Some(Some(email.to_owned())),
            ..UserChanges::default()
        };
        must(fixture.directory.change_user(
            &fixture.by(caller),
            &UserIdentifier::Id(user),
            &changes,
            &Precondition::default(),
        ))
    };
    rename(&fixture.caller(bob), bob, "executive", "executive@fightclub.com");
    for name in ["executive", "executive@fightclub.com"] {
        assert!(matches!(link("3", name, linking), Err(RecogniseError::Unknown)), "{name}");
    }
    // An administrator who sends back what was read does not vouch for it; one who gives another name does.
    rename(&fixture.admin, bob, "executive", "executive@fightclub.com");
    assert!(matches!(link("3", "executive", linking), Err(RecogniseError::Unknown)));
    // Nor does one who changes something else.
    let change_first_name = |caller: &Caller, name: &str| {
        let changes = UserChanges { first_name: Some(Some(name.to_owned())), ..UserChanges::default() };
        let id = UserIdentifier::Id(bob);
        must(fixture.directory.change_user(&fixture.by(caller), &id, &changes, &Precondition::default()));
    };
    change_first_name(&fixture.admin, "Robert");
    assert!(matches!(link("3", "executive", linking), Err(RecogniseError::Unknown)));
    rename(&fixture.admin, bob, "bob", "bob@fightclub.com");
    // The name stays one that an administrator gave, whatever else its owner changes.
    change_first_name(&fixture.caller(bob), "Bob");
    assert_eq!(must(link("3", "bob@fightclub.com", linking)), bob);

    // Who administers is linked only where that is wanted too, and the users of API keys never.
    let chief = create(&fixture.admin, "chief");
    fixture.join(fixture.system(SystemGroup::ApiKeyAdministrators), &[chief]);
    assert!(matches!(link("4", "chief", linking), Err(RecogniseError::Unknown)));
    assert_eq!(must(link("4", "chief", Trust { links_administrators: true, ..linking })), chief);
    let draft = ApiKeyDraft { name: Some(Some("soap".to_owned())), ..ApiKeyDraft::default() };
    must(fixture.directory.create_api_key(&fixture.operator(), draft, &[]));
    let everything = Trust { links_administrators: true, ..linking };
    assert!(matches!(link("5", "soap", everything), Err(RecogniseError::Unknown)));
}

/// A delegate could give an account of their own the name of somebody who is expected.
pub fn a_delegates_word_links_nobody(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let policy = Policy { delegated_administration: true, ..Policy::default() };
    let directory = fixture.directory.clone().with_policy(policy);
    let delegate = fixture.user("delegate");
    fixture.join(fixture.system(SystemGroup::UserAdministrators), &[delegate]);
    let draft = UserDraft {
        username: Some("executive".to_owned()),
        email: Some("executive@fightclub.com".to_owned()),
        password: Some("pr0j3ctM4yh3m".to_owned()),
        ..UserDraft::default()
    };
    must(directory.create_user(&fixture.by(fixture.caller(delegate)), draft));
    let identity = ExternalIdentity {
        link_name: Some("executive".to_owned()),
        trust: Trust { links_existing: true, ..Trust::default() },
        ..trusted(&fixture, "executive")
    };
    assert!(matches!(directory.sign_in_external(&fixture.anonymous(), &identity), Err(RecogniseError::Unknown)));
}

/// Whoever has a link may not take other names on themselves; administrators may, and may remove the link.
pub fn a_linked_user_keeps_their_names(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let marla = ExternalIdentity { email: Some("marla@fightclub.com".to_owned()), ..trusted(&fixture, "msinger") };
    let caller = must(fixture.directory.sign_in_external(&fixture.anonymous(), &marla));
    let user = UserIdentifier::Id(caller.user);
    let change = |caller: &Caller, username: &str, email: &str| {
        let changes = UserChanges {
            username: Some(Some(username.to_owned())),
            email: Some(Some(email.to_owned())),
            first_name: Some(Some("Marla".to_owned())),
            ..UserChanges::default()
        };
        fixture.directory.change_user(&fixture.by(caller), &user, &changes, &Precondition::default()).map(drop)
    };
    must(change(&caller, "msinger", "marla@fightclub.com"));
    for (username, email) in [("executive", "marla@fightclub.com"), ("msinger", "executive@fightclub.com")] {
        let refused = change(&caller, username, email);
        assert!(matches!(refused, Err(ChangeUserError::Refused(Refused::Denied(Denied::NotPermitted)))), "{refused:?}");
    }
    must(change(&fixture.admin, "marla", "m@fightclub.com"));
    let other = IdentitySelection { subject: Some("other".to_owned()), ..IdentitySelection::default() };
    let refused = fixture.directory.remove_identities(&fixture.by(&fixture.admin), &user, &other);
    assert!(matches!(refused, Err(IdentitiesError::NotLinked)));
    let refused = fixture.directory.remove_identities(&fixture.by(&caller), &user, &IdentitySelection::default());
    assert!(matches!(refused, Err(IdentitiesError::Refused(Refused::Denied(Denied::NotPermitted)))));
    must(fixture.directory.remove_identities(&fixture.by(&fixture.admin), &user, &IdentitySelection::default()));
    assert!(matches!(fixture.directory.recognise(&fixture.anonymous(), &marla), Ok(None)));
    must(change(&caller, "msinger", "marla@fightclub.com"));
}
