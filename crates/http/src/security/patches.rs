//! Changes of many members or children in one request: the body, the switches and the report, for users and groups alike.

pub(crate) mod body;
mod element;
pub(crate) mod report;
pub(crate) mod schema;
pub(crate) mod switches;

use guildhall_domain::group::GroupId;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::user::UserId;
use uuid::Uuid;

/// What joins a group and leaves it.
pub(crate) trait Kind {
    /// Its id.
    type Id: Copy + Ord;
    /// How a request names it.
    type Identifier: for<'t> From<&'t str>;
    /// The property of an object that names one.
    const PROPERTY: &'static str;

    /// Whether this is an id.
    fn is_id(identifier: &Self::Identifier) -> bool;
    /// What an id is named by.
    fn identifier(id: Self::Id) -> Self::Identifier;
    /// An id as a value of JSON.
    fn uuid(id: Self::Id) -> Uuid;
}

/// Users in groups.
pub(crate) struct Users;
/// Groups below groups.
pub(crate) struct Groups;

impl Kind for Users {
    type Id = UserId;
    type Identifier = UserIdentifier;
    const PROPERTY: &'static str = "user";

    fn is_id(identifier: &UserIdentifier) -> bool {
        matches!(identifier, UserIdentifier::Id(_))
    }

    fn identifier(id: UserId) -> UserIdentifier {
        UserIdentifier::Id(id)
    }

    fn uuid(id: UserId) -> Uuid {
        id.0
    }
}

impl Kind for Groups {
    type Id = GroupId;
    type Identifier = GroupIdentifier;
    const PROPERTY: &'static str = "group";

    fn is_id(identifier: &GroupIdentifier) -> bool {
        matches!(identifier, GroupIdentifier::Id(_))
    }

    fn identifier(id: GroupId) -> GroupIdentifier {
        GroupIdentifier::Id(id)
    }

    fn uuid(id: GroupId) -> Uuid {
        id.0
    }
}
