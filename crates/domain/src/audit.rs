//! What a use case notes for an audit log.

use std::collections::BTreeSet;

use crate::api_key::{ApiKey, ApiKeyId};
use crate::group::{GroupId, SystemGroup};
use crate::ports::AccountStatus;
use crate::user::UserId;

/// Something that belongs in an audit log. It says what was done; who did it is the [`Admission`](crate::access::Admission) of
/// the use case's [`Context`](crate::context::Context).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditNote {
    /// Who administers may have changed.
    AdministratorsChanged {
        /// What was done.
        change: AdministratorsChange,
        /// The administrators' groups at or above the group in question, or that the user in question belongs to.
        administrators: BTreeSet<SystemGroup>,
        /// The group that was changed, if it was one.
        group: Option<GroupId>,
        /// Users that were named.
        users: IdList<UserId>,
        /// Groups that were named.
        groups: IdList<GroupId>,
    },
    /// Wrong passwords have locked an account, or the account for one address.
    Locked {
        /// The account.
        user: UserId,
    },
    /// An API key changed.
    ApiKeyChanged {
        /// What was done.
        change: ApiKeyChange,
        /// The key.
        key: ApiKeyId,
        /// Its name.
        name: String,
    },
}

/// What was done to those who administer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdministratorsChange {
    /// Users joined the group, or were created into it.
    UsersAdded,
    /// A user left the group.
    UserRemoved,
    /// Users join the group later, or are members until a date.
    UsersScheduled,
    /// Groups were put below the group.
    GroupsAdded,
    /// A group was taken from below the group.
    GroupRemoved,
    /// Groups are put below the group later, or are there until a date.
    GroupsScheduled,
    /// The group was deleted.
    GroupDeleted,
    /// Other email domains make new users members of the group.
    DomainsChanged,
    /// The user was deleted.
    UserDeleted,
    /// The user was suspended.
    UserSuspended,
    /// The user is no longer suspended.
    UserUnsuspended,
    /// The user's account expires at another time, or no more.
    ExpiryChanged,
}

/// What was done to an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKeyChange {
    /// It was created.
    Created,
    /// Its properties changed.
    Changed,
    /// It got another secret.
    Rotated,
    /// It was deleted.
    Deleted,
}

/// The first of some ids, and how many there are: a line of a log must not grow with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdList<I> {
    /// At most [`IdList::LONGEST`] of them, in their order.
    pub first: Vec<I>,
    /// How many there are.
    pub count: usize,
}

impl<I> IdList<I> {
    /// How many ids are kept.
    pub const LONGEST: usize = 20;
}

impl<I> Default for IdList<I> {
    fn default() -> Self {
        Self { first: Vec::new(), count: 0 }
    }
}

impl<I: Copy> From<&BTreeSet<I>> for IdList<I> {
    fn from(ids: &BTreeSet<I>) -> Self {
        Self { first: ids.iter().take(Self::LONGEST).copied().collect(), count: ids.len() }
    }
}

impl AuditNote {
    /// A change of who belongs to `group`, if that is a change of `administrators`.
    pub(crate) fn of_group(
        change: AdministratorsChange,
        administrators: BTreeSet<SystemGroup>,
        group: GroupId,
    ) -> Option<Self> {
        Self::of_administrators(change, administrators, Some(group))
    }

    /// A change of `user`, if they administer.
    pub(crate) fn of_user(change: AdministratorsChange, status: Option<&AccountStatus>, user: UserId) -> Option<Self> {
        let administrators =
            status.map(|status| SystemGroup::ADMINISTRATORS.into_iter().filter(|group| status.is_in(*group)).collect());
        let note = Self::of_administrators(change, administrators.unwrap_or_default(), None);
        note.map(|note| note.naming_users(&BTreeSet::from([user])))
    }

    fn of_administrators(
        change: AdministratorsChange,
        administrators: BTreeSet<SystemGroup>,
        group: Option<GroupId>,
    ) -> Option<Self> {
        let (users, groups) = (IdList::default(), IdList::default());
        let is_about_any = !administrators.is_empty();
        is_about_any.then_some(Self::AdministratorsChanged { change, administrators, group, users, groups })
    }

    /// The same, naming the users it is about.
    pub(crate) fn naming_users(mut self, named: &BTreeSet<UserId>) -> Self {
        if let Self::AdministratorsChanged { users, .. } = &mut self {
            *users = named.into();
        }
        self
    }

    /// The same, naming the groups it is about.
    pub(crate) fn naming_groups(mut self, named: &BTreeSet<GroupId>) -> Self {
        if let Self::AdministratorsChanged { groups, .. } = &mut self {
            *groups = named.into();
        }
        self
    }

    /// A change of an API key.
    pub(crate) fn of_api_key(change: ApiKeyChange, key: &ApiKey) -> Self {
        Self::ApiKeyChanged { change, key: key.id, name: key.name.as_str().to_owned() }
    }
}
