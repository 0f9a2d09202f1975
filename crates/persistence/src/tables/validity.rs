//! Memberships and edges that begin and end by a date. Their dates, `membership_dates`, are set only here; who is removed takes them along, and
//! `settling` goes by them.

use std::collections::{BTreeMap, BTreeSet};

use guildhall_domain::group::{GroupId, SystemGroup};
use guildhall_domain::page::Paged;
use guildhall_domain::ports::{
    ChildScope, DueChange, ListedMember, MemberStanding, MembershipListing, NamedGroup, Person, StoreError,
    ValidityReader, ValidityWriter,
};
use guildhall_domain::provenance::Provenance;
use guildhall_domain::search::{GroupField, UserField};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use guildhall_domain::validity::{Validity, ValidityState};

use super::settling;
use crate::dialect::lasting;
use crate::dialect::validity::{self, MemberKind, StandingRow};
use crate::due::check_due;
use crate::listing;
use crate::sql_types::Key;
use crate::unit_of_work::Unit;

impl ValidityReader for Unit<'_> {
    fn check_due(&mut self) -> Result<(), StoreError> {
        let at = self.moment();
        self.run(|connection| check_due(connection, at))
    }

    fn standings_of_members(
        &mut self,
        group: GroupId,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, MemberStanding>, StoreError> {
        let users = users.iter().map(|user| Key(user.0)).collect();
        let rows =
            self.run(|connection| Ok(validity::standings(connection, MemberKind::User, Key(group.0), users)?))?;
        Ok(rows.iter().map(|row| (UserId(row.id.0), standing(row))).collect())
    }

    fn standings_of_children(
        &mut self,
        parent: GroupId,
        children: &BTreeSet<GroupId>,
    ) -> Result<BTreeMap<GroupId, MemberStanding>, StoreError> {
        let children = children.iter().map(|child| Key(child.0)).collect();
        let rows =
            self.run(|connection| Ok(validity::standings(connection, MemberKind::Child, Key(parent.0), children)?))?;
        Ok(rows.iter().map(|row| (GroupId(row.id.0), standing(row))).collect())
    }

    fn scheduled_members(&mut self, group: GroupId) -> Result<BTreeSet<UserId>, StoreError> {
        let keys = self.run(|connection| Ok(validity::scheduled(connection, MemberKind::User, Key(group.0))?))?;
        Ok(keys.into_iter().map(|key| UserId(key.0)).collect())
    }

    fn scheduled_children(&mut self, parent: GroupId) -> Result<BTreeSet<GroupId>, StoreError> {
        let keys = self.run(|connection| Ok(validity::scheduled(connection, MemberKind::Child, Key(parent.0))?))?;
        Ok(keys.into_iter().map(|key| GroupId(key.0)).collect())
    }

    fn memberships_of_group(
        &mut self,
        group: GroupId,
        listing: &MembershipListing<UserField>,
    ) -> Result<Paged<ListedMember<Person>>, StoreError> {
        self.run(|connection| listing::memberships_of_group(connection, group, listing))
    }

    fn memberships_of_user(
        &mut self,
        user: UserId,
        listing: &MembershipListing<GroupField>,
    ) -> Result<Paged<ListedMember<Person>>, StoreError> {
        self.run(|connection| listing::memberships_of_user(connection, user, listing))
    }

    fn edges_of_group(
        &mut self,
        parent: GroupId,
        scope: ChildScope,
        listing: &MembershipListing<GroupField>,
    ) -> Result<Paged<ListedMember<NamedGroup>>, StoreError> {
        self.run(|connection| listing::edges_of_group(connection, parent, scope, listing))
    }

    fn count_pending_dates(&mut self, author: UserId, most: u64) -> Result<u64, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let count = self.run(|connection| Ok(validity::count_pending(connection, Key(author.0), most)?))?;
        Ok(count.unsigned_abs())
    }

    /// The group is found by its name, because its id differs from installation to installation.
    fn has_lasting_administrator(&mut self) -> Result<bool, StoreError> {
        let name = SystemGroup::SystemAdministrators.key();
        self.run(|connection| Ok(lasting::has_member(connection, name.as_str())?))
    }

    fn first_lasting_member(&mut self, group: GroupId, among: &BTreeSet<UserId>) -> Result<Option<UserId>, StoreError> {
        let users = among.iter().map(|user| Key(user.0)).collect();
        let first = self.run(|connection| Ok(lasting::first_member(connection, Key(group.0), users)?))?;
        Ok(first.map(|key| UserId(key.0)))
    }

    fn first_child_with_lasting_member(
        &mut self,
        parent: GroupId,
        among: &BTreeSet<GroupId>,
    ) -> Result<Option<GroupId>, StoreError> {
        let groups = among.iter().map(|group| Key(group.0)).collect();
        let first = self.run(|connection| Ok(lasting::first_child_with_member(connection, Key(parent.0), groups)?))?;
        Ok(first.map(|key| GroupId(key.0)))
    }
}

impl ValidityWriter for Unit<'_> {
    fn set_validity_of_members(
        &mut self,
        group: GroupId,
        users: &BTreeMap<UserId, Validity>,
        added: Provenance,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let dates: Vec<_> = users.iter().map(|(user, validity)| (Key(user.0), *validity)).collect();
        self.set_validity((MemberKind::User, group), &dates, added, now)
    }

    fn set_validity_of_children(
        &mut self,
        parent: GroupId,
        children: &BTreeMap<GroupId, Validity>,
        added: Provenance,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let dates: Vec<_> = children.iter().map(|(child, validity)| (Key(child.0), *validity)).collect();
        self.set_validity((MemberKind::Child, parent), &dates, added, now)
    }

    fn make_due(&mut self, now: Timestamp, with_edges: bool) -> Result<Option<Vec<DueChange>>, StoreError> {
        let made = self.change(|connection| settling::make_due(connection, now, with_edges))?;
        Ok(made.map(|made| {
            self.changes.add(made.counts);
            made.changes
        }))
    }
}

impl Unit<'_> {
    fn set_validity(
        &mut self,
        (kind, group): (MemberKind, GroupId),
        dates: &[(Key, Validity)],
        added: Provenance,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if dates.is_empty() {
            return Ok(());
        }
        self.change(|connection| Ok(validity::set(connection, (kind, Key(group.0)), dates, added, now)?))
    }
}

fn standing(row: &StandingRow) -> MemberStanding {
    let state = if row.is_present { ValidityState::Active } else { ValidityState::Scheduled };
    MemberStanding { state, validity: row.validity() }
}
