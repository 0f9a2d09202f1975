//! Managers of groups (contract 5.7).

use super::value::Value;
use crate::group::GroupId;
use crate::name::NameKey;
use crate::position::Position;
use crate::time::Timestamp;
use crate::user::UserId;

/// Who is appointed to manage a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ManagerId {
    /// This user.
    User(UserId),
    /// Every effective member of this group.
    Group(GroupId),
}

/// A manager of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manager {
    /// Who it is.
    pub id: ManagerId,
    /// The username, or the name of the group.
    pub name: String,
    /// When they were appointed.
    pub added: Timestamp,
    /// Who appointed them; `None`: whoever ran the program, or somebody who was deleted since.
    pub added_by: Option<Author>,
}

/// The user who made a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The user.
    pub id: UserId,
    /// Their username.
    pub username: String,
}

impl Manager {
    /// The place in a listing: users by username, then groups by name.
    #[must_use]
    pub fn place(&self) -> Position {
        let kind = match self.id {
            ManagerId::User(_) => Self::USERS,
            ManagerId::Group(_) => Self::GROUPS,
        };
        Position::after(vec![Value::Integer(kind.into()), Value::Text(NameKey::of(&self.name).into())])
    }

    /// The first value of the place of a user.
    pub const USERS: i32 = 0;
    /// The first value of the place of a group.
    pub const GROUPS: i32 = 1;

    /// The values of a place: [`USERS`](Self::USERS) or [`GROUPS`](Self::GROUPS), and the key of the name. `None`: it is the place of something
    /// else.
    #[must_use]
    pub fn place_values(position: &Position) -> Option<(i32, &str)> {
        match position.values() {
            [Value::Integer(kind), Value::Text(name)] => Some((i32::try_from(*kind).ok()?, name.as_str())),
            _ => None,
        }
    }
}

/// How somebody manages a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Management {
    /// They are appointed for the group itself, and for none above it.
    OfItself,
    /// They are appointed for a group above it.
    FromAbove,
}
