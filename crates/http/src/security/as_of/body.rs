//! Users and groups of the past in responses.

use guildhall_domain::group::GroupId;
use guildhall_domain::ports::{Deleted, Former, FormerGroup};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{ShownUser, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::moment::Moment;
use crate::security::groups::body::GroupBody;
use crate::security::users::body::ShownUserBody;

/// A user in a listing: as they are now, or, in one of the past, what is left of one who was deleted since.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = FormerUser)]
pub(crate) enum FormerUserBody<'a> {
    Existing(Box<ShownUserBody<'a>>),
    Deleted(DeletedUserBody<'a>),
}

/// A user who was deleted.
#[derive(Serialize, ToSchema)]
#[schema(as = DeletedUser)]
pub(crate) struct DeletedUserBody<'a> {
    #[schema(value_type = Uuid)]
    id: String,
    /// The last one that they had.
    username: &'a str,
    deleted: Moment,
}

/// A group in a listing: as it is now, or, in one of the past, what is left of one that was deleted since.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = FormerGroup)]
pub(crate) enum FormerGroupBody<'a> {
    Existing(GroupBody<'a>),
    Deleted(DeletedGroupBody<'a>),
}

/// A group that was deleted.
#[derive(Serialize, ToSchema)]
#[schema(as = DeletedGroup)]
pub(crate) struct DeletedGroupBody<'a> {
    #[schema(value_type = Uuid)]
    id: String,
    /// The last one that it had.
    name: &'a str,
    deleted: Moment,
}

impl<'a> FormerUserBody<'a> {
    /// `user`, with their status at `now` if they exist.
    pub(crate) fn new(user: &'a Former<ShownUser, UserId>, now: Timestamp) -> Self {
        match user {
            Former::Existing(user) => Self::Existing(Box::new(ShownUserBody::new(user, now))),
            Former::Deleted(Deleted { id, name, at }) => {
                Self::Deleted(DeletedUserBody { id: id.to_string(), username: name, deleted: Moment(*at) })
            }
        }
    }
}

impl<'a> From<&'a FormerGroup> for FormerGroupBody<'a> {
    fn from(group: &'a FormerGroup) -> Self {
        match group {
            Former::Existing(group) => Self::Existing(group.into()),
            Former::Deleted(Deleted::<GroupId> { id, name, at }) => {
                Self::Deleted(DeletedGroupBody { id: id.to_string(), name, deleted: Moment(*at) })
            }
        }
    }
}
