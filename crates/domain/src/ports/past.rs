//! Who was in which group at a moment in the past.
//!
//! What counts at present is kept together with when it began. Whoever ends a membership or an edge keeps from when until when it counted, and whoever deletes a user or a
//! group keeps the name. So an answer depends on one state of the store, and not on the events that led there.

use super::{MembershipGraph, Reach, StoreError};
use crate::group::{Group, GroupId};
use crate::name::NameKey;
use crate::page::{Page, Paged};
use crate::position::Position;
use crate::search::Value;
use crate::time::Timestamp;
use crate::user::{User, UserId};

/// A user or a group that was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted<Id> {
    /// The id.
    pub id: Id,
    /// The username of a user or the name of a group, as it was last.
    pub name: String,
    /// When it was deleted.
    pub at: Timestamp,
}

/// A user or a group of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Former<T, Id> {
    /// One that exists, as it is at present.
    Existing(T),
    /// One that was deleted since then.
    Deleted(Deleted<Id>),
}

/// A user of the past.
pub type FormerUser = Former<User, UserId>;
/// A group of the past.
pub type FormerGroup = Former<Group, GroupId>;

impl FormerUser {
    /// The place in a listing by username.
    #[must_use]
    pub fn place(&self) -> Position {
        match self {
            Self::Existing(user) => place(user.username.key(), user.id.0),
            Self::Deleted(user) => place(NameKey::of(&user.name), user.id.0),
        }
    }
}

impl FormerGroup {
    /// The place in a listing by name.
    #[must_use]
    pub fn place(&self) -> Position {
        match self {
            Self::Existing(group) => place(group.name.key(), group.id.0),
            Self::Deleted(group) => place(NameKey::of(&group.name), group.id.0),
        }
    }
}

fn place(name: NameKey, id: uuid::Uuid) -> Position {
    Position::after(vec![Value::Text(name.into()), Value::Id(id)])
}

/// Reads the past. A membership or an edge counted at a moment if it had begun, and had not ended, by then. Moments before
/// [`known_from`](Self::known_from) are not asked about.
pub trait PastReader {
    /// The first moment of which everything is known: what was before was pruned, or was not recorded. `None`: everything is known.
    fn known_from(&mut self) -> Result<Option<Timestamp>, StoreError>;
    /// The user with this id, if they were deleted and are not forgotten.
    fn deleted_user(&mut self, id: UserId) -> Result<Option<Deleted<UserId>>, StoreError>;
    /// The group with this id, if it was deleted and is not forgotten.
    fn deleted_group(&mut self, id: GroupId) -> Result<Option<Deleted<GroupId>>, StoreError>;
    /// A page of those who were members of `group` at this moment, by username and id, each once. Effective are those of the groups that were below it then, too.
    fn members_at(
        &mut self,
        group: GroupId,
        reach: Reach,
        at: Timestamp,
        page: &Page,
    ) -> Result<Paged<FormerUser>, StoreError>;
    /// A page of the groups that `user` was a member of at this moment, by name and id, each once. Effective are the groups that were above those then, too.
    fn groups_at(
        &mut self,
        user: UserId,
        reach: Reach,
        at: Timestamp,
        page: &Page,
    ) -> Result<Paged<FormerGroup>, StoreError>;
    /// The part of the graph by which `user` was in `group` at this moment. Memberships and edges show when they began, and when they ended if they have. A constant number
    /// of statements.
    fn membership_graph_at(
        &mut self,
        group: GroupId,
        user: UserId,
        at: Timestamp,
    ) -> Result<MembershipGraph, StoreError>;
}

/// Forgets the past.
pub trait PastWriter {
    /// Removes at most `most` of what ended before everything [is known](PastReader::known_from), with the names of users and groups that were deleted before. Returns how
    /// many rows that were.
    fn prune_past(&mut self, most: u32) -> Result<u64, StoreError>;
}
