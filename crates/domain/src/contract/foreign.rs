//! Those who sign in elsewhere.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Fixture;
use super::fixture::must;
use crate::access::{Action, Actor, Denied, SECURITY_ADMINISTRATOR, Scopes};
use crate::api_key::ApiKeyDraft;
use crate::directory::RecogniseError;
use crate::foreign::{ForeignIdentity, Trust};
use crate::group::{GroupDraft, GroupId, GroupKind, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::Store;
use crate::time::Timestamp;
use crate::user::{Email, Provider, ProviderKind, UserId};

fn trusted(fixture: &Fixture, name: &str) -> ForeignIdentity {
    ForeignIdentity {
        provider: "keycloak".to_owned(),
        name: name.to_owned(),
        alias: None,
        email: None,
        first_name: None,
        last_name: None,
        groups: None,
        scopes: Scopes::all(),
        issued: fixture.now(),
        trust: Trust { creates_users: true, names_local_users: false, creates_groups: false },
    }
}

fn later(identity: &ForeignIdentity, seconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(identity.issued.milliseconds() + seconds * 1000)
}

fn external_group(fixture: &Fixture, name: &str) -> GroupId {
    let draft = GroupDraft { name: Some(name.to_owned()), kind: Some("external".to_owned()), ..GroupDraft::default() };
    must(fixture.directory.create_group(&fixture.admin, draft)).id
}

/// The first token makes the user, with what it says of them; later ones are sign-ins, the same one again is none.
pub fn a_stranger_becomes_a_user_once(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let first = ForeignIdentity {
        email: Some("Marla@FightClub.com".to_owned()),
        first_name: Some("Marla".to_owned()),
        last_name: Some("Sin\u{7}ger".to_owned()),
        ..trusted(&fixture, "msinger")
    };
    let not_trusted = ForeignIdentity { trust: Trust::default(), ..first.clone() };
    assert!(matches!(fixture.directory.recognise(&not_trusted), Err(RecogniseError::Unknown)));
    let caller = must(fixture.directory.recognise(&first));
    for _ in 0..2 {
        assert_eq!(must(fixture.directory.recognise(&first)), caller);
    }
    let read = || must(fixture.directory.user(&fixture.admin, &UserIdentifier::from("msinger")));
    let user = read();
    assert_eq!(user.provider, Provider { kind: ProviderKind::External, name: "keycloak".to_owned() });
    assert_eq!(user.email.as_ref().map(Email::as_str), Some("Marla@FightClub.com"));
    assert_eq!((user.first_name.as_deref(), user.last_name.as_deref()), (Some("Marla"), None));
    assert_eq!((user.successful_login_attempts, user.password_changed), (1, None));
    assert!(fixture.is_in(fixture.system(SystemGroup::Everyone), user.id));
    assert!(fixture.is_in(fixture.system(SystemGroup::AdUsers), user.id));
    must(fixture.directory.recognise(&ForeignIdentity { issued: later(&first, 1), ..first.clone() }));
    for _ in 0..9 {
        assert!(fixture.directory.sign_in("msinger", "wrong".to_owned(), &Scopes::all()).is_err());
    }
    assert_eq!((read().successful_login_attempts, read().locked), (2, false));
    must(fixture.directory.act(&fixture.admin, &UserIdentifier::Id(user.id), "suspend"));
    let kept_out = must(fixture.directory.recognise(&ForeignIdentity { issued: later(&first, 2), ..first }));
    let refused = must(fixture.directory.authorise(&kept_out, Action::ReadUsers));
    assert_eq!(refused, Err(Denied::Unauthenticated));
    assert_eq!(read().successful_login_attempts, 2);
}

/// An id names by id; a user who is made for one is called by the alias.
pub fn an_id_names_the_user_with_this_id(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let id = "24312b9f-0b66-4e6d-aec0-6348c5b8d867";
    let nameless = trusted(&fixture, id);
    assert!(matches!(fixture.directory.recognise(&nameless), Err(RecogniseError::NoUsername)));
    let named = ForeignIdentity { alias: Some("msinger".to_owned()), ..nameless.clone() };
    let caller = must(fixture.directory.recognise(&named));
    assert_eq!(caller.user.to_string(), id);
    assert_eq!(must(fixture.directory.recognise(&nameless)).user, caller.user);
    let current = trusted(&fixture, "@current");
    assert!(matches!(fixture.directory.recognise(&current), Err(RecogniseError::NoUsername)));
}

/// An issuer speaks for the users made for it, for local ones if it is trusted with them, and never for others.
pub fn an_issuer_speaks_for_no_one_elses_users(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let theirs = trusted(&fixture, "msinger");
    must(fixture.directory.recognise(&theirs));
    let other = ForeignIdentity { provider: "okta".to_owned(), issued: later(&theirs, 9), ..theirs };
    assert!(matches!(fixture.directory.recognise(&other), Err(RecogniseError::NotTheirs)));
    let admin = trusted(&fixture, "ADMIN");
    assert!(matches!(fixture.directory.recognise(&admin), Err(RecogniseError::NotTheirs)));
    let trust = Trust { names_local_users: true, ..Trust::default() };
    let scopes = Scopes::known_in("openid");
    let caller = must(fixture.directory.recognise(&ForeignIdentity { scopes, trust, ..admin }));
    assert_eq!(caller.user, fixture.admin.user);
    assert!(!caller.scopes.contains(SECURITY_ADMINISTRATOR));
    let draft = ApiKeyDraft { name: Some(Some("soap".to_owned())), ..ApiKeyDraft::default() };
    must(fixture.directory.create_api_key(Actor::Operator, draft, &[]));
    let key = ForeignIdentity { trust, ..trusted(&fixture, "soap") };
    assert!(matches!(fixture.directory.recognise(&key), Err(RecogniseError::NotTheirs)));
}

/// External groups follow the token that was issued last; other groups, and older tokens, are left alone.
pub fn external_groups_follow_the_latest_token(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [soap, lye] = ["Soap", "Lye"].map(|name| external_group(&fixture, name));
    let own = fixture.group("Own");
    let naming = |names: &[&str], seconds: i64| {
        let identity = trusted(&fixture, "msinger");
        let groups = Some(names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
        let issued = later(&identity, seconds);
        let trust = Trust { creates_groups: seconds > 5, ..identity.trust };
        must(fixture.directory.recognise(&ForeignIdentity { groups, issued, trust, ..identity })).user
    };
    let user = naming(&["soap", "Own", "Unknown"], 1);
    let within = |user: UserId| [soap, lye, own].map(|group| fixture.is_in(group, user));
    assert_eq!(within(user), [true, false, false]);
    fixture.join(own, &[user]);
    naming(&["LYE"], 3);
    assert_eq!(within(user), [false, true, true]);
    naming(&["soap"], 2);
    assert_eq!(within(user), [false, true, true]);
    naming(&["Tall Ones"], 6);
    let made = must(fixture.directory.group(&fixture.admin, &GroupIdentifier::from("tall ones")));
    assert_eq!((made.kind, made.user_count), (GroupKind::External, 1));
    assert_eq!(within(user), [false, false, true]);
    naming(&[], 7);
    assert!(!fixture.is_in(made.id, user));
}

/// An issuer cannot take the last administrator away by leaving a group out.
pub fn an_issuer_leaves_somebody_who_administers(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let system = fixture.system(SystemGroup::SystemAdministrators);
    let outside = external_group(&fixture, "Outside");
    fixture.nest(system, outside);
    let identity = trusted(&fixture, "msinger");
    let naming = |names: &[&str], seconds: i64| {
        let groups = Some(names.iter().map(|name| (*name).to_owned()).collect());
        must(fixture.directory.recognise(&ForeignIdentity {
            groups,
            issued: later(&identity, seconds),
            ..identity.clone()
        }))
    };
    let caller = naming(&["Outside"], 1);
    must(fixture.directory.remove_member(
        &caller,
        &GroupIdentifier::Id(system),
        &UserIdentifier::Id(fixture.admin.user),
    ));
    let caller = naming(&[], 2);
    assert_eq!(must(fixture.directory.authorise(&caller, Action::ManageUsers)), Ok(()));
    must(fixture.directory.add_member(&caller, &GroupIdentifier::Id(system), &UserIdentifier::Id(fixture.admin.user)));
    let caller = naming(&[], 3);
    assert_eq!(must(fixture.directory.authorise(&caller, Action::ManageUsers)), Err(Denied::NotPermitted));
}
