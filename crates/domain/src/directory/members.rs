//! Membership: adding, removing, asking, listing (contract 5.f to 5.j).

use std::collections::BTreeSet;

use super::{Directory, user_id};
use crate::access::{Caller, Denied, Permission};
use crate::group::SystemGroup;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Paged;
use crate::ports::{Reach, StoreError};
use crate::request::{AdministratorsChange, AuditNote};
use crate::search::UserListing;
use crate::user::{User, UserId};

/// What adding many members did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// How many became members.
    pub new: u64,
    /// How many were members before.
    pub existing: u64,
}

/// Why no member was added.
#[derive(Debug, thiserror::Error)]
pub enum AddMembersError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No group has this identifier.
    #[error("group not found")]
    GroupNotFound,
    /// No users have these ids; nobody was added.
    #[error("{} of the users were not found", .0.len())]
    UsersNotFound(BTreeSet<UserId>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a member was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddMemberError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No group has this identifier.
    #[error("group not found")]
    GroupNotFound,
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a member was not removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveMemberError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No group has this identifier.
    #[error("group not found")]
    GroupNotFound,
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// The user is no direct member of the group.
    #[error("the user is not in the group")]
    NotAMember,
    /// Everybody belongs to `Everyone` (contract 10 row 11).
    #[error("users cannot be removed from 'Everyone'")]
    Everyone,
    /// Nobody could administer any more (contract 10 row 12).
    #[error("the last System Administrator cannot be removed")]
    LastAdministrator,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why it was not said whether a user is a member.
#[derive(Debug, thiserror::Error)]
pub enum CheckMemberError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No group has this identifier.
    #[error("group not found")]
    GroupNotFound,
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why members were not listed.
#[derive(Debug, thiserror::Error)]
pub enum ListMembersError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No group has this identifier.
    #[error("group not found")]
    GroupNotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Directory {
    /// Makes all of `users` direct members of `group`, or none of them (contract 5.g and 10).
    pub fn add_members(
        &self,
        caller: &Caller,
        group: &GroupIdentifier,
        users: &BTreeSet<UserId>,
    ) -> Result<Added, AddMembersError> {
        let now = self.clock.now();
        let done = self.store.write(|directory| {
            let admitted = self.admit(directory, caller, now)??;
            admitted.may(Permission::ManageGroups)?;
            let group = directory.group_id(group)?.ok_or(AddMembersError::GroupNotFound)?;
            let above = admitted.may_change_members_of(directory, group)??;
            let unknown = directory.unknown_users(users)?;
            if !unknown.is_empty() {
                return Err(AddMembersError::UsersNotFound(unknown));
            }
            let new = directory.insert_members(group, users, now)?;
            let added = Added { new, existing: users.len() as u64 - new };
            let note = AuditNote::of_group(AdministratorsChange::UsersAdded, above, group)
                .map(|note| note.naming_users(users));
            Ok((added, note.filter(|_| new > 0)))
        });
        self.noted(done)
    }

    /// Makes `user` a direct member of `group`, if it is not yet one (contract 5.h).
    pub fn add_member(
        &self,
        caller: &Caller,
        group: &GroupIdentifier,
        user: &UserIdentifier,
    ) -> Result<(), AddMemberError> {
        let now = self.clock.now();
        let done = self.store.write(|directory| {
            let admitted = self.admit(directory, caller, now)??;
            admitted.may(Permission::ManageGroups)?;
            let group = directory.group_id(group)?.ok_or(AddMemberError::GroupNotFound)?;
            let above = admitted.may_change_members_of(directory, group)??;
            let user = user_id(directory, caller, user)?.ok_or(AddMemberError::UserNotFound)?;
            let users = BTreeSet::from([user]);
            let new = directory.insert_members(group, &users, now)?;
            let note = AuditNote::of_group(AdministratorsChange::UsersAdded, above, group)
                .map(|note| note.naming_users(&users));
            Ok(((), note.filter(|_| new > 0)))
        });
        self.noted(done)
    }

    /// Ends a direct membership (contract 5.i and 10).
    pub fn remove_member(
        &self,
        caller: &Caller,
        group: &GroupIdentifier,
        user: &UserIdentifier,
    ) -> Result<(), RemoveMemberError> {
        let now = self.clock.now();
        let done = self.store.write_alone(|directory| {
            let admitted = self.admit(directory, caller, now)??;
            admitted.may(Permission::ManageGroups)?;
            let group = directory.group_id(group)?.ok_or(RemoveMemberError::GroupNotFound)?;
            let above = admitted.may_change_members_of(directory, group)??;
            let user = user_id(directory, caller, user)?.ok_or(RemoveMemberError::UserNotFound)?;
            if directory.group_id(&SystemGroup::Everyone.identifier())? == Some(group) {
                return Err(RemoveMemberError::Everyone);
            }
            if !directory.remove_member(group, user)? {
                return Err(RemoveMemberError::NotAMember);
            }
            if !directory.has_active_administrator(now)? {
                return Err(RemoveMemberError::LastAdministrator);
            }
            let users = BTreeSet::from([user]);
            let note = AuditNote::of_group(AdministratorsChange::UserRemoved, above, group)
                .map(|note| note.naming_users(&users));
            Ok(((), note))
        });
        self.noted(done)
    }

    /// Whether `user` belongs to `group` or to any group below it (contract 5.j and 5.2).
    pub fn is_member(
        &self,
        caller: &Caller,
        group: &GroupIdentifier,
        user: &UserIdentifier,
    ) -> Result<bool, CheckMemberError> {
        let now = self.clock.now();
        self.read(|directory| {
            let user = user_id(directory, caller, user)?;
            self.admit(directory, caller, now)??.may_about(Permission::ReadGroups, user)?;
            let group = directory.group_id(group)?.ok_or(CheckMemberError::GroupNotFound)?;
            let user = user.ok_or(CheckMemberError::UserNotFound)?;
            Ok(directory.is_effective_member(group, user)?)
        })
    }

    /// A page of the users of `group`, by username, without the members of an `excluded` group (contract 5.f and 5.2).
    pub fn members(
        &self,
        caller: &Caller,
        group: &GroupIdentifier,
        reach: Reach,
        excluded: &[GroupIdentifier],
        listing: &UserListing,
    ) -> Result<Paged<User>, ListMembersError> {
        let now = self.clock.now();
        self.read(|directory| {
            self.admit(directory, caller, now)??.may(Permission::ReadGroups)?;
            let group = directory.group_id(group)?.ok_or(ListMembersError::GroupNotFound)?;
            let excluded = directory.group_ids(excluded)?;
            Ok(directory.members(group, reach, &excluded, listing)?)
        })
    }
}
