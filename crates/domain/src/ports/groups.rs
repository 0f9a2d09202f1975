//! Groups and their own properties.

use std::collections::{BTreeMap, BTreeSet};

use super::StoreError;
use crate::email_domain::EmailDomain;
use crate::group::{Group, GroupId};
use crate::identifier::GroupIdentifier;
use crate::name::NameKey;
use crate::page::Paged;
use crate::search::GroupListing;
use crate::time::Timestamp;

/// Reads groups.
pub trait GroupReader {
    /// The group that `identifier` names.
    fn group_id(&mut self, identifier: &GroupIdentifier) -> Result<Option<GroupId>, StoreError>;
    /// The groups that any of `identifiers` name.
    fn group_ids(&mut self, identifiers: &[GroupIdentifier]) -> Result<BTreeSet<GroupId>, StoreError>;
    /// The groups whose name is one of `names`, by that name. A constant number of statements.
    fn groups_named<'n>(&mut self, names: &BTreeSet<&'n NameKey>)
    -> Result<BTreeMap<&'n NameKey, GroupId>, StoreError>;
    /// The group with this id.
    fn group(&mut self, id: GroupId) -> Result<Option<Group>, StoreError>;
    /// Those of `ids` that are the id of no group.
    fn unknown_groups(&mut self, ids: &BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError>;
    /// Those of `ids` that are external groups.
    fn external_among(&mut self, ids: &BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError>;
    /// The groups that a new user with an address in this email domain joins.
    fn groups_for_domain(&mut self, domain: &EmailDomain) -> Result<BTreeSet<GroupId>, StoreError>;
    /// A page of the groups that pass the listing's filter.
    fn groups(&mut self, listing: &GroupListing) -> Result<Paged<Group>, StoreError>;
}

/// Changes groups.
pub trait GroupWriter {
    /// Adds a group without members, parents and children. Its id and name must be free.
    fn insert_group(&mut self, group: &Group) -> Result<(), StoreError>;
    /// Reads a group and keeps every other unit of work from changing its own properties until this one ends.
    fn group_to_change(&mut self, id: GroupId) -> Result<Option<Group>, StoreError>;
    /// Replaces the group's own properties if the stored version is `group.version`; the stored version then is the next one.
    /// If the stored version is another one, nothing is changed and the unit of work is run again. One change.
    fn update_group(&mut self, group: &Group) -> Result<(), StoreError>;
    /// Removes a group at the moment `at` with its memberships and its edges to parents and children. Users and child groups stay. The past keeps the name, the memberships and
    /// the edges.
    fn delete_group(&mut self, id: GroupId, at: Timestamp) -> Result<(), StoreError>;
}
