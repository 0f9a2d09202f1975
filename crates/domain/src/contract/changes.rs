//! Changing and deleting users and groups.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Fixture;
use super::fixture::must;
use crate::access::{Denied, Refused};
use crate::custom::{CustomChange, CustomValue};
use crate::directory::{ChangeGroupError, ChangePasswordError, ChangeUserError, DeleteGroupError};
use crate::group::{GroupChanges, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::password::{Password, PasswordHash};
use crate::ports::{Credentials, PasswordUpdate, Store};
use crate::user::UserChanges;
use crate::version::{Precondition, Version};

fn by_name(name: &str) -> UserChanges {
    UserChanges { username: Some(Some(name.to_owned())), ..UserChanges::default() }
}

/// What is named changes and makes the next version; what changes nothing makes none; old names are free again.
pub fn a_changed_user_has_the_next_version(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (id, other) = (fixture.user("tyler@fightclub.com"), fixture.user("marla"));
    let user = UserIdentifier::Id(id);
    let change = |changes: &UserChanges| {
        fixture.directory.change_user(&fixture.by(&fixture.admin), &user, changes, &Precondition::default())
    };
    let custom = BTreeMap::from([("soap".to_owned(), Some(CustomValue::Boolean(true))), ("none".to_owned(), None)]);
    let changes = UserChanges {
        email: Some(Some("t@fightclub.com".to_owned())),
        first_name: Some(Some("Tyler".to_owned())),
        custom: Some(CustomChange::Merge(custom)),
        ..by_name("TDurden")
    };
    let after = must(change(&changes));
    assert_eq!((after.version, after.first_name.as_deref(), after.custom.len()), (Version(2), Some("Tyler"), 1));
    assert_eq!(must(fixture.directory.user(&fixture.by(&fixture.admin), &user)), after);
    assert_eq!(must(change(&changes)), after);
    assert!(
        matches!(change(&by_name("MARLA")), Err(ChangeUserError::Invalid(faults)) if faults[0].field == "username")
    );
    let freed = fixture.directory.change_user(
        &fixture.by(&fixture.admin),
        &UserIdentifier::Id(other),
        &by_name("tyler@fightclub.com"),
        &Precondition::default(),
    );
    assert_eq!(must(freed).id, other);
}

/// The same for a group.
pub fn a_changed_group_has_the_next_version(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let group = GroupIdentifier::Id(fixture.group("Soap"));
    fixture.group("Lye");
    let change = |changes: &GroupChanges| {
        fixture.directory.change_group(&fixture.by(&fixture.admin), &group, changes, &Precondition::default())
    };
    let changes = GroupChanges {
        name: Some(Some("Paper Street".to_owned())),
        description: Some(Some("First rule".to_owned())),
        auto_membership_email_domains: Some(vec!["fightclub.com".to_owned()]),
        ..GroupChanges::default()
    };
    let after = must(change(&changes));
    assert_eq!((after.version, after.name.as_str()), (Version(2), "Paper Street"));
    assert_eq!(must(fixture.directory.group(&fixture.by(&fixture.admin), &group)), after);
    assert_eq!(must(change(&changes)), after);
    let cleared = GroupChanges {
        description: Some(None),
        auto_membership_email_domains: Some(Vec::new()),
        ..GroupChanges::default()
    };
    let cleared = must(change(&cleared));
    assert_eq!((cleared.description, cleared.auto_membership_email_domains.len()), (None, 0));
    let taken = GroupChanges { name: Some(Some("LYE".to_owned())), ..GroupChanges::default() };
    assert!(matches!(change(&taken), Err(ChangeGroupError::Invalid(faults)) if faults[0].field == "name"));
}

/// A change for a state that is past is refused.
pub fn a_change_for_another_version_is_refused(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (user, group) = (UserIdentifier::Id(fixture.user("user")), GroupIdentifier::Id(fixture.group("Soap")));
    let first = Precondition::one_of([Version::FIRST]);
    let rename = |name: &str| fixture.directory.change_user(&fixture.by(&fixture.admin), &user, &by_name(name), &first);
    must(rename("one"));
    assert!(matches!(rename("two"), Err(ChangeUserError::Stale)));
    let describe = |text: &str| {
        let changes = GroupChanges { description: Some(Some(text.to_owned())), ..GroupChanges::default() };
        fixture.directory.change_group(&fixture.by(&fixture.admin), &group, &changes, &first)
    };
    must(describe("one"));
    assert!(matches!(describe("two"), Err(ChangeGroupError::Stale)));
    assert!(matches!(
        fixture.directory.delete_group(&fixture.by(&fixture.admin), &group, &first),
        Err(DeleteGroupError::Stale)
    ));
    must(fixture.directory.delete_user(&fixture.by(&fixture.admin), &user, &Precondition::one_of([Version(2)])));
}

/// A new password and a new stamp are kept; without either, both stay.
pub fn secrets_change_with_a_user(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let id = fixture.user("user");
    let hash = PasswordHash("hash".to_owned());
    let update = |secrets: &Credentials| {
        must(fixture.store.write(|directory| {
            let user = directory.user_to_change(id)?;
            user.map(|user| directory.update_user(&user, &user, secrets)).transpose()
        }));
        must(fixture.store.read(|directory| {
            Ok::<_, crate::ports::StoreError>((directory.password(id)?, directory.account_status(id)?))
        }))
    };
    let before = fixture.caller(id).stamp;
    let (password, status) =
        update(&Credentials { password: Some(PasswordUpdate::Changed(hash.clone())), ..Credentials::default() });
    assert_eq!((password, status.map(|status| status.stamp)), (Some(hash.clone()), Some(before)));
    let stamp = crate::user::SecurityStamp(uuid::Uuid::from_u128(0xfeed));
    let (password, status) = update(&Credentials { stamp: Some(stamp), ..Credentials::default() });
    assert_eq!((password, status.map(|status| status.stamp)), (Some(hash), Some(stamp)));
}

/// A deleted user is in no group and no count, and their names are free.
pub fn a_deleted_user_leaves_nothing(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (id, groups) = (fixture.user("user@fightclub.com"), [fixture.group("one"), fixture.group("two")]);
    for group in groups {
        assert_eq!(fixture.join(group, &[id, fixture.admin.user]), 2);
    }
    let caller = fixture.caller(id);
    must(fixture.directory.delete_user(&fixture.by(&fixture.admin), &UserIdentifier::Id(id), &Precondition::default()));
    assert_eq!(groups.map(|group| fixture.read(group).user_count), [1, 1]);
    assert!(!fixture.is_in(groups[0], id));
    let read = fixture.directory.user(&fixture.by(&caller), &UserIdentifier::Current);
    assert!(matches!(read, Err(crate::directory::ReadUserError::Refused(Refused::Denied(Denied::Unauthenticated)))));
    assert_ne!(fixture.user("user@fightclub.com"), id);
}

/// A deleted group takes its memberships and edges along; users and children stay.
pub fn a_deleted_group_leaves_its_users_and_children(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let groups = ["top", "middle", "bottom"].map(|name| fixture.group(name));
    fixture.nest(groups[0], groups[1]);
    fixture.nest(groups[1], groups[2]);
    let user = fixture.user("user");
    fixture.join(groups[1], &[user]);
    fixture.join(groups[2], &[user]);
    must(fixture.directory.delete_group(
        &fixture.by(&fixture.admin),
        &GroupIdentifier::Id(groups[1]),
        &Precondition::default(),
    ));
    assert_eq!([0, 2].map(|place| fixture.is_in(groups[place], user)), [false, true]);
    assert_eq!((fixture.read(groups[0]).child_group_count, fixture.read(groups[2]).user_count), (0, 1));
    let system = GroupIdentifier::Id(fixture.system(SystemGroup::AdUsers));
    let refused = fixture.directory.delete_group(&fixture.by(&fixture.admin), &system, &Precondition::default());
    assert!(matches!(refused, Err(DeleteGroupError::SystemGroup)));
    assert_ne!(fixture.group("middle"), groups[1]);
}

/// A new password ends old tokens; wrong ones are counted and lock the account, though the request is refused.
pub fn passwords_change_and_wrong_ones_lock(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let id = fixture.user("user");
    let user = UserIdentifier::Id(id);
    let set = |caller, existing: Option<&str>, new: &str| {
        fixture.directory.change_password(&fixture.by(caller), &user, existing.map(str::to_owned), Some(new.to_owned()))
    };
    must(set(&fixture.admin, None, "pr0j3ctM4yh3m"));
    let kept = must(fixture.store.read(|directory| directory.password(id)));
    assert_eq!(kept, Some(PasswordHash(Password::typed("pr0j3ctM4yh3m".to_owned()).reveal().to_owned())));
    let caller = fixture.caller(id);
    let missing = set(&caller, None, "F1ghtC1ub1234!");
    assert!(matches!(missing, Err(ChangePasswordError::Invalid(faults)) if faults[0].field == "existing"));
    let same = set(&caller, Some("pr0j3ctM4yh3m"), "pr0j3ctM4yh3m");
    assert!(matches!(same, Err(ChangePasswordError::Invalid(faults)) if faults[0].field == "new"));
    must(set(&caller, Some("pr0j3ctM4yh3m"), "F1ghtC1ub1234!"));
    assert!(matches!(
        set(&caller, Some("F1ghtC1ub1234!"), "An0ther!One"),
        Err(ChangePasswordError::Refused(Refused::Denied(Denied::Unauthenticated)))
    ));
    let caller = fixture.caller(id);
    for _ in 0..5 {
        assert!(matches!(set(&caller, Some("wrong"), "An0ther!One"), Err(ChangePasswordError::ExistingIncorrect)));
    }
    let changed = must(fixture.directory.user(&fixture.by(&fixture.admin), &user));
    assert_eq!((changed.is_locked(fixture.now()), changed.failed_login_attempts), (true, 5));
    // Longer than any password: wrong, and counted.
    let endless = "x".repeat(1025);
    assert!(matches!(set(&caller, Some(&endless), "An0ther!One"), Err(ChangePasswordError::ExistingIncorrect)));
    assert_eq!(must(fixture.directory.user(&fixture.by(&fixture.admin), &user)).failed_login_attempts, 6);
    // A lock keeps password sign-ins out, and no session.
    must(set(&caller, Some("F1ghtC1ub1234!"), "An0ther!One"));
}
