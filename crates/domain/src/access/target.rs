//! What something is done on.

use std::collections::BTreeSet;

use crate::group::{GroupId, SystemGroup};
use crate::ports::AccountStatus;
use crate::user::UserId;

/// What something is done on, as the store knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    /// Anything of its kind.
    All,
    /// This user, or the API key that acts as this user.
    User(UserId),
    /// The same, where the account is known.
    Account(UserId, &'a AccountStatus),
    /// A group, if it exists.
    Group(TargetGroup<'a>),
    /// These groups.
    Groups(&'a BTreeSet<GroupId>),
    /// The membership of a user in a group, as far as they exist.
    Membership(Option<GroupId>, Option<UserId>),
}

/// A group that something is done on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TargetGroup<'a> {
    /// The group, if it exists.
    pub(crate) id: Option<GroupId>,
    /// The administrators' groups that it is or is below.
    pub(crate) administrators: &'a BTreeSet<SystemGroup>,
    /// Another group, about which may be decided next: the store is asked about both together.
    pub(crate) other: Option<GroupId>,
}

impl From<Option<UserId>> for Target<'_> {
    /// A user who does not exist counts as anybody, so that the answer does not tell who exists.
    fn from(user: Option<UserId>) -> Self {
        user.map_or(Self::All, Self::User)
    }
}
