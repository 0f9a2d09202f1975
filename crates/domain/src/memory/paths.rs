//! Paths between groups and users in memory.

use std::collections::BTreeSet;

use super::State;
use crate::group::GroupId;
use crate::ports::{MembershipGraph, MembershipReader as _, PathEdge, PathMembership, PathReader, StoreError};
use crate::user::UserId;
use crate::validity::Validity;

impl PathReader for State {
    fn membership_graph(&mut self, group: GroupId, user: UserId) -> Result<MembershipGraph, StoreError> {
        let mut graph = MembershipGraph::default();
        let below = self.children.at_or_below(group);
        for id in &below {
            if let Some(membership) = self.membership(*id, user)? {
                let (added, added_by) = (membership.added.at, self.author(membership.added.by));
                let Validity { from, until } = membership.validity;
                graph.memberships.insert(*id, PathMembership { added, added_by, from, until });
            }
        }
        let leads = |id: &GroupId| self.children.at_or_below(*id).iter().any(|id| graph.memberships.contains_key(id));
        let groups: BTreeSet<GroupId> = below.into_iter().filter(leads).collect();
        for (parent, child, edge) in self.children.edges() {
            if groups.contains(&parent) && groups.contains(&child) {
                graph.edges.push(PathEdge { parent, child, until: edge.validity.until });
            }
        }
        graph.groups = self.first_by_name(&groups, usize::MAX).into_iter().collect();
        Ok(graph)
    }
}
