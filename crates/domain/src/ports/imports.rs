//! Many users, groups, edges, memberships and managers at once, as an import brings them.
//!
//! The methods of the other ports define what each of these does: a store that can do it with a constant number of statements does.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ApiKeyReader, ChildReader, ChildWriter, Credentials, GroupReader, GroupWriter, ManagerWriter, MemberStanding,
    MembershipWriter, NameSource, PasswordUpdate, PastWriter, StoreError, UserReader, UserWriter, ValidityReader,
    ValidityWriter,
};
use crate::group::{Group, GroupId, SystemGroup};
use crate::manager::ManagerId;
use crate::password::PasswordHash;
use crate::provenance::Provenance;
use crate::time::Timestamp;
use crate::user::{SecurityStamp, User, UserId};
use crate::validity::{Validity, ValidityState};

/// A user who is added.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The user.
    pub user: User,
    /// The hash of their password, if they have one.
    pub password: Option<PasswordHash>,
    /// Their security stamp.
    pub stamp: SecurityStamp,
    /// The groups that they join.
    pub groups: BTreeSet<GroupId>,
}

/// A user who is changed.
#[derive(Clone, Debug)]
pub struct ChangedAccount {
    /// As they are.
    pub before: User,
    /// As they are going to be.
    pub after: User,
    /// The hash of a password, for one who has none.
    pub password: Option<PasswordHash>,
    /// A new security stamp: all tokens that were issued under another one stop working.
    pub stamp: Option<SecurityStamp>,
}

impl ChangedAccount {
    /// What changes beside the user.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        let password = self.password.clone().map(PasswordUpdate::Changed);
        Credentials { password, stamp: self.stamp, names: NameSource::Authority }
    }
}

/// Who or what belongs to a group, or will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacedMember<Id> {
    /// The group.
    pub group: GroupId,
    /// The member.
    pub member: Id,
    /// When it was added, and by whom. What is there already keeps that of before.
    pub added: Provenance,
    /// How it stood before.
    pub before: Option<MemberStanding>,
    /// From when until when it is to count.
    pub validity: Validity,
}

/// A manager who is appointed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appointment {
    /// The group.
    pub group: GroupId,
    /// The manager.
    pub manager: ManagerId,
    /// When they were appointed, and by whom.
    pub added: Provenance,
}

/// Reads many at once.
pub trait ImportReader: UserReader + GroupReader + ChildReader + ValidityReader + ApiKeyReader {
    /// The users with these ids.
    fn users_of(&mut self, ids: &BTreeSet<UserId>) -> Result<BTreeMap<UserId, User>, StoreError> {
        let found = ids.iter().map(|id| Ok(self.user(*id)?.map(|user| (*id, user))));
        found.filter_map(Result::transpose).collect()
    }
    /// Those of `ids` who have a password.
    fn users_with_password(&mut self, ids: &BTreeSet<UserId>) -> Result<BTreeSet<UserId>, StoreError> {
        let found = ids.iter().map(|id| Ok(self.password(*id)?.map(|_| *id)));
        found.filter_map(Result::transpose).collect()
    }
    /// Those of `ids` whom API keys act as.
    fn users_of_api_keys(&mut self, ids: &BTreeSet<UserId>) -> Result<BTreeSet<UserId>, StoreError> {
        let found = ids.iter().map(|id| Ok(self.api_key_of(*id)?.map(|_| *id)));
        found.filter_map(Result::transpose).collect()
    }
    /// The groups with these ids.
    fn groups_of_ids(&mut self, ids: &BTreeSet<GroupId>) -> Result<BTreeMap<GroupId, Group>, StoreError> {
        let found = ids.iter().map(|id| Ok(self.group(*id)?.map(|group| (*id, group))));
        found.filter_map(Result::transpose).collect()
    }
    /// How users stand in groups, of those of `pairs` who belong to one directly, or will.
    fn standings_of_memberships(
        &mut self,
        pairs: &BTreeSet<(GroupId, UserId)>,
    ) -> Result<BTreeMap<(GroupId, UserId), MemberStanding>, StoreError> {
        let mut found = BTreeMap::new();
        for (group, users) in by_group(pairs) {
            let standings = self.standings_of_members(group, &users)?;
            found.extend(standings.into_iter().map(|(user, standing)| ((group, user), standing)));
        }
        Ok(found)
    }
    /// The same for groups below groups.
    fn standings_of_edges(
        &mut self,
        pairs: &BTreeSet<(GroupId, GroupId)>,
    ) -> Result<BTreeMap<(GroupId, GroupId), MemberStanding>, StoreError> {
        let mut found = BTreeMap::new();
        for (parent, children) in by_group(pairs) {
            let standings = self.standings_of_children(parent, &children)?;
            found.extend(standings.into_iter().map(|(child, standing)| ((parent, child), standing)));
        }
        Ok(found)
    }
    /// Every edge, also those that are to begin later, by parent.
    fn all_edges(&mut self) -> Result<BTreeMap<GroupId, Vec<GroupId>>, StoreError>;
    /// The administrators' groups, and those below them, now or later, with the administrators' groups that each of them is or is below.
    fn administrators_groups(&mut self) -> Result<BTreeMap<GroupId, BTreeSet<SystemGroup>>, StoreError>;
}

/// The members of each group.
fn by_group<Id: Copy + Ord>(pairs: &BTreeSet<(GroupId, Id)>) -> BTreeMap<GroupId, BTreeSet<Id>> {
    let mut groups: BTreeMap<GroupId, BTreeSet<Id>> = BTreeMap::new();
    for (group, member) in pairs {
        groups.entry(*group).or_default().insert(*member);
    }
    groups
}

/// Changes many at once.
pub trait ImportWriter:
    ImportReader + UserWriter + GroupWriter + MembershipWriter + ChildWriter + ManagerWriter + ValidityWriter + PastWriter
{
    /// Lets `member`, who is in `group` directly, count there from the moment `at` on, whenever they were added.
    fn begin_member(&mut self, group: GroupId, member: ManagerId, at: Timestamp) -> Result<(), StoreError>;
    /// Adds users, whose ids and names are free. They were added to their groups by `added`.
    fn insert_accounts(&mut self, accounts: &[NewAccount], added: Provenance) -> Result<(), StoreError> {
        for NewAccount { user, password, stamp, groups } in accounts {
            self.insert_member_of((groups, added), user, password.as_ref(), *stamp, NameSource::Authority)?;
        }
        Ok(())
    }
    /// Replaces users. If the stored version of one is another than that of before, the unit of work is run again.
    fn update_accounts(&mut self, accounts: &[ChangedAccount]) -> Result<(), StoreError> {
        for account in accounts {
            self.update_user(&account.before, &account.after, &account.credentials())?;
        }
        Ok(())
    }
    /// Adds groups, whose ids and names are free.
    fn insert_groups(&mut self, groups: &[Group]) -> Result<(), StoreError> {
        groups.iter().try_for_each(|group| self.insert_group(group))
    }
    /// Replaces groups, each of which is there as it was before.
    fn update_groups(&mut self, groups: &[(Group, Group)]) -> Result<(), StoreError> {
        groups.iter().try_for_each(|(_, after)| self.update_group(after))
    }
    /// Lets users belong to groups directly as it is said. Those who join count from `now` on.
    fn place_members(&mut self, members: &[PlacedMember<UserId>], now: Timestamp) -> Result<(), StoreError> {
        for placed in members {
            let PlacedMember { group, member, added, .. } = *placed;
            if placed.leaves(now) {
                self.remove_member(group, member, now)?;
            }
            if placed.joins(now) && !self.insert_members(group, &BTreeSet::from([member]), added)?.is_empty() {
                self.begin_member(group, ManagerId::User(member), now)?;
            }
            if placed.is_dated() {
                self.set_validity_of_members(group, &BTreeMap::from([(member, placed.validity)]), added, now)?;
            }
        }
        Ok(())
    }
    /// The same for groups below groups. No edge closes a cycle.
    fn place_children(&mut self, children: &[PlacedMember<GroupId>], now: Timestamp) -> Result<(), StoreError> {
        for placed in children {
            let PlacedMember { group, member, added, .. } = *placed;
            if placed.leaves(now) {
                self.remove_child(group, member, now)?;
            }
            if placed.joins(now) && !self.insert_children(group, &BTreeSet::from([member]), added)?.is_empty() {
                self.begin_member(group, ManagerId::Group(member), now)?;
            }
            if placed.is_dated() {
                self.set_validity_of_children(group, &BTreeMap::from([(member, placed.validity)]), added, now)?;
            }
        }
        Ok(())
    }
    /// Appoints managers. Returns those of them who were none before.
    fn appoint_managers(&mut self, appointments: &[Appointment]) -> Result<Vec<Appointment>, StoreError> {
        let mut new = Vec::new();
        for appointment in appointments {
            if self.insert_manager(appointment.group, appointment.manager, appointment.added)? {
                new.push(*appointment);
            }
        }
        Ok(new)
    }
}

impl<Id> PlacedMember<Id> {
    /// Whether it counted before.
    fn was_active(&self) -> bool {
        self.before.is_some_and(|before| before.state == ValidityState::Active)
    }

    /// Whether it begins to count at `now`.
    pub fn joins(&self, now: Timestamp) -> bool {
        !self.was_active() && self.validity.state(now) == ValidityState::Active
    }

    /// Whether it counted, and does not at `now`.
    pub fn leaves(&self, now: Timestamp) -> bool {
        self.was_active() && self.validity.state(now) == ValidityState::Scheduled
    }

    /// Whether it has dates, or had some.
    pub fn is_dated(&self) -> bool {
        !self.validity.is_always() || self.before.is_some_and(|before| !before.validity.is_always())
    }

    /// Whether somebody who would stay goes, or is going to.
    pub fn ends(&self, now: Timestamp) -> bool {
        self.was_active() && (self.leaves(now) || self.validity.until.is_some())
    }
}
