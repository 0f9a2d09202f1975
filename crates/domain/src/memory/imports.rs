//! Imports in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::State;
use crate::group::{GroupId, SystemGroup};
use crate::manager::ManagerId;
use crate::ports::{ImportReader, ImportWriter, StoreError};
use crate::time::Timestamp;

impl ImportReader for State {
    fn all_edges(&mut self) -> Result<BTreeMap<GroupId, Vec<GroupId>>, StoreError> {
        let mut edges: BTreeMap<GroupId, Vec<GroupId>> = BTreeMap::new();
        for of in [&self.children.by_parent, &self.children.scheduled] {
            for (parent, children) in &**of {
                edges.entry(*parent).or_default().extend(children.keys());
            }
        }
        Ok(edges)
    }

    fn administrators_groups(&mut self) -> Result<BTreeMap<GroupId, BTreeSet<SystemGroup>>, StoreError> {
        let mut groups: BTreeMap<GroupId, BTreeSet<SystemGroup>> = BTreeMap::new();
        for system in SystemGroup::ADMINISTRATORS {
            let Some(id) = self.groups.system(system) else { continue };
            for group in self.children.at_or_below_later(id) {
                groups.entry(group).or_default().insert(system);
            }
        }
        Ok(groups)
    }
}

impl ImportWriter for State {
    fn begin_member(&mut self, group: GroupId, member: ManagerId, at: Timestamp) -> Result<(), StoreError> {
        match member {
            ManagerId::User(user) => Arc::make_mut(&mut self.past.members).begin(group, user, at),
            ManagerId::Group(child) => Arc::make_mut(&mut self.past.edges).begin(group, child, at),
        }
        Ok(())
    }
}
