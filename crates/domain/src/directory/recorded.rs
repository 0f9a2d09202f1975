//! The changes of a unit of work that change effective memberships, recorded where they are previewed. They come before those of the store,
//! which have the same names.

use std::collections::BTreeSet;

use super::preview_log::{Direction, Effects, Joining, administrators};
use super::unit_of_work::Writing;
use crate::api_key::ApiKey;
use crate::group::GroupId;
use crate::password::PasswordHash;
use crate::ports::{Credentials, Ended, Joined, NameSource, Person, StoreError};
use crate::provenance::Provenance;
use crate::secret::SecretDigest;
use crate::time::Timestamp;
use crate::user::{SecurityStamp, User, UserId};

impl Writing<'_> {
    /// See [`MembershipWriter::insert_members`](crate::ports::MembershipWriter::insert_members).
    pub(crate) fn insert_members(
        &mut self,
        group: GroupId,
        users: &BTreeSet<UserId>,
        added: Provenance,
    ) -> Result<Vec<UserId>, StoreError> {
        if let Some(log) = &self.preview {
            log.joins(group, Joining::Users(users.clone()));
        }
        self.store.insert_members(group, users, added)
    }

    /// See [`MembershipWriter::change_members`](crate::ports::MembershipWriter::change_members).
    pub(crate) fn change_members(
        &mut self,
        group: GroupId,
        (joining, added): (&BTreeSet<UserId>, Provenance),
        leaving: &BTreeSet<UserId>,
    ) -> Result<Joined, StoreError> {
        let Some(log) = self.preview.clone() else {
            return self.store.change_members(group, (joining, added), leaving);
        };
        let strangers = self.store.compare_members(group, leaving)?.missing;
        let changed = self.store.change_members(group, (joining, added), leaving)?;
        log.joins(group, Joining::Users(joining.clone()));
        let above = self.store.groups_at_or_above(&BTreeSet::from([group]))?;
        log.outsiders(self.store, Direction::Lost, above, &(leaving - &strangers))?;
        Ok(changed)
    }

    /// See [`MembershipWriter::remove_member`](crate::ports::MembershipWriter::remove_member).
    pub(crate) fn remove_member(&mut self, group: GroupId, user: UserId, at: Timestamp) -> Result<Ended, StoreError> {
        let ended = self.store.remove_member(group, user, at)?;
        if let Some(log) = self.preview.clone().filter(|_| ended == Ended::Present) {
            let above = self.store.groups_at_or_above(&BTreeSet::from([group]))?;
            log.outsiders(self.store, Direction::Lost, above, &BTreeSet::from([user]))?;
        }
        Ok(ended)
    }

    /// See [`ChildWriter::insert_children`](crate::ports::ChildWriter::insert_children).
    pub(crate) fn insert_children(
        &mut self,
        parent: GroupId,
        children: &BTreeSet<GroupId>,
        added: Provenance,
    ) -> Result<Vec<GroupId>, StoreError> {
        if let Some(log) = &self.preview {
            log.joins(parent, Joining::MembersOf(children.clone()));
        }
        self.store.insert_children(parent, children, added)
    }

    /// Those of `children` that are children of `parent`, where changes are recorded.
    pub(super) fn recorded_children(
        &mut self,
        parent: GroupId,
        children: &BTreeSet<GroupId>,
    ) -> Result<BTreeSet<GroupId>, StoreError> {
        if self.preview.is_none() || children.is_empty() {
            return Ok(BTreeSet::new());
        }
        Ok(&self.store.direct_children(parent)? & children)
    }

    /// Records that `children` were taken from below `parent`, after everything that was put there.
    pub(super) fn record_removed_children(
        &mut self,
        parent: GroupId,
        children: &BTreeSet<GroupId>,
    ) -> Result<(), StoreError> {
        let Some(log) = self.preview.clone().filter(|_| !children.is_empty()) else { return Ok(()) };
        let users = self.store.effective_members_of_any(children)?;
        let above = self.store.groups_at_or_above(&BTreeSet::from([parent]))?;
        log.outsiders(self.store, Direction::Lost, above, &users)
    }

    /// See [`ChildWriter::remove_child`](crate::ports::ChildWriter::remove_child).
    pub(crate) fn remove_child(&mut self, parent: GroupId, child: GroupId, at: Timestamp) -> Result<Ended, StoreError> {
        let ended = self.store.remove_child(parent, child, at)?;
        if ended == Ended::Present {
            self.record_removed_children(parent, &BTreeSet::from([child]))?;
        }
        Ok(ended)
    }

    /// See [`GroupWriter::delete_group`](crate::ports::GroupWriter::delete_group).
    pub(crate) fn delete_group(&mut self, group: GroupId, at: Timestamp) -> Result<(), StoreError> {
        let Some(log) = self.preview.clone() else { return self.store.delete_group(group, at) };
        let users = self.store.effective_members_of_any(&BTreeSet::from([group]))?;
        let mut above = self.store.groups_at_or_above(&BTreeSet::from([group]))?;
        self.store.delete_group(group, at)?;
        if let Some(name) = above.remove(&group) {
            // Nobody is in a group that is not there.
            let first = self.store.first_outsiders(&BTreeSet::from([group]), &users, Effects::MOST_USERS)?;
            log.loses_all((group, name), users.len() as u64, first.into_values().flatten().collect());
        }
        log.outsiders(self.store, Direction::Lost, above, &users)
    }

    /// See [`UserWriter::delete_user`](crate::ports::UserWriter::delete_user).
    pub(crate) fn delete_user(&mut self, user: UserId, at: Timestamp) -> Result<(), StoreError> {
        if let Some(log) = self.preview.clone()
            && let Some(found) = self.store.user(user)?
        {
            let groups = self.store.effective_groups_of(user)?;
            let is_open = !found.is_suspended(log.now());
            log.moves(self.store, Direction::Lost, (&Person::from(&found), is_open), groups)?;
        }
        self.store.delete_user(user, at)
    }

    /// See [`UserWriter::update_user`](crate::ports::UserWriter::update_user).
    pub(crate) fn update_user(
        &mut self,
        before: &User,
        user: &User,
        credentials: &Credentials,
    ) -> Result<(), StoreError> {
        self.record_account(before, user)?;
        self.store.update_user(before, user, credentials)
    }

    /// See [`ApiKeyWriter::update_user_and_api_key`](crate::ports::ApiKeyWriter::update_user_and_api_key).
    pub(crate) fn update_user_and_api_key(
        &mut self,
        (before, user): (&User, &User),
        credentials: &Credentials,
        key: (&ApiKey, Option<&SecretDigest>),
    ) -> Result<(), StoreError> {
        self.record_account(before, user)?;
        self.store.update_user_and_api_key((before, user), credentials, key)
    }

    /// See [`MembershipWriter::insert_member_of`](crate::ports::MembershipWriter::insert_member_of).
    pub(crate) fn insert_member_of(
        &mut self,
        (groups, added): (&BTreeSet<GroupId>, Provenance),
        user: &User,
        password: Option<&PasswordHash>,
        stamp: SecurityStamp,
        names: NameSource,
    ) -> Result<(), StoreError> {
        self.store.insert_member_of((groups, added), user, password, stamp, names)?;
        self.record_new_user(user)
    }

    /// Records the memberships of a user who was just added.
    pub(super) fn record_new_user(&mut self, user: &User) -> Result<(), StoreError> {
        let Some(log) = self.preview.clone() else { return Ok(()) };
        let groups = self.store.effective_groups_of(user.id)?;
        let is_open = !user.is_suspended(log.now());
        log.moves(self.store, Direction::Gained, (&Person::from(user), is_open), groups)
    }

    /// Records that an account closes or opens, if that is one of an administrator.
    fn record_account(&mut self, before: &User, user: &User) -> Result<(), StoreError> {
        let Some(log) = self.preview.clone() else { return Ok(()) };
        let [was_closed, is_closed] = [before, user].map(|user| user.is_suspended(log.now()));
        if was_closed == is_closed {
            return Ok(());
        }
        let Some(group) = administrators(self.store)? else { return Ok(()) };
        if self.store.is_effective_member(group, user.id)? {
            let direction = if is_closed { Direction::Lost } else { Direction::Gained };
            log.administers(direction, [Person::from(user)]);
        }
        Ok(())
    }
}
