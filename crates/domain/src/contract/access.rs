//! What decides about a caller.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::Fixture;
use super::fixture::{NOW, must, user_named};
use crate::access::{Caller, Denied, On, Permission, Policy, Refused};
use crate::api_key::ApiKeyDraft;
use crate::directory::{
    ActError, AddChildrenError, ChangeGroupError, ChangePasswordError, ChangeUserError, CreateUserError,
    DeleteGroupError, DeleteUserError, Directory, MemberError, ReadUserError, RemoveChildError, RemoveMemberError,
};
use crate::group::{GroupChanges, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::{NameSource, Store};
use crate::provenance::Provenance;
use crate::time::Timestamp;
use crate::user::{Lockout, SecurityStamp, User, UserChanges, UserDraft, UserId};
use crate::version::Precondition;

/// A member of a group two levels below System Administrators administers, until that membership ends.
pub fn standing_tells_an_effective_administrator(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (child, grandchild) = (fixture.group("child"), fixture.group("grandchild"));
    fixture.nest(fixture.system(SystemGroup::SystemAdministrators), child);
    fixture.nest(child, grandchild);
    let user = fixture.user("user");
    let caller = fixture.caller(user);
    let may = || fixture.may(&caller, Permission::ManageGroups);
    assert_eq!(may(), Err(Denied::NotPermitted));
    fixture.join(grandchild, &[user]);
    assert_eq!(may(), Ok(()));
    must(fixture.directory.remove_member(
        &fixture.by(&fixture.admin),
        &GroupIdentifier::Id(grandchild),
        &UserIdentifier::Id(user),
    ));
    assert_eq!(may(), Err(Denied::NotPermitted));
    let unknown = must(fixture.store.read(|directory| directory.account_status(UserId(Uuid::from_u128(0xdead)))));
    assert_eq!(unknown, None);
}

/// A group's members administer by every administrators' group that it is, or is below.
pub fn administrators_above_a_group_are_found(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [system, keys] =
        [SystemGroup::SystemAdministrators, SystemGroup::ApiKeyAdministrators].map(|group| fixture.system(group));
    let [child, grandchild, other] = ["child", "grandchild", "other"].map(|name| fixture.group(name));
    fixture.nest(system, child);
    fixture.nest(keys, grandchild);
    fixture.nest(child, grandchild);
    fixture.nest(fixture.system(SystemGroup::CmsEditors), grandchild);
    fixture.nest(other, system);
    let above = |group| must(fixture.store.read(|directory| directory.administrators_above(group)));
    assert_eq!(above(system), BTreeSet::from([SystemGroup::SystemAdministrators]));
    assert_eq!(above(child), BTreeSet::from([SystemGroup::SystemAdministrators]));
    let both = BTreeSet::from([SystemGroup::SystemAdministrators, SystemGroup::ApiKeyAdministrators]);
    assert_eq!(above(grandchild), both);
    assert_eq!((above(other), above(fixture.group("alone"))), (BTreeSet::new(), BTreeSet::new()));
}

/// Suspended or expired, nobody administers; and of those who are left, one counts whose account never expires. A lock by wrong passwords closes nothing.
pub fn an_administrator_counts_whose_account_stays_open(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let system = fixture.system(SystemGroup::SystemAdministrators);
    let now = Timestamp::from_milliseconds(NOW);
    must(fixture.store.write_alone(|directory| directory.remove_member(system, fixture.admin.user, fixture.now())));
    let lasting = || must(fixture.store.read(|directory| directory.has_lasting_administrator()));
    assert!(!lasting());
    let named = |name: &str, number| user_named(name, Uuid::from_u128(number));
    let closed = [
        User { suspended: true, ..named("suspended", 0xfeed) },
        User { expiry: Some(now), ..named("expired", 0xfeee) },
        User {
            expiry: Some(Timestamp::from_milliseconds(NOW + 1)),
            lockout: Lockout { failures: 0, locks: 1, until: Some(now.plus_days(1)) },
            ..named("expiring", 0xfeef)
        },
    ];
    for user in &closed {
        must(fixture.store.write(|directory| {
            directory.insert_user(user, None, SecurityStamp(user.id.0), NameSource::Unverified)?;
            directory.insert_members(system, &BTreeSet::from([user.id]), Provenance::at(now))
        }));
    }
    assert!(!lasting());
    let stays = User { lockout: closed[2].lockout, ..named("staying", 0xfef0) };
    must(fixture.store.write(|directory| {
        directory.insert_user(&stays, None, SecurityStamp(stays.id.0), NameSource::Unverified)?;
        directory.insert_members(system, &BTreeSet::from([stays.id]), Provenance::at(now))
    }));
    assert!(lasting());
    let may: Vec<_> =
        closed.iter().map(|user| fixture.may(&fixture.caller(user.id), Permission::ManageGroups)).collect();
    assert_eq!(may, [Err(Denied::Unauthenticated), Err(Denied::Unauthenticated), Ok(())]);
}

/// Removed, unlinked, deleted with a group, suspended, deleted, given a date to expire: somebody stays who administers.
pub fn the_last_administrator_stays_by_every_route(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (directory, admin) = (&fixture.directory, &fixture.admin);
    let system = GroupIdentifier::Id(fixture.system(SystemGroup::SystemAdministrators));
    // The administrator is one through a group below, and nobody else is.
    let (child, id) = (fixture.group("child"), UserIdentifier::Id(admin.user));
    fixture.nest(fixture.system(SystemGroup::SystemAdministrators), child);
    fixture.join(child, &[admin.user]);
    must(directory.remove_member(&fixture.by(admin), &system, &id));
    let child = GroupIdentifier::Id(child);
    assert!(matches!(
        directory.remove_member(&fixture.by(admin), &child, &id),
        Err(RemoveMemberError::LastAdministrator)
    ));
    assert!(matches!(
        directory.remove_child(&fixture.by(admin), &system, &child),
        Err(RemoveChildError::LastAdministrator)
    ));
    assert!(matches!(
        directory.delete_group(&fixture.by(admin), &child, &Precondition::default()),
        Err(DeleteGroupError::LastAdministrator)
    ));
    assert!(matches!(directory.act(&fixture.by(admin), &id, "suspend"), Err(ActError::Invalid(_))));
    assert!(matches!(
        directory.delete_user(&fixture.by(admin), &id, &Precondition::default()),
        Err(DeleteUserError::Refused(Refused::Denied(Denied::NotPermitted)))
    ));
    let expiring =
        UserChanges { expiry: Some(Some(Timestamp::from_milliseconds(NOW + 1000))), ..UserChanges::default() };
    let expired = directory.change_user(&fixture.by(admin), &id, &expiring, &Precondition::default());
    assert!(matches!(expired, Err(ChangeUserError::Invalid(faults)) if faults[0].field == "expiry"));
    assert_eq!(fixture.may(admin, Permission::ManageGroups), Ok(()));
    // With a second one, each of these may be.
    let other = fixture.user("other");
    must(directory.add_member(&fixture.by(admin), &system, &UserIdentifier::Id(other)));
    must(directory.change_user(&fixture.by(admin), &id, &expiring, &Precondition::default()));
    must(directory.remove_child(&fixture.by(admin), &system, &child));
}

/// The date on which an account closes matters for who administers, not for others, and may always be put off. Somebody stays whose account never closes.
pub fn others_expire_as_they_like_and_any_expiry_may_be_put_off(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (directory, admin) = (&fixture.directory, &fixture.admin);
    let system = GroupIdentifier::Id(fixture.system(SystemGroup::SystemAdministrators));
    let (id, other) = (UserIdentifier::Id(admin.user), UserIdentifier::Id(fixture.user("other")));
    let expire = |user: &UserIdentifier, milliseconds| {
        let expiry = Some(Some(Timestamp::from_milliseconds(NOW + milliseconds)));
        let changes = UserChanges { expiry, ..UserChanges::default() };
        directory.change_user(&fixture.by(admin), user, &changes, &Precondition::default())
    };
    let is_refused = |outcome| matches!(outcome, Err(ChangeUserError::Invalid(faults)) if faults[0].field == "expiry");
    must(expire(&other, 1000));
    must(directory.add_member(&fixture.by(admin), &system, &other));
    // The other one expires, so that this one is the last who does not.
    assert!(is_refused(expire(&id, 5000)));
    must(expire(&other, 3000));
    let endless = UserChanges { expiry: Some(None), ..UserChanges::default() };
    must(directory.change_user(&fixture.by(admin), &other, &endless, &Precondition::default()));
    must(expire(&id, 1000));
    must(expire(&id, 2000));
    assert!(is_refused(expire(&other, 9000)));
    assert!(matches!(
        directory.remove_member(&fixture.by(admin), &system, &other),
        Err(RemoveMemberError::LastAdministrator)
    ));
}

/// Suspension ends a user's tokens for good: after it is lifted, they sign in anew.
pub fn a_suspended_users_tokens_stay_dead(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let id = fixture.user("user");
    let caller = fixture.caller(id);
    let user = UserIdentifier::Id(id);
    let reads = |caller: &Caller| fixture.directory.user(&fixture.by(caller), &UserIdentifier::Current).is_ok();
    assert!(reads(&caller));
    must(fixture.directory.act(&fixture.by(&fixture.admin), &user, "SUSPEND"));
    must(fixture.directory.act(&fixture.by(&fixture.admin), &user, "suspend"));
    assert!(!reads(&caller));
    must(fixture.directory.act(&fixture.by(&fixture.admin), &user, "unsuspend"));
    assert!(!reads(&caller) && reads(&fixture.caller(id)));
    must(fixture.directory.act(&fixture.by(&fixture.admin), &user, "forcePasswordReset"));
    let caller = fixture.caller(id);
    assert!(reads(&caller));
    let rename = UserChanges { first_name: Some(Some("x".to_owned())), ..UserChanges::default() };
    let refused = fixture.directory.change_user(
        &fixture.by(&caller),
        &UserIdentifier::Current,
        &rename,
        &Precondition::default(),
    );
    assert!(matches!(refused, Err(ChangeUserError::Refused(Refused::Denied(Denied::PasswordResetRequired)))));
    assert!(matches!(fixture.directory.act(&fixture.by(&fixture.admin), &user, "dance"), Err(ActError::Invalid(_))));
}

/// User and Group Administrators do what they are for, and nothing to those above them; without the policy, nothing.
pub fn delegates_keep_their_hands_off_administrators(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [users, groups] = ["users", "groups"].map(|name| fixture.user(name));
    fixture.join(fixture.system(SystemGroup::UserAdministrators), &[users]);
    fixture.join(fixture.system(SystemGroup::GroupAdministrators), &[groups]);
    let [users, groups] = [users, groups].map(|user| fixture.caller(user));
    let authorised = |directory: &Directory, caller: &Caller| {
        [Permission::ReadUsers, Permission::ChangeUsers, Permission::ReadGroups, Permission::ManageGroups]
            .map(|permission| directory.authorise(&fixture.by(caller), permission, On::All).is_ok())
    };
    assert_eq!(authorised(&fixture.directory, &users), [false; 4]);
    assert_eq!(authorised(&fixture.directory, &groups), [false; 4]);
    let directory =
        fixture.directory.clone().with_policy(Policy { delegated_administration: true, ..Policy::default() });
    assert_eq!(authorised(&directory, &users), [true, true, true, false]);
    assert_eq!(authorised(&directory, &groups), [true, false, true, true]);
    let admin = UserIdentifier::Id(fixture.admin.user);
    assert!(matches!(
        directory.user(&fixture.by(&users), &admin),
        Err(ReadUserError::Refused(Refused::Denied(Denied::NotPermitted)))
    ));
    assert!(matches!(
        directory.act(&fixture.by(&users), &admin, "suspend"),
        Err(ActError::Refused(Refused::Denied(Denied::NotPermitted)))
    ));
    let draft = |email: &str, password_change_frequency| UserDraft {
        email: Some(email.to_owned()),
        password: Some("pr0j3ctM4yh3m".to_owned()),
        password_change_frequency,
        ..UserDraft::default()
    };
    must(directory.create_user(&fixture.by(&users), draft("a@fightclub.com", None)));
    let refused = directory.create_user(&fixture.by(&users), draft("b@fightclub.com", Some(0)));
    assert!(matches!(refused, Err(CreateUserError::Refused(Refused::Denied(Denied::NotPermitted)))));
    // Nobody administers by somebody else's account: of no administrators' group, direct or below, and of no API key.
    let deputies = fixture.group("deputies");
    let [inheriting, keys] = ["inheriting", "keys"].map(|name| fixture.user(name));
    fixture.nest(fixture.system(SystemGroup::ApiKeyAdministrators), deputies);
    fixture.join(deputies, &[inheriting]);
    fixture.join(fixture.system(SystemGroup::ApiKeyAdministrators), &[keys]);
    let draft = ApiKeyDraft { name: Some(Some("soap".to_owned())), ..ApiKeyDraft::default() };
    let key = must(fixture.directory.create_api_key(&fixture.operator(), draft, &[])).key.user;
    for target in [groups.user, inheriting, keys, key] {
        let target = UserIdentifier::Id(target);
        let refused = directory.act(&fixture.by(&users), &target, "suspend");
        assert!(matches!(refused, Err(ActError::Refused(Refused::Denied(Denied::NotPermitted)))), "{target:?}");
        let refused = directory.change_password(&fixture.by(&users), &target, None, Some("An0ther!One".to_owned()));
        assert!(
            matches!(refused, Err(ChangePasswordError::Refused(Refused::Denied(Denied::NotPermitted)))),
            "{target:?}"
        );
        let refused = directory.delete_user(&fixture.by(&users), &target, &Precondition::default());
        assert!(matches!(refused, Err(DeleteUserError::Refused(Refused::Denied(Denied::NotPermitted)))), "{target:?}");
        let refused = directory.user(&fixture.by(&users), &target);
        assert!(matches!(refused, Err(ReadUserError::Refused(Refused::Denied(Denied::NotPermitted)))), "{target:?}");
    }
    must(directory.act(&fixture.by(&users), &UserIdentifier::Current, "unlock"));
    let (plain, below) = (GroupIdentifier::Id(fixture.group("plain")), fixture.group("below"));
    fixture.nest(fixture.system(SystemGroup::SystemAdministrators), below);
    let below = GroupIdentifier::Id(below);
    let system = GroupIdentifier::Id(fixture.system(SystemGroup::SystemAdministrators));
    let itself = UserIdentifier::Current;
    must(directory.add_member(&fixture.by(&groups), &plain, &itself));
    let ours = GroupIdentifier::Id(deputies);
    let keys = GroupIdentifier::Id(fixture.system(SystemGroup::ApiKeyAdministrators));
    for group in [&below, &system, &ours, &keys] {
        assert!(matches!(
            directory.add_member(&fixture.by(&groups), group, &itself),
            Err(MemberError::Refused(Refused::Denied(Denied::NotPermitted)))
        ));
        assert!(matches!(
            directory.add_child(&fixture.by(&groups), group, &plain),
            Err(AddChildrenError::Refused(Refused::Denied(Denied::NotPermitted)))
        ));
    }
    for group in [&system, &keys] {
        let refused = directory.add_child(&fixture.by(&groups), &plain, group);
        assert!(matches!(refused, Err(AddChildrenError::Refused(Refused::Denied(Denied::NotPermitted)))), "{group:?}");
    }
    // An issuer may mean a group by the name that it would get.
    let renamed = GroupChanges { name: Some(Some("Everybody over there".to_owned())), ..GroupChanges::default() };
    let refused = directory.change_group(&fixture.by(&groups), &ours, &renamed, &Precondition::default());
    assert!(matches!(refused, Err(ChangeGroupError::Refused(Refused::Denied(Denied::NotPermitted)))));
    must(directory.add_child(&fixture.by(&groups), &plain, &below));
}
