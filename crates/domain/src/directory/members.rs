//! Membership: adding, removing, asking, listing (contract 5.f to 5.j).

use std::collections::BTreeSet;

use super::opening::about_group;
use super::unit_of_work::{Finish, Turn, Writing};
use super::{Directory, ReadGroupError};
use crate::access::{Denied, Grant, Permission, Refused, contains_refused};
use crate::audit::{AdministratorsChange, AuditNote};
use crate::context::Context;
use crate::group::{GroupId, GroupName, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Paged;
use crate::ports::{Ended, Member, MembersChange, Reach, Reader, StoreError};
use crate::search::{UserField, UserListing};
use crate::user::{ShownUser, User, UserId};

/// The result of adding many members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// How many users became members.
    pub new: u64,
    /// How many users were members already.
    pub existing: u64,
}

/// Why no member was added.
#[derive(Debug, thiserror::Error)]
pub enum AddMembersError {
    /// No group has this identifier.
    #[error("group not found")]
    GroupNotFound,
    /// No users have these ids. Nobody was added.
    #[error("{} of the users were not found", .0.len())]
    UsersNotFound(BTreeSet<UserId>),
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Why one membership was neither added nor looked up.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// No group has this identifier.
    #[error("group not found")]
    GroupNotFound,
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Why a member was not removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveMemberError {
    /// No group has this identifier.
    #[error("group not found")]
    GroupNotFound,
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// The user is no member of the group, in no way.
    #[error("the user is not in the group")]
    NotAMember,
    /// The user is a member only by groups below, of which these are the first by name.
    #[error("the user is in the group only by groups below it")]
    Inherited(InheritedMembership),
    /// Nobody can be removed from `Everyone` (contract 10 row 11).
    #[error("users cannot be removed from 'Everyone'")]
    Everyone,
    /// It would remove the last active System Administrator (contract 10 row 12).
    #[error("the last System Administrator cannot be removed")]
    LastAdministrator,
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

contains_refused!(AddMembersError, MemberError, RemoveMemberError);

/// Where an inherited membership comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InheritedMembership {
    /// Groups below of which the user is a direct member, by name.
    pub groups: Vec<(GroupId, GroupName)>,
    /// Whether there are more than these.
    pub has_more: bool,
}

impl InheritedMembership {
    /// The most groups that are named.
    pub const MOST_GROUPS: usize = 10;
}

impl Directory<'_> {
    /// Makes all of `users` direct members of `group`, or none of them (contract 5.g and 10).
    pub fn add_members(
        &self,
        context: &Context,
        group: &GroupIdentifier,
        users: &BTreeSet<UserId>,
    ) -> Result<Added, AddMembersError> {
        let kind = (Turn::Any, Permission::ChangeMembers);
        self.write_group(context, kind, (group, Member::Unnamed), |work, change| {
            let group = change.group.ok_or(AddMembersError::GroupNotFound)?;
            let unknown = work.unknown_users(users)?;
            if !unknown.is_empty() {
                return Err(AddMembersError::UsersNotFound(unknown));
            }
            let added = work.provenance(context);
            let new = work.insert_members(group, users, added)?.len() as u64;
            if new > 0 {
                let note = AuditNote::of_group(AdministratorsChange::UsersAdded, change.administrators.clone(), group);
                work.note(note.map(|note| note.naming_users(users)));
            }
            Ok(Finish::Commit(Added { new, existing: users.len() as u64 - new }))
        })
    }

    /// Makes `user` a direct member of `group`, if it is not one already, with the end that was set if they were to come in later (contract 5.h).
    pub fn add_member(
        &self,
        context: &Context,
        group: &GroupIdentifier,
        user: &UserIdentifier,
    ) -> Result<(), MemberError> {
        let kind = (Turn::Once, Permission::ChangeMembers);
        self.write_group(context, kind, (group, Member::User(user)), |work, change| {
            let group = change.group.ok_or(MemberError::GroupNotFound)?;
            let users = BTreeSet::from([change.user.ok_or(MemberError::UserNotFound)?]);
            let added = work.provenance(context);
            if !work.insert_members(group, &users, added)?.is_empty() {
                let note = AuditNote::of_group(AdministratorsChange::UsersAdded, change.administrators.clone(), group);
                work.note(note.map(|note| note.naming_users(&users)));
            }
            Ok(Finish::Commit(()))
        })
    }

    /// Ends a direct membership, also one that is to begin later (contract 5.i and 10).
    pub fn remove_member(
        &self,
        context: &Context,
        group: &GroupIdentifier,
        user: &UserIdentifier,
    ) -> Result<(), RemoveMemberError> {
        let remove = |turn: Turn, work: &mut Writing<'_>, change: &MembersChange| {
            let group = change.group.ok_or(RemoveMemberError::GroupNotFound)?;
            let user = change.user.ok_or(RemoveMemberError::UserNotFound)?;
            if change.is_everyone {
                return Err(RemoveMemberError::Everyone);
            }
            let takes_administrators = change.administrators.contains(&SystemGroup::SystemAdministrators);
            if takes_administrators && turn == Turn::Shared {
                return Ok(Finish::Rollback(Removal::NeedsTurn));
            }
            let ended = work.remove_member(group, user, context.now())?;
            if ended == Ended::Nothing {
                return Err(no_direct_member(work.store, group, user)?);
            }
            if takes_administrators && ended == Ended::Present && !work.has_lasting_administrator()? {
                return Err(RemoveMemberError::LastAdministrator);
            }
            let note = AuditNote::of_group(AdministratorsChange::UserRemoved, change.administrators.clone(), group);
            work.note(note.map(|note| note.naming_users(&BTreeSet::from([user]))));
            Ok(Finish::Commit(Removal::Done))
        };
        for turn in [Turn::Shared, Turn::Alone] {
            let kind = (turn, Permission::ChangeMembers);
            let removal = self
                .write_group(context, kind, (group, Member::User(user)), |work, change| remove(turn, work, &change))?;
            if removal == Removal::Done {
                break;
            }
        }
        Ok(())
    }

    /// A page of the users of `group`, by username, without the members of an `excluded` group (contract 5.f and 5.2). It is for actors who may
    /// see users as a whole; [`shown_members`](Self::shown_members) is for managers too.
    pub fn members(
        &self,
        context: &Context,
        group: &GroupIdentifier,
        reach: Reach,
        excluded: &[GroupIdentifier],
        listing: &UserListing,
    ) -> Result<Paged<User>, ReadGroupError> {
        match self.list_members(context, (group, reach, excluded), listing)? {
            (users, Grant::Whole) => Ok(users),
            (_, Grant::AsManager) => Err(Denied::NotPermitted.into()),
        }
    }

    /// The same page for every actor who may read the group. Managers of the group see summaries, and neither filter nor sort by what those do
    /// not show.
    pub fn shown_members(
        &self,
        context: &Context,
        group: &GroupIdentifier,
        reach: Reach,
        excluded: &[GroupIdentifier],
        listing: &UserListing,
    ) -> Result<Paged<ShownUser>, ReadGroupError> {
        let (users, grant) = self.list_members(context, (group, reach, excluded), listing)?;
        Ok(users.map(|user| match grant {
            Grant::Whole => ShownUser::Whole(Box::new(user)),
            Grant::AsManager => ShownUser::Summary(user.into()),
        }))
    }

    fn list_members(
        &self,
        context: &Context,
        (group, reach, excluded): (&GroupIdentifier, Reach, &[GroupIdentifier]),
        listing: &UserListing,
    ) -> Result<(Paged<User>, Grant), ReadGroupError> {
        self.read_about(context, about_group(group, Member::Unnamed), |work, found| {
            let grant = work.authorise(Permission::ReadGroups, found.target())?;
            let group = found.group.ok_or(ReadGroupError::GroupNotFound)?;
            let excluded = work.excluded_groups(excluded, grant)?;
            if grant == Grant::AsManager {
                fields_are_shown(
                    listing.filter.fields().into_iter().chain(listing.order.iter().map(|sort| &sort.field)),
                )?;
            }
            Ok((work.members(group, reach, &excluded, listing)?, grant))
        })
    }
}

/// Fails if a listing depends on a field that a summary does not show: which users it holds, or in which order, would tell the value.
pub(super) fn fields_are_shown<'f>(mut fields: impl Iterator<Item = &'f UserField>) -> Result<(), ReadGroupError> {
    match fields.find(|field| !field.is_in_summary()) {
        Some(field) => Err(ReadGroupError::HiddenField(field.name())),
        None => Ok(()),
    }
}

/// How an attempt to end a membership went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Removal {
    Done,
    /// It could take the last System Administrator, so that no other such change may run beside it.
    NeedsTurn,
}

/// Why there is no direct membership to end.
fn no_direct_member(store: &mut dyn Reader, group: GroupId, user: UserId) -> Result<RemoveMemberError, StoreError> {
    let mut groups = store.groups_below_with_member(group, user, InheritedMembership::MOST_GROUPS + 1)?;
    if groups.is_empty() {
        return Ok(RemoveMemberError::NotAMember);
    }
    let has_more = groups.len() > InheritedMembership::MOST_GROUPS;
    groups.truncate(InheritedMembership::MOST_GROUPS);
    Ok(RemoveMemberError::Inherited(InheritedMembership { groups, has_more }))
}
