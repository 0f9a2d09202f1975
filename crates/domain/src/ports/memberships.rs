//! Memberships of users in groups.

use std::collections::BTreeSet;

use super::{
    AccountStatus, ChildReader, GroupReader, GroupWriter, NameSource, Registration, StoreError, UserReader, UserWriter,
};
use crate::group::{Group, GroupId, GroupName, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Paged;
use crate::password::PasswordHash;
use crate::provenance::Provenance;
use crate::search::{GroupListing, UserListing};
use crate::time::Timestamp;
use crate::user::{SecurityStamp, User, UserId};
use crate::validity::Validity;

/// Which members or children of a group are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those of the group itself.
    Direct,
    /// Those of the group and of every group below it.
    Effective,
}

/// Who or what is to belong to a group, or to a group no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member<'a> {
    /// Nobody and nothing in particular.
    Unnamed,
    /// The user that this names; [`UserIdentifier::Current`] is the caller.
    User(&'a UserIdentifier),
    /// The group that this names.
    Group(&'a GroupIdentifier),
}

/// What decides whether a change of who belongs to a group is allowed. All of it is about one state of the store. If the caller does
/// not exist, the rest may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MembersChange {
    /// The account of the caller, if it exists. Whether a System Administrator is also an effective member of another
    /// administrators' group may be left out, because it changes nothing.
    pub caller: Option<AccountStatus>,
    /// The group that is to change, if it exists.
    pub group: Option<GroupId>,
    /// Whether it is `Everyone`.
    pub is_everyone: bool,
    /// The administrators' groups that are the group or above it, or are going to be.
    pub administrators: BTreeSet<SystemGroup>,
    /// The user who is to join or to leave, if they exist.
    pub user: Option<UserId>,
    /// The group that is to be put below the group or taken from there, if it exists.
    pub child: Option<GroupId>,
    /// Whether that is the group itself or above it, or is going to be, so that it cannot be put below it.
    pub is_child_above: bool,
}

impl MembersChange {
    /// Decides by the methods of a reader, which defines what the answer of a store has to be.
    pub fn by_reading<R: UserReader + GroupReader + ChildReader + ?Sized>(
        reader: &mut R,
        caller: Option<UserId>,
        group: &GroupIdentifier,
        member: Member<'_>,
    ) -> Result<Self, StoreError> {
        let account = caller.map(|caller| reader.account_status(caller)).transpose()?.flatten();
        let (user, child) = match member {
            Member::Unnamed => (None, None),
            Member::User(UserIdentifier::Current) => (account.as_ref().and(caller), None),
            Member::User(identifier) => (reader.user_id(identifier)?, None),
            Member::Group(identifier) => (None, reader.group_id(identifier)?),
        };
        let Some(group) = reader.group_id(group)? else {
            return Ok(Self { caller: account, user, child, ..Self::default() });
        };
        let is_everyone = reader.group_id(&SystemGroup::Everyone.identifier())? == Some(group);
        let administrators = reader.administrators_above(group)?;
        let is_child_above = match child {
            Some(child) => !reader.at_or_above_among(group, &BTreeSet::from([child]))?.is_empty(),
            None => false,
        };
        Ok(Self { caller: account, group: Some(group), is_everyone, administrators, user, child, is_child_above })
    }
}

/// A user's direct membership of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Who added the user, and when.
    pub added: Provenance,
    /// From when until when the user is one.
    pub validity: Validity,
}

/// What was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nothing: there was nothing to end.
    Nothing,
    /// What was to begin later.
    Schedule,
    /// What counted, and what was to begin later, if there was both.
    Present,
}

impl Ended {
    /// What ended where there was something present, or something scheduled.
    #[must_use]
    pub fn of(was_present: bool, was_scheduled: bool) -> Self {
        match (was_present, was_scheduled) {
            (true, _) => Self::Present,
            (false, true) => Self::Schedule,
            (false, false) => Self::Nothing,
        }
    }
}

/// How those who belong to a group differ from those who are to belong to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference<Id> {
    /// Who is to belong to it and does not.
    pub missing: BTreeSet<Id>,
    /// Who belongs to it and is not to.
    pub surplus: BTreeSet<Id>,
}

/// What [`MembershipWriter::change_members`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Joined {
    /// Who became direct members, by id.
    pub new: Vec<UserId>,
    /// Who are direct members no more, by id.
    pub gone: Vec<UserId>,
    /// Others of those who were to leave who were scheduled, and are no more, by id.
    pub cancelled: Vec<UserId>,
}

/// Reads memberships.
pub trait MembershipReader: UserReader + GroupReader + ChildReader {
    /// What decides about a change of who belongs to `group`, by `caller`, where there is one. The methods of the reader define the
    /// answer; a store that can answer in one round trip does.
    fn members_change(
        &mut self,
        caller: Option<UserId>,
        group: &GroupIdentifier,
        member: Member<'_>,
    ) -> Result<MembersChange, StoreError> {
        MembersChange::by_reading(self, caller, group, member)
    }
    /// What decides about adding `user`, by `caller`, where there is one. The methods of the reader define the answer; a store that can
    /// answer in one round trip does.
    fn registration(&mut self, caller: Option<UserId>, user: &User) -> Result<Registration, StoreError> {
        Registration::by_reading(self, caller, user)
    }
    /// Whether `user` is a member of `group` or of any group below it. The cost does not depend on the depth.
    fn is_effective_member(&mut self, group: GroupId, user: UserId) -> Result<bool, StoreError>;
    /// Whether `user` is a member of any of `groups` or of any group below them.
    fn is_effective_member_of_any(&mut self, groups: &BTreeSet<GroupId>, user: UserId) -> Result<bool, StoreError>;
    /// Those of `pairs` whose user is a member of the group or of any group below it. A constant number of statements, whose cost
    /// does not depend on the depth.
    fn effective_memberships_among(
        &mut self,
        pairs: &BTreeSet<(UserId, GroupId)>,
    ) -> Result<BTreeSet<(UserId, GroupId)>, StoreError>;
    /// A page of the members of `group` that pass the listing's filter, each once, without the members of the `excluded`
    /// groups. `reach` applies to `group` and to the `excluded` groups alike.
    fn members(
        &mut self,
        group: GroupId,
        reach: Reach,
        excluded: &BTreeSet<GroupId>,
        listing: &UserListing,
    ) -> Result<Paged<User>, StoreError>;
    /// A page of the groups that `user` is a member of and that pass the listing's filter, each once, without the groups below
    /// an `excluded` group within the same reach. Effective are the direct groups and every group above them.
    fn groups_of(
        &mut self,
        user: UserId,
        reach: Reach,
        excluded: &BTreeSet<GroupId>,
        listing: &GroupListing,
    ) -> Result<Paged<Group>, StoreError>;
    /// The first `most` groups below `group`, by name, that `user` is a direct member of. One statement.
    fn groups_below_with_member(
        &mut self,
        group: GroupId,
        user: UserId,
        most: usize,
    ) -> Result<Vec<(GroupId, GroupName)>, StoreError>;
    /// The direct membership of `user` in `group`.
    fn membership(&mut self, group: GroupId, user: UserId) -> Result<Option<Membership>, StoreError>;
    /// How the direct members of `group` differ from `wanted`. One statement.
    fn compare_members(&mut self, group: GroupId, wanted: &BTreeSet<UserId>) -> Result<Difference<UserId>, StoreError>;
    /// The external groups that `user` is a direct member of.
    fn external_groups_of(&mut self, user: UserId) -> Result<BTreeSet<GroupId>, StoreError>;
}

/// What decides about a change of a group's own properties, with the group. All of it is of one state of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupForUpdate {
    /// What decides about a change of who belongs to the group.
    pub members: MembersChange,
    /// The group, if it exists.
    pub group: Option<Group>,
}

impl GroupForUpdate {
    /// Decides by the methods of a writer, which defines what the answer of a store has to be. The group is locked.
    pub fn by_locking<W: MembershipReader + GroupWriter + ?Sized>(
        writer: &mut W,
        caller: Option<UserId>,
        group: &GroupIdentifier,
        member: Member<'_>,
    ) -> Result<Self, StoreError> {
        let members = writer.members_change(caller, group, member)?;
        let group = members.group.map(|group| writer.group_to_change(group)).transpose()?.flatten();
        Ok(Self { members, group })
    }
}

/// Changes memberships.
pub trait MembershipWriter: UserWriter + GroupWriter + MembershipReader {
    /// What decides about a change of `group`, by `caller`, where there is one, as [`members_change`](MembershipReader::members_change)
    /// with the group. The other methods define the answer. A store that can answer in one round trip does, and then need not keep
    /// others from changing the group: the version tells [`update_group`](GroupWriter::update_group) that one did.
    fn group_for_update(
        &mut self,
        caller: Option<UserId>,
        group: &GroupIdentifier,
        member: Member<'_>,
    ) -> Result<GroupForUpdate, StoreError> {
        GroupForUpdate::by_locking(self, caller, group, member)
    }
    /// Adds a user like [`insert_user`](UserWriter::insert_user), who is a direct member of `groups`. The other
    /// methods define what that is; a store that can do it in one round trip does.
    fn insert_member_of(
        &mut self,
        (groups, added): (&BTreeSet<GroupId>, Provenance),
        user: &User,
        password: Option<&PasswordHash>,
        stamp: SecurityStamp,
        names: NameSource,
    ) -> Result<(), StoreError> {
        self.insert_user(user, password, stamp, names)?;
        for group in groups {
            self.insert_members(*group, &BTreeSet::from([user.id]), added)?;
        }
        Ok(())
    }
    /// Makes `users`, who exist, direct members of `group`, from this moment on: who was to come in later comes in now, with the end that was set. Returns those
    /// who were not before, by id. A constant number of statements.
    fn insert_members(
        &mut self,
        group: GroupId,
        users: &BTreeSet<UserId>,
        added: Provenance,
    ) -> Result<Vec<UserId>, StoreError>;
    /// Makes the users `joining`, who exist, direct members of `group`, and ends the direct memberships of those `leaving`, also those
    /// that are to begin later. Nobody is in both. All of it is at the moment that `joining` tells. A constant number of statements. Users join in the order of their ids, before
    /// others leave, so that two such changes do not wait for each other.
    fn change_members(
        &mut self,
        group: GroupId,
        joining: (&BTreeSet<UserId>, Provenance),
        leaving: &BTreeSet<UserId>,
    ) -> Result<Joined, StoreError>;
    /// Ends a direct membership at the moment `at`, also one that is to begin later.
    fn remove_member(&mut self, group: GroupId, user: UserId, at: Timestamp) -> Result<Ended, StoreError>;
}
