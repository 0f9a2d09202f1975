//! Managers of groups.

use std::collections::{BTreeMap, BTreeSet};

use super::StoreError;
use crate::group::{Group, GroupId};
use crate::manager::{Management, Manager, ManagerId};
use crate::page::{Page, Paged};
use crate::provenance::Provenance;
use crate::search::GroupListing;
use crate::user::UserId;

/// Reads who manages which groups.
///
/// A user manages the groups for which they, or a group that they are an effective member of, are appointed, and every group below one of
/// these; but never an administrators' group, nor a group below one.
pub trait ManagerReader {
    /// Those of `groups` that `user` manages, with how. One statement.
    fn managed_among(
        &mut self,
        user: UserId,
        groups: &BTreeSet<GroupId>,
    ) -> Result<BTreeMap<GroupId, Management>, StoreError>;
    /// A page of the groups that `user` manages and that pass the listing's filter, each once.
    fn managed_groups(&mut self, user: UserId, listing: &GroupListing) -> Result<Paged<Group>, StoreError>;
    /// A page of those who are appointed for `group` itself: users by username, then groups by name.
    fn managers(&mut self, group: GroupId, page: &Page) -> Result<Paged<Manager>, StoreError>;
}

/// Appoints and dismisses managers of groups.
pub trait ManagerWriter {
    /// Appoints `manager`, who exists, for `group`, unless they are already; then what is stored stays. Returns whether they were
    /// not. One change.
    fn insert_manager(&mut self, group: GroupId, manager: ManagerId, added: Provenance) -> Result<bool, StoreError>;
    /// Dismisses `manager`. Returns whether they were appointed for `group` itself. One change.
    fn remove_manager(&mut self, group: GroupId, manager: ManagerId) -> Result<bool, StoreError>;
}
