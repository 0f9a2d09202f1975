//! Groups below groups: the edges from parents to children, and what is reached by them.

use std::collections::BTreeSet;

use super::{Ended, GroupReader, Reach, StoreError};
use crate::group::{Group, GroupId, SystemGroup};
use crate::page::Paged;
use crate::provenance::Provenance;
use crate::search::GroupListing;
use crate::time::Timestamp;
use crate::validity::Validity;

/// Which groups below a group are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Children {
    /// Direct children, or all groups below.
    pub reach: Reach,
    /// Whether the group itself is listed too.
    pub include_self: bool,
    /// The groups below these are left out, within the same reach.
    pub excluded: BTreeSet<GroupId>,
    /// Which of them can be listed at all.
    pub scope: ChildScope,
}

/// Which groups below a group can be listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChildScope {
    /// All.
    #[default]
    All,
    /// Those that a manager of the group manages too: not those that are administrators' groups or below one.
    Managed,
}

/// What decides about putting groups below a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nesting {
    /// Those of the groups that do not exist.
    pub unknown: BTreeSet<GroupId>,
    /// Those that are the group itself or above it, or are going to be.
    pub above: BTreeSet<GroupId>,
}

impl Nesting {
    /// Decides by the methods of a reader, which defines what the answer of a store has to be.
    pub fn by_reading<R: ChildReader + ?Sized>(
        reader: &mut R,
        parent: GroupId,
        children: &BTreeSet<GroupId>,
    ) -> Result<Self, StoreError> {
        let unknown = reader.unknown_groups(children)?;
        Ok(Self { unknown, above: reader.at_or_above_among(parent, children)? })
    }
}

/// The edge from a group to a direct child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Who put the child below the group, and when. `None`: it is older than the record of that.
    pub added: Option<Provenance>,
    /// From when until when the child is there.
    pub validity: Validity,
}

/// Reads the edges between groups.
pub trait ChildReader: GroupReader {
    /// What decides about putting `children` below `parent`. The other methods define the answer; a store that can answer in one round trip
    /// does.
    fn nesting(&mut self, parent: GroupId, children: &BTreeSet<GroupId>) -> Result<Nesting, StoreError> {
        Nesting::by_reading(self, parent, children)
    }
    /// A page of the groups below `group` that pass the listing's filter, each once, without the groups below an excluded
    /// group within the same reach. `group` itself is one of them if `children.include_self` says so.
    fn children(
        &mut self,
        group: GroupId,
        children: &Children,
        listing: &GroupListing,
    ) -> Result<Paged<Group>, StoreError>;
    /// The edge from `parent` to `child`.
    fn edge(&mut self, parent: GroupId, child: GroupId) -> Result<Option<Edge>, StoreError>;
    /// The direct children of `parent`. One statement.
    fn direct_children(&mut self, parent: GroupId) -> Result<BTreeSet<GroupId>, StoreError>;
    /// A child of `from` that is `to` or is above `to`: the first step of a path between them.
    fn child_towards(&mut self, from: GroupId, to: GroupId) -> Result<Option<GroupId>, StoreError>;
    /// A child of `from`, or a group that is going to be one, that is `to` or is above `to` by edges that count and by those that begin later.
    fn step_towards(&mut self, from: GroupId, to: GroupId) -> Result<Option<GroupId>, StoreError>;
    /// Those of `groups` that are `below` itself or are above it, by edges that count and by those that begin later.
    fn at_or_above_among(
        &mut self,
        below: GroupId,
        groups: &BTreeSet<GroupId>,
    ) -> Result<BTreeSet<GroupId>, StoreError>;
    /// The administrators' groups that are `group` itself or are above it, by edges that count and by those that begin later: members of `group` are,
    /// or become, effective members of these. One statement.
    fn administrators_above(&mut self, group: GroupId) -> Result<BTreeSet<SystemGroup>, StoreError>;
}

/// What [`ChildWriter::remove_children`] ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndedEdges {
    /// The children that were there, by id.
    pub present: Vec<GroupId>,
    /// The others that were to come later, by id.
    pub scheduled: Vec<GroupId>,
}

/// Changes the edges between groups.
pub trait ChildWriter {
    /// Makes `children`, which exist, direct children of `parent`, from this moment on; an end that was set stays. Returns those that were not before, by id. No edge
    /// may close a cycle. A constant number of statements.
    fn insert_children(
        &mut self,
        parent: GroupId,
        children: &BTreeSet<GroupId>,
        added: Provenance,
    ) -> Result<Vec<GroupId>, StoreError>;
    /// Removes the edge from `parent` to `child` at the moment `at`, also one that is to begin later. Groups that another path reaches stay reached.
    fn remove_child(&mut self, parent: GroupId, child: GroupId, at: Timestamp) -> Result<Ended, StoreError>;
    /// Removes the edges from `parent` to each of `children`, like [`remove_child`](Self::remove_child). A constant number
    /// of statements.
    fn remove_children(
        &mut self,
        parent: GroupId,
        children: &BTreeSet<GroupId>,
        at: Timestamp,
    ) -> Result<EndedEdges, StoreError>;
}
