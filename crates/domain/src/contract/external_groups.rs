//! Groups that an external issuer manages.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Fixture;
use super::external::{later, trusted};
use super::fixture::must;
use crate::access::{Denied, Permission};
use crate::external::{ExternalIdentity, Trust};
use crate::group::{GroupDraft, GroupId, GroupKind, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::Store;
use crate::user::UserId;

fn external_group(fixture: &Fixture, name: &str) -> GroupId {
    let draft = GroupDraft { name: Some(name.to_owned()), kind: Some("external".to_owned()), ..GroupDraft::default() };
    must(fixture.directory.create_group(&fixture.by(&fixture.admin), draft)).id
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
        must(
            fixture
                .directory
                .sign_in_external(&fixture.anonymous(), &ExternalIdentity { groups, issued, trust, ..identity }),
        )
        .user
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
    let made = must(fixture.directory.group(&fixture.by(&fixture.admin), &GroupIdentifier::from("tall ones")));
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
        must(fixture.directory.sign_in_external(
            &fixture.anonymous(),
            &ExternalIdentity { groups, issued: later(&identity, seconds), ..identity.clone() },
        ))
    };
    let caller = naming(&["Outside"], 1);
    must(fixture.directory.remove_member(
        &fixture.by(&caller),
        &GroupIdentifier::Id(system),
        &UserIdentifier::Id(fixture.admin.user),
    ));
    let caller = naming(&[], 2);
    assert_eq!(fixture.may(&caller, Permission::ManageUsers), Ok(()));
    must(fixture.directory.add_member(
        &fixture.by(&caller),
        &GroupIdentifier::Id(system),
        &UserIdentifier::Id(fixture.admin.user),
    ));
    let caller = naming(&[], 3);
    assert_eq!(fixture.may(&caller, Permission::ManageUsers), Err(Denied::NotPermitted));
}
