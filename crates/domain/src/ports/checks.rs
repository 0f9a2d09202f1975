//! Questions that are asked together with the account of the caller: checks of effective membership, which are asked most, and single things.

use std::collections::BTreeSet;

use super::store::read_alone;
use super::{AccountStatus, Cancellation, Reader, Store, StoreError};
use crate::api_key::{ApiKey, ApiKeyIdentifier};
use crate::group::Group;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::user::{User, UserId};

/// A question about effective membership, together with the account of the caller who asks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipQuestion<'a> {
    /// The caller, where it is a user.
    pub caller: Option<UserId>,
    /// The user that is asked about; [`UserIdentifier::Current`] is the caller.
    pub user: &'a UserIdentifier,
    /// The groups that are asked about.
    pub groups: CheckedGroups<'a>,
}

/// The groups that a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckedGroups<'a> {
    /// One group.
    One(&'a GroupIdentifier),
    /// The group that `whole` names if there is one, otherwise any of those that are `listed`.
    FirstOf {
        /// One group.
        whole: &'a GroupIdentifier,
        /// Groups, of which unknown ones have no members.
        listed: &'a [GroupIdentifier],
    },
}

/// The answer to a [`MembershipQuestion`]. All of it is about one state of the store. If the caller does not exist, the rest may be left
/// out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipAnswer {
    /// The account of the caller, if it exists. Whether a System Administrator is also an effective member of another
    /// administrators' group may be left out, because it changes nothing.
    pub caller: Option<AccountStatus>,
    /// The user that is asked about, if they exist.
    pub user: Option<UserId>,
    /// Whether any of the groups exists.
    pub has_group: bool,
    /// Whether the user is an effective member of any of the groups.
    pub is_member: bool,
}

impl MembershipQuestion<'_> {
    /// Answers by the methods of a reader, which defines what the answer of a store has to be.
    pub fn answer<R: Reader + ?Sized>(&self, reader: &mut R) -> Result<MembershipAnswer, StoreError> {
        let caller = self.caller.map(|caller| reader.account_status(caller)).transpose()?.flatten();
        let user = match self.user {
            UserIdentifier::Current => caller.as_ref().and(self.caller),
            identifier => reader.user_id(identifier)?,
        };
        let groups = match &self.groups {
            CheckedGroups::One(group) => reader.group_id(group)?.into_iter().collect::<BTreeSet<_>>(),
            CheckedGroups::FirstOf { whole, listed } => match reader.group_id(whole)? {
                Some(group) => BTreeSet::from([group]),
                None => reader.group_ids(listed)?,
            },
        };
        let is_member = match user {
            Some(user) => reader.is_effective_member_of_any(&groups, user)?,
            None => false,
        };
        Ok(MembershipAnswer { caller, user, has_group: !groups.is_empty(), is_member })
    }

    /// The answer in a unit of work of `store`.
    pub fn by_reading<S: Store + ?Sized>(
        &self,
        store: &S,
        cancellation: &Cancellation,
    ) -> Result<MembershipAnswer, StoreError> {
        read_alone(store, cancellation, &mut |reader| self.answer(reader))
    }
}

/// One thing that was looked for, with the account of the caller who asks for it. Both are of one state of the store. If the caller does not
/// exist, the thing may be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFor<T> {
    /// The account of the caller, if it exists. Whether a System Administrator is also an effective member of another
    /// administrators' group may be left out, because it changes nothing.
    pub caller: Option<AccountStatus>,
    /// What was looked for, if it exists.
    pub found: Option<T>,
}

impl FoundFor<User> {
    /// Finds a user by the methods of a reader, which defines what the answer of a store has to be.
    pub fn by_reading<R: Reader + ?Sized>(
        reader: &mut R,
        caller: UserId,
        user: &UserIdentifier,
    ) -> Result<Self, StoreError> {
        let account = reader.account_status(caller)?;
        let id = match user {
            UserIdentifier::Current => account.as_ref().map(|_| caller),
            identifier => reader.user_id(identifier)?,
        };
        let found = id.map(|id| reader.user(id)).transpose()?.flatten();
        Ok(Self { caller: account, found })
    }
}

impl FoundFor<Group> {
    /// Finds a group by the methods of a reader, which defines what the answer of a store has to be.
    pub fn by_reading<R: Reader + ?Sized>(
        reader: &mut R,
        caller: UserId,
        group: &GroupIdentifier,
    ) -> Result<Self, StoreError> {
        let account = reader.account_status(caller)?;
        let found = reader.group_id(group)?.map(|id| reader.group(id)).transpose()?.flatten();
        Ok(Self { caller: account, found })
    }
}

impl FoundFor<ApiKey> {
    /// Finds an API key by the methods of a reader, which defines what the answer of a store has to be.
    pub fn by_reading<R: Reader + ?Sized>(
        reader: &mut R,
        caller: UserId,
        key: &ApiKeyIdentifier,
    ) -> Result<Self, StoreError> {
        Ok(Self { caller: reader.account_status(caller)?, found: reader.api_key(key)? })
    }
}
