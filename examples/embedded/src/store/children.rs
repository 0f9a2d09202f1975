//! Edges between groups.

use std::collections::BTreeSet;

use guildhall_domain::group::{Group, GroupId, SystemGroup};
use guildhall_domain::manager::ManagerId;
use guildhall_domain::page::Paged;
use guildhall_domain::ports::{
    ChildReader, ChildScope, ChildWriter, Children, Edge, Ended, EndedEdges, Reach, StoreError,
};
use guildhall_domain::provenance::Provenance;
use guildhall_domain::search::GroupListing;
use guildhall_domain::time::Timestamp;

use super::UnitOfWork;
use super::relation::Relation;
use super::tables::{Changes, Tables};

/// From groups to their direct children.
pub(super) const CHILDREN: Relation = Relation::new("children of groups", "parents of groups", "edges between groups");

impl<T: Tables> UnitOfWork<T> {
    /// The group itself and every group below it.
    pub(super) fn at_or_below(&self, group: GroupId) -> Result<BTreeSet<GroupId>, StoreError> {
        self.reached(CHILDREN, BTreeSet::from([group]))
    }

    /// The groups themselves and every group above any of them.
    pub(super) fn at_or_above(&self, groups: BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError> {
        self.reached(CHILDREN.flipped(), groups)
    }

    /// The group itself and every group that is below it, or is going to be.
    pub(super) fn at_or_below_later(&self, group: GroupId) -> Result<BTreeSet<GroupId>, StoreError> {
        let later = self.later_edges()?;
        walk(BTreeSet::from([group]), |next| {
            let mut below = self.below(next, Reach::Direct)?;
            below.extend(later.iter().filter(|(parent, _)| *parent == next).map(|(_, child)| *child));
            Ok(below)
        })
    }

    /// The group itself and every group that is above it, or is going to be.
    fn at_or_above_later(&self, group: GroupId) -> Result<BTreeSet<GroupId>, StoreError> {
        let later = self.later_edges()?;
        walk(BTreeSet::from([group]), |next| {
            let above = CHILDREN.flipped().of(&self.0, next.0)?.into_iter().map(GroupId);
            Ok(above.chain(later.iter().filter(|(_, child)| *child == next).map(|(parent, _)| *parent)).collect())
        })
    }

    /// Everything that a walk along `edges` reaches from `start`.
    fn reached(&self, edges: Relation, start: BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError> {
        walk(start, |group| Ok(edges.of(&self.0, group.0)?.into_iter().map(GroupId).collect()))
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

/// Everything that a walk reaches from `start`, where `next` tells the steps from a group.
pub(super) fn walk(
    start: BTreeSet<GroupId>,
    next: impl Fn(GroupId) -> Result<BTreeSet<GroupId>, StoreError>,
) -> Result<BTreeSet<GroupId>, StoreError> {
    let mut open: Vec<GroupId> = start.iter().copied().collect();
    let mut found = start;
    while let Some(group) = open.pop() {
        open.extend(next(group)?.into_iter().filter(|group| found.insert(*group)));
    }
    Ok(found)
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
        if children.scope == ChildScope::Managed {
            groups = &groups - &self.administering()?;
        }
        self.listed_groups(&self.without_below(groups, &children.excluded, children.reach)?, listing)
    }

    fn edge(&mut self, parent: GroupId, child: GroupId) -> Result<Option<Edge>, StoreError> {
        let Some(pair) = CHILDREN.pair(&self.0, parent.0, child.0)? else { return Ok(None) };
        Ok(Some(Edge { validity: self.validity_of(parent, ManagerId::Group(child))?, ..pair }))
    }

    fn direct_children(&mut self, parent: GroupId) -> Result<BTreeSet<GroupId>, StoreError> {
        self.below(parent, Reach::Direct)
    }

    fn child_towards(&mut self, from: GroupId, to: GroupId) -> Result<Option<GroupId>, StoreError> {
        let towards = self.at_or_above(BTreeSet::from([to]))?;
        Ok(self.below(from, Reach::Direct)?.intersection(&towards).next().copied())
    }

    fn step_towards(&mut self, from: GroupId, to: GroupId) -> Result<Option<GroupId>, StoreError> {
        let mut steps = self.below(from, Reach::Direct)?;
        steps.extend(self.later_edges()?.into_iter().filter(|(parent, _)| *parent == from).map(|(_, child)| child));
        Ok(steps.intersection(&self.at_or_above_later(to)?).next().copied())
    }

    fn at_or_above_among(
        &mut self,
        below: GroupId,
        groups: &BTreeSet<GroupId>,
    ) -> Result<BTreeSet<GroupId>, StoreError> {
        Ok(&self.at_or_above_later(below)? & groups)
    }

    fn administrators_above(&mut self, group: GroupId) -> Result<BTreeSet<SystemGroup>, StoreError> {
        let above = self.at_or_above_later(group)?;
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
    fn insert_children(
        &mut self,
        parent: GroupId,
        children: &BTreeSet<GroupId>,
        added: Provenance,
    ) -> Result<Vec<GroupId>, StoreError> {
        let new = CHILDREN.insert(&self.0, parent.0, children.iter().map(|child| child.0), added)?;
        Ok(new.into_iter().map(GroupId).collect())
    }

    fn remove_child(&mut self, parent: GroupId, child: GroupId, at: Timestamp) -> Result<Ended, StoreError> {
        self.keep_past(parent, ManagerId::Group(child), at)?;
        let was_present = CHILDREN.remove(&self.0, parent.0, child.0)?;
        let dates = self.remove_dates(parent, ManagerId::Group(child))?;
        Ok(Ended::of(was_present, dates.is_some()))
    }

    fn remove_children(
        &mut self,
        parent: GroupId,
        children: &BTreeSet<GroupId>,
        at: Timestamp,
    ) -> Result<EndedEdges, StoreError> {
        let mut ended = EndedEdges::default();
        for child in children {
            match self.remove_child(parent, *child, at)? {
                Ended::Present => ended.present.push(*child),
                Ended::Schedule => ended.scheduled.push(*child),
                Ended::Nothing => {}
            }
        }
        Ok(ended)
    }
}
