//! Memberships of users in groups.

use std::collections::BTreeSet;

use super::StoreError;
use crate::group::{Group, GroupId, GroupName};
use crate::page::Paged;
use crate::search::{GroupListing, UserListing};
use crate::time::Timestamp;
use crate::user::{User, UserId};

/// Which members or children of a group are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those of the group itself.
    Direct,
    /// Those of the group and of every group below it.
    Effective,
}

/// Reads memberships.
pub trait MembershipReader {
    /// Whether `user` is a member of `group` or of any group below it. The cost does not depend on the depth.
    fn is_effective_member(&mut self, group: GroupId, user: UserId) -> Result<bool, StoreError>;
    /// Whether `user` is a member of any of `groups` or of any group below them.
    fn is_effective_member_of_any(&mut self, groups: &BTreeSet<GroupId>, user: UserId) -> Result<bool, StoreError>;
    /// Those of `pairs` whose user is a member of the group or of any group below it. A constant number of statements, whose cost
    /// does not depend on the depth.
    fn effective_memberships_among(
        &mut self,
        pairs: &BTreeSet<(UserId, GroupId)>,
    ) -> Result<BTreeSet<(UserId, GroupId)>, StoreError>;
    /// A page of the members of `group` that pass the listing's filter, each once, without the members of the `excluded`
    /// groups. `reach` applies to `group` and to the `excluded` groups alike.
    fn members(
        &mut self,
        group: GroupId,
        reach: Reach,
        excluded: &BTreeSet<GroupId>,
        listing: &UserListing,
    ) -> Result<Paged<User>, StoreError>;
    /// A page of the groups that `user` is a member of and that pass the listing's filter, each once, without the groups below
    /// an `excluded` group within the same reach. Effective are the direct groups and every group above them.
    fn groups_of(
        &mut self,
        user: UserId,
        reach: Reach,
        excluded: &BTreeSet<GroupId>,
        listing: &GroupListing,
    ) -> Result<Paged<Group>, StoreError>;
    /// The first `most` groups below `group`, by name, that `user` is a direct member of. One statement.
    fn groups_below_with_member(
        &mut self,
        group: GroupId,
        user: UserId,
        most: usize,
    ) -> Result<Vec<(GroupId, GroupName)>, StoreError>;
    /// The external groups that `user` is a direct member of.
    fn external_groups_of(&mut self, user: UserId) -> Result<BTreeSet<GroupId>, StoreError>;
}

/// Changes memberships.
pub trait MembershipWriter {
    /// Makes `users`, who exist, direct members of `group`. Returns how many were not before. A constant number of statements.
    fn insert_members(&mut self, group: GroupId, users: &BTreeSet<UserId>, at: Timestamp) -> Result<u64, StoreError>;
    /// Ends a direct membership. Returns whether there was one.
    fn remove_member(&mut self, group: GroupId, user: UserId) -> Result<bool, StoreError>;
}
