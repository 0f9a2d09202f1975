//! Imports.

use std::collections::{BTreeMap, BTreeSet};

use guildhall_domain::group::{GroupId, SystemGroup};
use guildhall_domain::manager::ManagerId;
use guildhall_domain::ports::{ImportReader, ImportWriter, StoreError};
use guildhall_domain::time::Timestamp;

use super::UnitOfWork;
use super::children::CHILDREN;
use super::tables::{Changes, Tables};

impl<T: Tables> ImportReader for UnitOfWork<T> {
    fn all_edges(&mut self) -> Result<BTreeMap<GroupId, Vec<GroupId>>, StoreError> {
        let present = CHILDREN.all(&self.0)?.into_iter().map(|(parent, child)| (GroupId(parent), GroupId(child)));
        let mut edges: BTreeMap<GroupId, Vec<GroupId>> = BTreeMap::new();
        for (parent, child) in present.chain(self.later_edges()?) {
            edges.entry(parent).or_default().push(child);
        }
        Ok(edges)
    }

    fn administrators_groups(&mut self) -> Result<BTreeMap<GroupId, BTreeSet<SystemGroup>>, StoreError> {
        let mut groups: BTreeMap<GroupId, BTreeSet<SystemGroup>> = BTreeMap::new();
        for system in SystemGroup::ADMINISTRATORS {
            let Some(id) = self.system_group(system)? else { continue };
            for group in self.at_or_below_later(id)? {
                groups.entry(group).or_default().insert(system);
            }
        }
        Ok(groups)
    }
}

impl ImportWriter for UnitOfWork<Changes> {
    fn begin_member(&mut self, group: GroupId, member: ManagerId, at: Timestamp) -> Result<(), StoreError> {
        self.keep_beginning(group, member, at)
    }
}
