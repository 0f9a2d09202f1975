//! Memberships and edges that begin and end by a date.

use std::collections::{BTreeMap, BTreeSet};

use guildhall_domain::group::{GroupId, SystemGroup};
use guildhall_domain::manager::ManagerId;
use guildhall_domain::page::Paged;
use guildhall_domain::ports::{
    ChildScope, DueChange, ListedMember, MemberStanding, MembershipListing, NamedGroup, Person, Reach, StoreError,
    ValidityReader, ValidityWriter,
};
use guildhall_domain::provenance::Provenance;
use guildhall_domain::search::{GroupField, UserField};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use guildhall_domain::validity::{Validity, ValidityState};

use super::UnitOfWork;
use super::children::{CHILDREN, walk};
use super::dates::{DATES, DatesRow};
use super::memberships::MEMBERS;
use super::tables::{Changes, Tables};

impl<T: Tables> UnitOfWork<T> {
    fn standing(&self, group: GroupId, member: ManagerId) -> Result<Option<MemberStanding>, StoreError> {
        if self.is_present(group, member)? {
            let validity = self.validity_of(group, member)?;
            return Ok(Some(MemberStanding { state: ValidityState::Active, validity }));
        }
        let dates = self.dates(group, member)?.filter(DatesRow::begins_later);
        Ok(dates.map(|row| MemberStanding { state: ValidityState::Scheduled, validity: row.validity() }))
    }

    /// The direct members of `group` who stay, with an account that stays open.
    fn lasting_members(&self, group: GroupId) -> Result<BTreeSet<UserId>, StoreError> {
        let mut lasting = BTreeSet::new();
        for user in self.load_users(&self.members_within(group, Reach::Direct)?)? {
            let is_open = !user.suspended && user.expiry.is_none();
            if is_open && self.validity_of(group, ManagerId::User(user.id))?.until.is_none() {
                lasting.insert(user.id);
            }
        }
        Ok(lasting)
    }

    /// The direct children of `group` by edges without an end.
    fn lasting_children(&self, group: GroupId) -> Result<BTreeSet<GroupId>, StoreError> {
        let mut lasting = BTreeSet::new();
        for child in CHILDREN.of(&self.0, group.0)?.into_iter().map(GroupId) {
            if self.validity_of(group, ManagerId::Group(child))?.until.is_none() {
                lasting.insert(child);
            }
        }
        Ok(lasting)
    }

    fn has_lasting_member(&self, group: GroupId) -> Result<bool, StoreError> {
        for group in walk(BTreeSet::from([group]), |next| self.lasting_children(next))? {
            if !self.lasting_members(group)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl<T: Tables> ValidityReader for UnitOfWork<T> {
    fn check_due(&mut self) -> Result<(), StoreError> {
        self.1.is_due |= self.is_due(self.1.now)?;
        self.1.unless_due()
    }

    fn standings_of_members(
        &mut self,
        group: GroupId,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, MemberStanding>, StoreError> {
        let standing =
            |user: &UserId| Ok(self.standing(group, ManagerId::User(*user))?.map(|standing| (*user, standing)));
        users.iter().filter_map(|user| standing(user).transpose()).collect()
    }

    fn standings_of_children(
        &mut self,
        parent: GroupId,
        children: &BTreeSet<GroupId>,
    ) -> Result<BTreeMap<GroupId, MemberStanding>, StoreError> {
        let standing =
            |child: &GroupId| Ok(self.standing(parent, ManagerId::Group(*child))?.map(|standing| (*child, standing)));
        children.iter().filter_map(|child| standing(child).transpose()).collect()
    }

    fn scheduled_members(&mut self, group: GroupId) -> Result<BTreeSet<UserId>, StoreError> {
        let user = |row: DatesRow| match row.member() {
            ManagerId::User(user) if row.group() == group => Some(user),
            _ => None,
        };
        Ok(self.scheduled()?.into_iter().filter_map(user).collect())
    }

    fn scheduled_children(&mut self, parent: GroupId) -> Result<BTreeSet<GroupId>, StoreError> {
        Ok(self.later_edges()?.into_iter().filter(|(group, _)| *group == parent).map(|(_, child)| child).collect())
    }

    fn memberships_of_group(
        &mut self,
        group: GroupId,
        listing: &MembershipListing<UserField>,
    ) -> Result<Paged<ListedMember<Person>>, StoreError> {
        self.list_members(group, listing)
    }

    fn memberships_of_user(
        &mut self,
        user: UserId,
        listing: &MembershipListing<GroupField>,
    ) -> Result<Paged<ListedMember<Person>>, StoreError> {
        self.list_memberships(user, listing)
    }

    fn edges_of_group(
        &mut self,
        parent: GroupId,
        scope: ChildScope,
        listing: &MembershipListing<GroupField>,
    ) -> Result<Paged<ListedMember<NamedGroup>>, StoreError> {
        self.list_edges(parent, scope, listing)
    }

    fn count_pending_dates(&mut self, author: UserId, most: u64) -> Result<u64, StoreError> {
        let all = DATES.all(&self.0)?;
        let count = all.iter().filter(|row| row.next.is_some() && row.added().by == Some(author)).count();
        Ok(most.min(count as u64))
    }

    fn has_lasting_administrator(&mut self) -> Result<bool, StoreError> {
        let group = self.system_group(SystemGroup::SystemAdministrators)?;
        group.map_or(Ok(false), |group| self.has_lasting_member(group))
    }

    fn first_lasting_member(&mut self, group: GroupId, among: &BTreeSet<UserId>) -> Result<Option<UserId>, StoreError> {
        Ok(self.lasting_members(group)?.intersection(among).next().copied())
    }

    fn first_child_with_lasting_member(
        &mut self,
        parent: GroupId,
        among: &BTreeSet<GroupId>,
    ) -> Result<Option<GroupId>, StoreError> {
        for child in &self.lasting_children(parent)? & among {
            if self.has_lasting_member(child)? {
                return Ok(Some(child));
            }
        }
        Ok(None)
    }
}

impl UnitOfWork<Changes> {
    fn set_validity(
        &self,
        group: GroupId,
        (member, validity): (ManagerId, Validity),
        added: Provenance,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if validity.state(now) == ValidityState::Active && !self.is_present(group, member)? {
            return self.remove_dates(group, member).map(drop);
        }
        // Where no date is yet to come, whoever gives one made it.
        let pending = self.dates(group, member)?.filter(|row| row.next.is_some());
        let row = pending.unwrap_or_else(|| DatesRow::new(group, member, added));
        self.put_dates(&row.with(validity, now))
    }

    /// Makes so what these dates say at `now`. Returns when somebody or something joined, and when they left.
    fn settle(&mut self, row: DatesRow, now: Timestamp) -> Result<[Option<Timestamp>; 2], StoreError> {
        let (group, member) = (row.group(), row.member());
        let was_present = self.is_present(group, member)?;
        let validity = row.validity();
        let joins = validity.from.filter(|_| row.begins_later() && !was_present);
        let ended = validity.ended(now);
        if let Some(end) = ended {
            match joins {
                Some(joined) => self.keep_term(group, member, (joined, end), row.added().by)?,
                None => self.keep_past(group, member, end)?,
            }
            match member {
                ManagerId::User(user) => MEMBERS.remove(&self.0, group.0, user.0)?,
                ManagerId::Group(child) => CHILDREN.remove(&self.0, group.0, child.0)?,
            };
            self.remove_dates(group, member)?;
            return Ok([joins, ended.filter(|_| was_present || joins.is_some())]);
        }
        if let Some(joined) = joins {
            self.keep_beginning(group, member, joined)?;
            let added = row.added();
            match member {
                ManagerId::User(user) => MEMBERS.insert(&self.0, group.0, [user.0].into_iter(), added)?,
                ManagerId::Group(child) => CHILDREN.insert(&self.0, group.0, [child.0].into_iter(), added)?,
            };
        }
        let from = validity.from.filter(|_| !(row.begins_later() && was_present));
        self.put_dates(&row.with(Validity { from, ..validity }, now))?;
        Ok([joins, None])
    }
}

impl ValidityWriter for UnitOfWork<Changes> {
    fn set_validity_of_members(
        &mut self,
        group: GroupId,
        users: &BTreeMap<UserId, Validity>,
        added: Provenance,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut dates = users.iter().map(|(user, validity)| (ManagerId::User(*user), *validity));
        dates.try_for_each(|dates| self.set_validity(group, dates, added, now))
    }

    fn set_validity_of_children(
        &mut self,
        parent: GroupId,
        children: &BTreeMap<GroupId, Validity>,
        added: Provenance,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut dates = children.iter().map(|(child, validity)| (ManagerId::Group(*child), *validity));
        dates.try_for_each(|dates| self.set_validity(parent, dates, added, now))
    }

    fn make_due(&mut self, now: Timestamp, _: bool) -> Result<Option<Vec<DueChange>>, StoreError> {
        let mut changes = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
        for row in self.due(now)? {
            let (group, member) = (row.group(), row.member());
            let [joined, left] = self.settle(row, now)?;
            let [users_joined, users_left, groups_joined, groups_left] = &mut changes;
            let (joins, leaves) = match member {
                ManagerId::User(_) => (users_joined, users_left),
                ManagerId::Group(_) => (groups_joined, groups_left),
            };
            joins.extend(joined.map(|at| DueChange { group, member, is_in: true, at }));
            leaves.extend(left.map(|at| DueChange { group, member, is_in: false, at }));
        }
        let mut changes = changes.concat();
        changes.sort_by_key(|change| change.at);
        Ok(Some(changes))
    }
}
