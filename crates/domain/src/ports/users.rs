//! Users, their credentials and the names that identify them.

use std::collections::{BTreeMap, BTreeSet};

use super::{IdentityReader, StoreError};
use crate::api_key::ApiKeyId;
use crate::group::SystemGroup;
use crate::identifier::UserIdentifier;
use crate::model::scopes::Scopes;
use crate::name::NameKey;
use crate::page::Paged;
use crate::password::PasswordHash;
use crate::search::UserListing;
use crate::time::Timestamp;
use crate::user::{SecurityStamp, User, UserId};

/// Reads users.
pub trait UserReader {
    /// The state of an account by which a request of its user is admitted or refused. It is read for every request: one round
    /// trip. It fails with [`Fault::Due`](super::Fault::Due) if something is due by the store's clock.
    fn account_status(&mut self, user: UserId) -> Result<Option<AccountStatus>, StoreError>;
    /// The account of `caller`, where there is one, and that of the user that `user` names; [`UserIdentifier::Current`] is the caller. The
    /// methods of the reader define the answer; a store that can answer in one round trip does.
    fn accounts(&mut self, caller: Option<UserId>, user: &UserIdentifier) -> Result<Accounts, StoreError> {
        Accounts::by_reading(self, caller, user)
    }
    /// The user that `identifier` names; [`UserIdentifier::Current`] names nobody here.
    fn user_id(&mut self, identifier: &UserIdentifier) -> Result<Option<UserId>, StoreError>;
    /// The users whose username or email address is one of `names`, by that name. A constant number of statements.
    fn users_named<'n>(&mut self, names: &BTreeSet<&'n NameKey>) -> Result<BTreeMap<&'n NameKey, UserId>, StoreError>;
    /// The user with this id.
    fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError>;
    /// Those of `ids` that are the id of no user.
    fn unknown_users(&mut self, ids: &BTreeSet<UserId>) -> Result<BTreeSet<UserId>, StoreError>;
    /// The user whose username or email address is `name`, if that name comes from an authority ([`NameSource::Authority`]).
    fn user_named_by_authority(&mut self, name: &NameKey) -> Result<Option<UserId>, StoreError>;
    /// The hash of a user's password. Users who only sign in at an external issuer have none.
    fn password(&mut self, user: UserId) -> Result<Option<PasswordHash>, StoreError>;
    /// A page of the users that pass the listing's filter.
    fn users(&mut self, listing: &UserListing) -> Result<Paged<User>, StoreError>;
}

/// The accounts of a caller and of the user that something is done on. Both are of one state of the store. If the caller does not exist,
/// the user may be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounts {
    /// The account of the caller, if it exists. Whether a System Administrator is also an effective member of another
    /// administrators' group may be left out, because it changes nothing.
    pub caller: Option<AccountStatus>,
    /// The user that something is done on, if they exist.
    pub user: Option<(UserId, AccountStatus)>,
}

impl Accounts {
    /// Reads both by the methods of a reader, which defines what the answer of a store has to be.
    pub fn by_reading<R: UserReader + ?Sized>(
        reader: &mut R,
        caller: Option<UserId>,
        user: &UserIdentifier,
    ) -> Result<Self, StoreError> {
        let account = caller.map(|caller| reader.account_status(caller)).transpose()?.flatten();
        let id = match user {
            UserIdentifier::Current => account.as_ref().and(caller),
            identifier => reader.user_id(identifier)?,
        };
        let found = id.map(|id| reader.account_status(id)).transpose()?.flatten();
        Ok(Self { caller: account, user: id.zip(found) })
    }
}

/// What something is read and locked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// It is to be changed. Who has these names is asked too.
    Change([Option<&'a NameKey>; 2]),
    /// It is to be deleted.
    Deletion,
}

impl<'a> Purpose<'a> {
    /// The names that are asked about.
    #[must_use]
    pub fn names(self) -> [Option<&'a NameKey>; 2] {
        match self {
            Self::Change(names) => names,
            Self::Deletion => [None; 2],
        }
    }
}

/// What decides about a change of a user, with the user. All of it is of one state of the store. If the caller does not exist, the rest may
/// be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserForUpdate {
    /// The account of the caller, if it exists. Whether a System Administrator is also an effective member of another
    /// administrators' group may be left out, because it changes nothing.
    pub caller: Option<AccountStatus>,
    /// The user, if they exist.
    pub user: Option<UserToChange>,
    /// Who has each of the names that were asked about.
    pub owners: [Option<UserId>; 2],
}

/// A user who is to be changed, and what of them is no part of [`User`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserToChange {
    /// The user.
    pub user: User,
    /// The state of their account.
    pub status: AccountStatus,
    /// The hash of their password.
    pub password: Option<PasswordHash>,
    /// Whether they are linked with an identity at an external issuer.
    pub is_linked: bool,
}

impl UserForUpdate {
    /// Decides by the methods of a writer, which defines what the answer of a store has to be. The user is locked.
    pub fn by_locking<W: UserWriter + ?Sized>(
        writer: &mut W,
        caller: Option<UserId>,
        user: &UserIdentifier,
        purpose: Purpose<'_>,
    ) -> Result<Self, StoreError> {
        let accounts = writer.accounts(caller, user)?;
        let user = match accounts.user {
            Some((id, status)) => UserToChange::by_locking(writer, id, status)?,
            None => None,
        };
        let mut owners = [None; 2];
        for (owner, name) in owners.iter_mut().zip(purpose.names()) {
            if let Some(name) = name {
                *owner = writer.user_id(&UserIdentifier::Name(name.clone()))?;
            }
        }
        Ok(Self { caller: accounts.caller, user, owners })
    }
}

impl UserToChange {
    fn by_locking<W: UserWriter + ?Sized>(
        writer: &mut W,
        id: UserId,
        status: AccountStatus,
    ) -> Result<Option<Self>, StoreError> {
        let Some(user) = writer.user_to_change(id)? else { return Ok(None) };
        let (password, links) = (writer.password(id)?, writer.identities_of(id)?);
        Ok(Some(Self { user, status, password, is_linked: !links.is_empty() }))
    }
}

/// Changes users.
pub trait UserWriter: UserReader + IdentityReader {
    /// Adds a user, who is a member of no group. The id, the username and the email address must be free.
    fn insert_user(
        &mut self,
        user: &User,
        password: Option<&PasswordHash>,
        stamp: SecurityStamp,
        names: NameSource,
    ) -> Result<(), StoreError>;
    /// Reads a user and keeps every other unit of work from changing them until this one ends.
    fn user_to_change(&mut self, id: UserId) -> Result<Option<User>, StoreError>;
    /// What decides about a change of the user that `user` names, by `caller`, where there is one: the user, and who has the names of `purpose`.
    /// The other methods define the answer. A store that can answer in one round trip does, and then need not keep others from changing
    /// the user: the version tells [`update_user`](Self::update_user) that one did.
    fn user_for_update(
        &mut self,
        caller: Option<UserId>,
        user: &UserIdentifier,
        purpose: Purpose<'_>,
    ) -> Result<UserForUpdate, StoreError> {
        UserForUpdate::by_locking(self, caller, user, purpose)
    }
    /// Replaces the user, who was `before`, if the stored version is that of `before`; the stored version then is the next one. If it is
    /// another one, nothing is changed and the unit of work is run again. `credentials` change with the user. One change.
    fn update_user(&mut self, before: &User, user: &User, credentials: &Credentials) -> Result<(), StoreError>;
    /// Removes a user at the moment `at` with all their data: memberships, names, API key, refresh tokens, identities and known addresses. The past keeps the username and the
    /// memberships.
    fn delete_user(&mut self, id: UserId, at: Timestamp) -> Result<(), StoreError>;
}

/// The changes of a user that are not part of [`User`]; `None` leaves the stored value as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// A new hash.
    pub password: Option<PasswordUpdate>,
    /// A new security stamp: all tokens that were issued under another one stop working.
    pub stamp: Option<SecurityStamp>,
    /// The source of the username and the email address, if they change. Names that stay keep their source.
    pub names: NameSource,
}

/// A new password hash, and whether the password is another one. Stores treat both alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordUpdate {
    /// The hash of a new password.
    Changed(PasswordHash),
    /// A stronger hash of the same password.
    Rehashed(PasswordHash),
}

impl PasswordUpdate {
    /// The hash to store.
    #[must_use]
    pub fn hash(&self) -> &PasswordHash {
        match self {
            Self::Changed(hash) | Self::Rehashed(hash) => hash,
        }
    }
}

/// Who gave a user a name: whether external issuers may find the user by it (contract 2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameSource {
    /// A System Administrator, an operator or an external issuer.
    Authority,
    /// The user, or somebody with delegated rights.
    #[default]
    Unverified,
}

/// The state of an account by which a request of its user is admitted or refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountStatus {
    /// The username.
    pub username: String,
    /// The security stamp that the caller's token must carry.
    pub stamp: SecurityStamp,
    /// The API key that acts as this user, and the scopes that its tokens are limited to.
    pub api_key: Option<(ApiKeyId, Scopes)>,
    /// Whether an administrator suspended it.
    pub suspended: bool,
    /// From when on it counts as suspended.
    pub expiry: Option<Timestamp>,
    /// Whether an administrator asked for a change of its password.
    pub password_reset_required: bool,
    /// After how many days its password must change.
    pub password_change_frequency: Option<u32>,
    /// When its password last changed.
    pub password_changed: Option<Timestamp>,
    /// Whether it is an effective member of System Administrators.
    pub system_administrator: bool,
    /// Whether it is an effective member of User Administrators.
    pub user_administrator: bool,
    /// Whether it is an effective member of Group Administrators.
    pub group_administrator: bool,
    /// Whether it is an effective member of API Key Administrators.
    pub api_key_administrator: bool,
}

impl AccountStatus {
    /// Whether the account is neither suspended nor expired. A lock by wrong passwords does not close it (contract 2.4).
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        !self.suspended && self.expiry.is_none_or(|expiry| expiry > now)
    }

    /// Whether it is an effective member of any administrators' group.
    #[must_use]
    pub fn administers(&self) -> bool {
        SystemGroup::ADMINISTRATORS.into_iter().any(|group| self.is_in(group))
    }

    /// Whether it is an effective member of this administrators' group; false for any other system group.
    #[must_use]
    pub fn is_in(&self, group: SystemGroup) -> bool {
        match group {
            SystemGroup::SystemAdministrators => self.system_administrator,
            SystemGroup::UserAdministrators => self.user_administrator,
            SystemGroup::GroupAdministrators => self.group_administrator,
            SystemGroup::ApiKeyAdministrators => self.api_key_administrator,
            _ => false,
        }
    }
}
