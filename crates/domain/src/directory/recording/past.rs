//! What a recorder passes on about the past.

use super::Recorder;
use crate::group::GroupId;
use crate::page::{Page, Paged};
use crate::ports::{Deleted, FormerGroup, FormerUser, MembershipGraph, PastReader, PastWriter, Reach, StoreError};
use crate::time::Timestamp;
use crate::user::UserId;

impl PastReader for Recorder<'_> {
    fn known_from(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.store.known_from()
    }

    fn deleted_user(&mut self, id: UserId) -> Result<Option<Deleted<UserId>>, StoreError> {
        self.store.deleted_user(id)
    }

    fn deleted_group(&mut self, id: GroupId) -> Result<Option<Deleted<GroupId>>, StoreError> {
        self.store.deleted_group(id)
    }

    fn members_at(
        &mut self,
        group: GroupId,
        reach: Reach,
        at: Timestamp,
        page: &Page,
    ) -> Result<Paged<FormerUser>, StoreError> {
        self.store.members_at(group, reach, at, page)
    }

    fn groups_at(
        &mut self,
        user: UserId,
        reach: Reach,
        at: Timestamp,
        page: &Page,
    ) -> Result<Paged<FormerGroup>, StoreError> {
        self.store.groups_at(user, reach, at, page)
    }

    fn membership_graph_at(
        &mut self,
        group: GroupId,
        user: UserId,
        at: Timestamp,
    ) -> Result<MembershipGraph, StoreError> {
        self.store.membership_graph_at(group, user, at)
    }
}

/// Forgetting the past changes nothing of the directory.
impl PastWriter for Recorder<'_> {
    fn prune_past(&mut self, most: u32) -> Result<u64, StoreError> {
        self.store.prune_past(most)
    }
}
