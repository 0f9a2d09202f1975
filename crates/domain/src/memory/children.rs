//! Edges between groups in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::State;
use crate::group::{Group, GroupId, SystemGroup};
use crate::page::Paged;
use crate::ports::{ChildReader, ChildScope, ChildWriter, Children, Edge, Reach, StoreError};
use crate::provenance::Provenance;
use crate::search::GroupListing;

/// The direct children of each group.
#[derive(Clone, Debug, Default)]
pub(super) struct ChildGroups {
    by_parent: Arc<BTreeMap<GroupId, BTreeMap<GroupId, Edge>>>,
}

impl ChildGroups {
    pub(super) fn count(&self, parent: GroupId) -> u64 {
        self.by_parent.get(&parent).map_or(0, BTreeMap::len) as u64
    }

    pub(super) fn remove_group(&mut self, group: GroupId) {
        let children = Arc::make_mut(&mut self.by_parent);
        children.remove(&group);
        for children in children.values_mut() {
            children.remove(&group);
        }
    }

    /// The direct children of a group.
    fn of(&self, parent: GroupId) -> impl Iterator<Item = &GroupId> {
        self.by_parent.get(&parent).into_iter().flat_map(BTreeMap::keys)
    }

    /// All edges, each from a parent to a child.
    pub(super) fn edges(&self) -> impl Iterator<Item = (GroupId, GroupId)> {
        self.by_parent.iter().flat_map(|(parent, children)| children.keys().map(|child| (*parent, *child)))
    }

    /// `group` and every group below it, found by a depth-first walk.
    pub(super) fn at_or_below(&self, group: GroupId) -> BTreeSet<GroupId> {
        let mut found = BTreeSet::from([group]);
        let mut open = vec![group];
        while let Some(next) = open.pop() {
            for child in self.of(next) {
                if found.insert(*child) {
                    open.push(*child);
                }
            }
        }
        found
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

    fn at_or_above_among(
        &mut self,
        below: GroupId,
        groups: &BTreeSet<GroupId>,
    ) -> Result<BTreeSet<GroupId>, StoreError> {
        Ok(groups.iter().filter(|group| self.children.at_or_below(**group).contains(&below)).copied().collect())
    }

    fn administrators_above(&mut self, group: GroupId) -> Result<BTreeSet<SystemGroup>, StoreError> {
        let is_above = |system: &SystemGroup| {
            self.groups.system(*system).is_some_and(|id| self.children.at_or_below(id).contains(&group))
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
    ) -> Result<u64, StoreError> {
        let present = Arc::make_mut(&mut self.children.by_parent).entry(parent).or_default();
        let before = present.len();
        for child in children {
            present.entry(*child).or_insert(Edge { added: Some(added) });
        }
        Ok((present.len() - before) as u64)
    }

    fn remove_child(&mut self, parent: GroupId, child: GroupId) -> Result<bool, StoreError> {
        let children = Arc::make_mut(&mut self.children.by_parent).get_mut(&parent);
        Ok(children.is_some_and(|children| children.remove(&child).is_some()))
    }

    fn remove_children(&mut self, parent: GroupId, children: &BTreeSet<GroupId>) -> Result<u64, StoreError> {
        let mut removed = 0;
        for child in children {
            removed += u64::from(self.remove_child(parent, *child)?);
        }
        Ok(removed)
    }
}
