//! Paths between groups and users.

use std::collections::BTreeSet;

use guildhall_domain::group::GroupId;
use guildhall_domain::manager::{Author, ManagerId};
use guildhall_domain::ports::{
    MembershipGraph, MembershipReader as _, PathEdge, PathMembership, PathReader, Reach, StoreError,
};
use guildhall_domain::user::UserId;
use guildhall_domain::validity::Validity;

use super::UnitOfWork;
use super::children::CHILDREN;
use super::tables::Tables;

impl<T: Tables> UnitOfWork<T> {
    pub(super) fn author(&self, by: Option<UserId>) -> Result<Option<Author>, StoreError> {
        let user = by.map(|by| self.load_user(by)).transpose()?.flatten();
        Ok(user.map(|user| Author { id: user.id, username: user.username.as_str().to_owned() }))
    }
}

impl<T: Tables> PathReader for UnitOfWork<T> {
    fn membership_graph(&mut self, group: GroupId, user: UserId) -> Result<MembershipGraph, StoreError> {
        let mut graph = MembershipGraph::default();
        let below = self.at_or_below(group)?;
        let direct: BTreeSet<GroupId> = &self.groups_within(user, Reach::Direct)? & &below;
        for id in &direct {
            if let Some(membership) = self.membership(*id, user)? {
                let (added, added_by) = (membership.added.at, self.author(membership.added.by)?);
                let Validity { from, until } = membership.validity;
                graph.memberships.insert(*id, PathMembership { added, added_by, from, until });
            }
        }
        let groups = &self.at_or_above(direct)? & &below;
        for parent in &groups {
            for child in CHILDREN.of(&self.0, parent.0)?.into_iter().map(GroupId) {
                if groups.contains(&child) {
                    let until = self.validity_of(*parent, ManagerId::Group(child))?.until;
                    graph.edges.push(PathEdge { parent: *parent, child, until });
                }
            }
            graph.groups.extend(self.load_group(*parent)?.map(|group| (*parent, group.name)));
        }
        Ok(graph)
    }
}
