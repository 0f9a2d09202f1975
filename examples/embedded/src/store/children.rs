//! Edges between groups.

use std::collections::BTreeSet;

use guildhall_domain::group::{Group, GroupId, SystemGroup};
use guildhall_domain::page::Paged;
use guildhall_domain::ports::{ChildReader, ChildWriter, Children, Reach, StoreError};
use guildhall_domain::search::GroupListing;

use super::UnitOfWork;
use super::relation::Relation;
use super::tables::{Changes, Tables};

/// From groups to their direct children.
pub(super) const CHILDREN: Relation = Relation::new("children of groups", "parents of groups");

impl<T: Tables> UnitOfWork<T> {
    /// The group itself and every group below it.
    pub(super) fn at_or_below(&self, group: GroupId) -> Result<BTreeSet<GroupId>, StoreError> {
        self.reached(CHILDREN, BTreeSet::from([group]))
    }

    /// The groups themselves and every group above any of them.
    pub(super) fn at_or_above(&self, groups: BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError> {
        self.reached(CHILDREN.flipped(), groups)
    }

    /// Everything that a walk along `edges` reaches from `start`.
    fn reached(&self, edges: Relation, start: BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError> {
        let mut open: Vec<GroupId> = start.iter().copied().collect();
        let mut found = start;
        while let Some(group) = open.pop() {
            let next = edges.of(&self.0, group.0)?.into_iter().map(GroupId);
            open.extend(next.filter(|group| found.insert(*group)));
        }
        Ok(found)
    }

    /// The groups below `group`, without `group` itself.
    fn below(&self, group: GroupId, reach: Reach) -> Result<BTreeSet<GroupId>, StoreError> {
        let direct = CHILDREN.of(&self.0, group.0)?.into_iter().map(GroupId).collect();
        match reach {
            Reach::Direct => Ok(direct),
            Reach::Effective => self.reached(CHILDREN, direct),
        }
    }

    /// `groups` without those that are below an `excluded` group.
    pub(super) fn without_below(
        &self,
        mut groups: BTreeSet<GroupId>,
        excluded: &BTreeSet<GroupId>,
        reach: Reach,
    ) -> Result<BTreeSet<GroupId>, StoreError> {
        for group in excluded {
            groups = &groups - &self.below(*group, reach)?;
        }
        Ok(groups)
    }
}

impl<T: Tables> ChildReader for UnitOfWork<T> {
    fn children(
        &mut self,
        group: GroupId,
        children: &Children,
        listing: &GroupListing,
    ) -> Result<Paged<Group>, StoreError> {
        let mut groups = self.below(group, children.reach)?;
        groups.extend(children.include_self.then_some(group));
        self.listed_groups(&self.without_below(groups, &children.excluded, children.reach)?, listing)
    }

    fn child_towards(&mut self, from: GroupId, to: GroupId) -> Result<Option<GroupId>, StoreError> {
        let towards = self.at_or_above(BTreeSet::from([to]))?;
        Ok(self.below(from, Reach::Direct)?.intersection(&towards).next().copied())
    }

    fn at_or_above_among(
        &mut self,
        below: GroupId,
        groups: &BTreeSet<GroupId>,
    ) -> Result<BTreeSet<GroupId>, StoreError> {
        Ok(&self.at_or_above(BTreeSet::from([below]))? & groups)
    }

    fn administrators_above(&mut self, group: GroupId) -> Result<BTreeSet<SystemGroup>, StoreError> {
        let above = self.at_or_above(BTreeSet::from([group]))?;
        let mut administrators = BTreeSet::new();
        for system in SystemGroup::ADMINISTRATORS {
            if self.system_group(system)?.is_some_and(|id| above.contains(&id)) {
                administrators.insert(system);
            }
        }
        Ok(administrators)
    }
}

impl ChildWriter for UnitOfWork<Changes> {
    fn insert_children(&mut self, parent: GroupId, children: &BTreeSet<GroupId>) -> Result<u64, StoreError> {
        CHILDREN.insert(&self.0, parent.0, children.iter().map(|child| child.0))
    }

    fn remove_child(&mut self, parent: GroupId, child: GroupId) -> Result<bool, StoreError> {
        CHILDREN.remove(&self.0, parent.0, child.0)
    }
}
