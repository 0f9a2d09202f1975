//! Why somebody is in a group: the paths of groups that lead there.

use std::collections::BTreeMap;

use super::StoreError;
use crate::group::{GroupId, GroupName};
use crate::manager::Author;
use crate::time::Timestamp;
use crate::user::UserId;

/// The part of the graph by which a user is an effective member of a group: the groups that are it or below it, and that are a group which the
/// user is directly in or above one. Without such groups, they are no member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MembershipGraph {
    /// The names of the groups.
    pub groups: BTreeMap<GroupId, GroupName>,
    /// The edges between them.
    pub edges: Vec<PathEdge>,
    /// The direct memberships of the user in them.
    pub memberships: BTreeMap<GroupId, PathMembership>,
}

/// An edge between two groups of a [`MembershipGraph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathEdge {
    /// The upper group.
    pub parent: GroupId,
    /// The group directly below it.
    pub child: GroupId,
    /// Until when the child is there; `None`: there is no end.
    pub until: Option<Timestamp>,
}

/// A direct membership, as an explanation shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathMembership {
    /// When the user was added.
    pub added: Timestamp,
    /// Who added them; `None`: nobody who has an account.
    pub added_by: Option<Author>,
    /// Since when they are in by date; `None`: from the moment that they were added.
    pub from: Option<Timestamp>,
    /// Until when they are in; `None`: there is no end.
    pub until: Option<Timestamp>,
}

/// Reads the paths between groups and users.
pub trait PathReader {
    /// The part of the graph by which `user` is in `group`. At most two statements, whose cost depends on that part alone.
    fn membership_graph(&mut self, group: GroupId, user: UserId) -> Result<MembershipGraph, StoreError>;
}
