//! Memberships of users in groups.

use std::collections::BTreeSet;

use guildhall_domain::group::{Group, GroupId, GroupName};
use guildhall_domain::manager::ManagerId;
use guildhall_domain::page::Paged;
use guildhall_domain::ports::{
    Difference, Ended, GroupReader as _, Joined, Membership, MembershipReader, MembershipWriter, Reach, StoreError,
};
use guildhall_domain::provenance::Provenance;
use guildhall_domain::search::{GroupListing, UserListing};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{User, UserId};

use super::relation::Relation;
use super::tables::{Changes, Tables};
use super::{UnitOfWork, listed};

/// From groups to their direct members.
pub(super) const MEMBERS: Relation = Relation::new("members of groups", "groups of members", "memberships");

impl<T: Tables> UnitOfWork<T> {
    pub(super) fn members_within(&self, group: GroupId, reach: Reach) -> Result<BTreeSet<UserId>, StoreError> {
        let groups = match reach {
            Reach::Direct => BTreeSet::from([group]),
            Reach::Effective => self.at_or_below(group)?,
        };
        let mut members = BTreeSet::new();
        for group in groups {
            members.extend(MEMBERS.of(&self.0, group.0)?.into_iter().map(UserId));
        }
        Ok(members)
    }

    pub(super) fn groups_within(&self, user: UserId, reach: Reach) -> Result<BTreeSet<GroupId>, StoreError> {
        let direct = MEMBERS.flipped().of(&self.0, user.0)?.into_iter().map(GroupId).collect();
        match reach {
            Reach::Direct => Ok(direct),
            Reach::Effective => self.at_or_above(direct),
        }
    }
}

impl<T: Tables> MembershipReader for UnitOfWork<T> {
    /// Walks up from the user's groups, so the cost grows with the number of groups above the user, which is small for an
    /// embedded directory. The service's store keeps a table of all pairs of groups and groups below them instead.
    fn is_effective_member(&mut self, group: GroupId, user: UserId) -> Result<bool, StoreError> {
        Ok(self.groups_within(user, Reach::Effective)?.contains(&group))
    }

    fn is_effective_member_of_any(&mut self, groups: &BTreeSet<GroupId>, user: UserId) -> Result<bool, StoreError> {
        Ok(!self.groups_within(user, Reach::Effective)?.is_disjoint(groups))
    }

    fn effective_memberships_among(
        &mut self,
        pairs: &BTreeSet<(UserId, GroupId)>,
    ) -> Result<BTreeSet<(UserId, GroupId)>, StoreError> {
        let users: BTreeSet<UserId> = pairs.iter().map(|(user, _)| *user).collect();
        let mut members = BTreeSet::new();
        for user in users {
            let memberships = self.groups_within(user, Reach::Effective)?.into_iter().map(|group| (user, group));
            members.extend(memberships.filter(|membership| pairs.contains(membership)));
        }
        Ok(members)
    }

    fn members(
        &mut self,
        group: GroupId,
        reach: Reach,
        excluded: &BTreeSet<GroupId>,
        listing: &UserListing,
    ) -> Result<Paged<User>, StoreError> {
        let mut members = self.members_within(group, reach)?;
        for group in excluded {
            members = &members - &self.members_within(*group, reach)?;
        }
        Ok(listed(self.load_users(&members)?, listing))
    }

    fn groups_of(
        &mut self,
        user: UserId,
        reach: Reach,
        excluded: &BTreeSet<GroupId>,
        listing: &GroupListing,
    ) -> Result<Paged<Group>, StoreError> {
        let groups = self.groups_within(user, reach)?;
        self.listed_groups(&self.without_below(groups, excluded, reach)?, listing)
    }

    fn groups_below_with_member(
        &mut self,
        group: GroupId,
        user: UserId,
        most: usize,
    ) -> Result<Vec<(GroupId, GroupName)>, StoreError> {
        let mut below = self.at_or_below(group)?;
        below.remove(&group);
        let direct = &self.groups_within(user, Reach::Direct)? & &below;
        let mut groups = Vec::new();
        for id in direct {
            groups.extend(self.group(id)?.map(|group| (id, group.name)));
        }
        groups.sort_by_key(|(_, name)| name.key());
        groups.truncate(most);
        Ok(groups)
    }

    fn membership(&mut self, group: GroupId, user: UserId) -> Result<Option<Membership>, StoreError> {
        let pair = MEMBERS.pair(&self.0, group.0, user.0)?;
        // Files from before that was kept tell of no moment.
        let beginning = Provenance::at(Timestamp::from_milliseconds(0));
        let Some(pair) = pair else { return Ok(None) };
        let validity = self.validity_of(group, ManagerId::User(user))?;
        Ok(Some(Membership { added: pair.added.unwrap_or(beginning), validity }))
    }

    fn compare_members(&mut self, group: GroupId, wanted: &BTreeSet<UserId>) -> Result<Difference<UserId>, StoreError> {
        let members = self.members_within(group, Reach::Direct)?;
        Ok(Difference { missing: wanted - &members, surplus: &members - wanted })
    }

    fn external_groups_of(&mut self, user: UserId) -> Result<BTreeSet<GroupId>, StoreError> {
        let groups = self.groups_within(user, Reach::Direct)?;
        self.external_among(&groups)
    }
}

impl MembershipWriter for UnitOfWork<Changes> {
    fn insert_members(
        &mut self,
        group: GroupId,
        users: &BTreeSet<UserId>,
        added: Provenance,
    ) -> Result<Vec<UserId>, StoreError> {
        let new = MEMBERS.insert(&self.0, group.0, users.iter().map(|user| user.0), added)?;
        Ok(new.into_iter().map(UserId).collect())
    }

    fn change_members(
        &mut self,
        group: GroupId,
        (joining, added): (&BTreeSet<UserId>, Provenance),
        leaving: &BTreeSet<UserId>,
    ) -> Result<Joined, StoreError> {
        let new = self.insert_members(group, joining, added)?;
        let mut joined = Joined { new, ..Joined::default() };
        for user in leaving {
            match self.remove_member(group, *user, added.at)? {
                Ended::Present => joined.gone.push(*user),
                Ended::Schedule => joined.cancelled.push(*user),
                Ended::Nothing => {}
            }
        }
        Ok(joined)
    }

    fn remove_member(&mut self, group: GroupId, user: UserId, at: Timestamp) -> Result<Ended, StoreError> {
        self.keep_past(group, ManagerId::User(user), at)?;
        let was_present = MEMBERS.remove(&self.0, group.0, user.0)?;
        let dates = self.remove_dates(group, ManagerId::User(user))?;
        Ok(Ended::of(was_present, dates.is_some()))
    }
}
