//! Edges between groups in memory.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::State;
use super::dated::DatedBy;
use super::past::History;
use crate::group::{Group, GroupId, SystemGroup};
use crate::page::Paged;
use crate::ports::{ChildReader, ChildScope, ChildWriter, Children, Edge, Ended, EndedEdges, Reach, StoreError};
use crate::provenance::Provenance;
use crate::search::GroupListing;
use crate::time::Timestamp;
use crate::validity::Validity;

/// The direct children of each group.
#[derive(Clone, Debug, Default)]
pub(super) struct ChildGroups {
    pub(super) by_parent: Arc<BTreeMap<GroupId, BTreeMap<GroupId, Edge>>>,
    /// Those that are put there later.
    pub(super) scheduled: Arc<BTreeMap<GroupId, BTreeMap<GroupId, Edge>>>,
    pub(super) dated_by: Arc<DatedBy<GroupId>>,
}

impl ChildGroups {
    pub(super) fn count(&self, parent: GroupId) -> u64 {
        self.by_parent.get(&parent).map_or(0, BTreeMap::len) as u64
    }

    /// Removes a group. What counted until `at` is kept.
    pub(super) fn remove_group(&mut self, group: GroupId, history: &mut History<GroupId>, at: Timestamp) {
        let by_parent = Arc::make_mut(&mut self.by_parent);
        for (child, edge) in by_parent.remove(&group).unwrap_or_default() {
            history.end(group, child, &edge, at);
        }
        for (parent, children) in by_parent {
            if let Some(edge) = children.remove(&group) {
                history.end(*parent, group, &edge, at);
            }
        }
        let scheduled = Arc::make_mut(&mut self.scheduled);
        scheduled.remove(&group);
        for children in scheduled.values_mut() {
            children.remove(&group);
        }
    }

    /// The direct children of a group.
    fn of(&self, parent: GroupId) -> impl Iterator<Item = &GroupId> {
        self.by_parent.get(&parent).into_iter().flat_map(BTreeMap::keys)
    }

    /// All edges that count, each from a parent to a child.
    pub(super) fn edges(&self) -> impl Iterator<Item = (GroupId, GroupId, &Edge)> {
        self.by_parent
            .iter()
            .flat_map(|(parent, children)| children.iter().map(|(child, edge)| (*parent, *child, edge)))
    }

    /// The groups that are going to be direct children of a group.
    fn scheduled_of(&self, parent: GroupId) -> impl Iterator<Item = &GroupId> {
        self.scheduled.get(&parent).into_iter().flat_map(BTreeMap::keys)
    }

    /// `group` and every group below it.
    pub(super) fn at_or_below(&self, group: GroupId) -> BTreeSet<GroupId> {
        walk(group, |next| self.of(next).copied().collect())
    }

    /// The same, also by edges that begin later.
    pub(super) fn at_or_below_later(&self, group: GroupId) -> BTreeSet<GroupId> {
        walk(group, |next| self.of(next).chain(self.scheduled_of(next)).copied().collect())
    }

    /// `groups` without those that are below an `excluded` group within `reach`.
    pub(super) fn without_below(
        &self,
        groups: &BTreeSet<GroupId>,
        excluded: &BTreeSet<GroupId>,
        reach: Reach,
    ) -> BTreeSet<GroupId> {
        let excluded: BTreeSet<GroupId> = excluded.iter().flat_map(|group| self.below(*group, reach)).collect();
        groups - &excluded
    }

    /// The groups below `group` within `reach`, without `group` itself.
    fn below(&self, group: GroupId, reach: Reach) -> BTreeSet<GroupId> {
        match reach {
            Reach::Direct => self.of(group).copied().collect(),
            Reach::Effective => self.at_or_below(group).into_iter().filter(|below| *below != group).collect(),
        }
    }
}

/// `group` and every group below it, found by a depth-first walk.
pub(super) fn walk(group: GroupId, children: impl Fn(GroupId) -> Vec<GroupId>) -> BTreeSet<GroupId> {
    let mut found = BTreeSet::from([group]);
    let mut open = vec![group];
    while let Some(next) = open.pop() {
        open.extend(children(next).into_iter().filter(|child| found.insert(*child)));
    }
    found
}

impl ChildReader for State {
    fn children(
        &mut self,
        group: GroupId,
        children: &Children,
        listing: &GroupListing,
    ) -> Result<Paged<Group>, StoreError> {
        let mut groups = self.children.below(group, children.reach);
        groups.extend(children.include_self.then_some(group));
        if children.scope == ChildScope::Managed {
            groups = &groups - &self.administering();
        }
        Ok(self.page_of_groups(&self.children.without_below(&groups, &children.excluded, children.reach), listing))
    }

    fn edge(&mut self, parent: GroupId, child: GroupId) -> Result<Option<Edge>, StoreError> {
        Ok(self.children.by_parent.get(&parent).and_then(|children| children.get(&child)).copied())
    }

    fn direct_children(&mut self, parent: GroupId) -> Result<BTreeSet<GroupId>, StoreError> {
        Ok(self.children.of(parent).copied().collect())
    }

    fn child_towards(&mut self, from: GroupId, to: GroupId) -> Result<Option<GroupId>, StoreError> {
        Ok(self.children.of(from).copied().find(|child| self.children.at_or_below(*child).contains(&to)))
    }

    fn step_towards(&mut self, from: GroupId, to: GroupId) -> Result<Option<GroupId>, StoreError> {
        let mut steps = self.children.of(from).chain(self.children.scheduled_of(from)).copied();
        Ok(steps.find(|step| self.children.at_or_below_later(*step).contains(&to)))
    }

    fn at_or_above_among(
        &mut self,
        below: GroupId,
        groups: &BTreeSet<GroupId>,
    ) -> Result<BTreeSet<GroupId>, StoreError> {
        Ok(groups.iter().filter(|group| self.children.at_or_below_later(**group).contains(&below)).copied().collect())
    }

    fn administrators_above(&mut self, group: GroupId) -> Result<BTreeSet<SystemGroup>, StoreError> {
        let is_above = |system: &SystemGroup| {
            self.groups.system(*system).is_some_and(|id| self.children.at_or_below_later(id).contains(&group))
        };
        Ok(SystemGroup::ADMINISTRATORS.into_iter().filter(is_above).collect())
    }
}

impl ChildWriter for State {
    fn insert_children(
        &mut self,
        parent: GroupId,
        children: &BTreeSet<GroupId>,
        added: Provenance,
    ) -> Result<Vec<GroupId>, StoreError> {
        let mut new = Vec::new();
        for child in children {
            let scheduled = Arc::make_mut(&mut self.children.scheduled).get_mut(&parent);
            let scheduled = scheduled.and_then(|scheduled| scheduled.remove(child));
            let until = scheduled.and_then(|scheduled| scheduled.validity.until);
            let present = Arc::make_mut(&mut self.children.by_parent).entry(parent).or_default();
            if let Entry::Vacant(vacant) = present.entry(*child) {
                vacant.insert(Edge { added: Some(added), validity: Validity { from: None, until } });
                new.push(*child);
            }
        }
        Ok(new)
    }

    fn remove_child(&mut self, parent: GroupId, child: GroupId, at: Timestamp) -> Result<Ended, StoreError> {
        let [ended, cancelled] = [&mut self.children.by_parent, &mut self.children.scheduled]
            .map(|children| Arc::make_mut(children).get_mut(&parent).and_then(|children| children.remove(&child)));
        if let Some(edge) = &ended {
            Arc::make_mut(&mut self.past.edges).end(parent, child, edge, at);
        }
        Ok(Ended::of(ended.is_some(), cancelled.is_some()))
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
