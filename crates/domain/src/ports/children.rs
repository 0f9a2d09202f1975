//! Groups below groups: the edges from parents to children, and what is reached by them.

use std::collections::BTreeSet;

use super::{Reach, StoreError};
use crate::group::{Group, GroupId, SystemGroup};
use crate::page::Paged;
use crate::search::GroupListing;

/// Which groups below a group are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Children {
    /// Direct children, or all groups below.
    pub reach: Reach,
    /// Whether the group itself is listed too.
    pub include_self: bool,
    /// The groups below these are left out, within the same reach.
    pub excluded: BTreeSet<GroupId>,
}

/// Reads the edges between groups.
pub trait ChildReader {
    /// A page of the groups below `group` that pass the listing's filter, each once, without the groups below an excluded
    /// group within the same reach. `group` itself is one of them if `children.include_self` says so.
    fn children(
        &mut self,
        group: GroupId,
        children: &Children,
        listing: &GroupListing,
    ) -> Result<Paged<Group>, StoreError>;
    /// A child of `from` that is `to` or is above `to`: the first step of a path between them.
    fn child_towards(&mut self, from: GroupId, to: GroupId) -> Result<Option<GroupId>, StoreError>;
    /// Those of `groups` that are `below` itself or are above it.
    fn at_or_above_among(
        &mut self,
        below: GroupId,
        groups: &BTreeSet<GroupId>,
    ) -> Result<BTreeSet<GroupId>, StoreError>;
    /// The administrators' groups that are `group` itself or are above it: members of `group` are effective members of these.
    /// One statement.
    fn administrators_above(&mut self, group: GroupId) -> Result<BTreeSet<SystemGroup>, StoreError>;
}

/// Changes the edges between groups.
pub trait ChildWriter {
    /// Makes `children`, which exist, direct children of `parent`. Returns how many were not before. No edge may close a
    /// cycle. A constant number of statements.
    fn insert_children(&mut self, parent: GroupId, children: &BTreeSet<GroupId>) -> Result<u64, StoreError>;
    /// Removes the edge from `parent` to `child`. Returns whether there was one. Groups that another path reaches stay
    /// reached.
    fn remove_child(&mut self, parent: GroupId, child: GroupId) -> Result<bool, StoreError>;
}
