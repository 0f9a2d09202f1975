//! API keys.

use std::collections::BTreeSet;

use super::{AccountStatus, Credentials, MembershipWriter, NameSource, Purpose, StoreError, UserReader, UserWriter};
use crate::api_key::{ApiKey, ApiKeyId, ApiKeyIdentifier};
use crate::group::GroupId;
use crate::identifier::UserIdentifier;
use crate::page::{Page, Paged};
use crate::provenance::Provenance;
use crate::secret::SecretDigest;
use crate::user::{SecurityStamp, User, UserId};

/// Reads API keys.
pub trait ApiKeyReader {
    /// The API key that `identifier` names.
    fn api_key(&mut self, identifier: &ApiKeyIdentifier) -> Result<Option<ApiKey>, StoreError>;
    /// A page of all API keys, sorted by name.
    fn api_keys(&mut self, page: &Page) -> Result<Paged<ApiKey>, StoreError>;
    /// The API key that acts as `user`.
    fn api_key_of(&mut self, user: UserId) -> Result<Option<ApiKeyId>, StoreError>;
    /// The digest of an API key's secret.
    fn api_key_secret(&mut self, id: ApiKeyId) -> Result<Option<SecretDigest>, StoreError>;
}

/// The account that a program signs in to with an API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAccount {
    /// The digest of the key's secret.
    pub secret: SecretDigest,
    /// The user that the key acts as.
    pub user: UserId,
    /// The account of that user, with the key. Whether a System Administrator is also an effective member of another
    /// administrators' group may be left out, because it changes nothing.
    pub account: AccountStatus,
}

impl ClientAccount {
    /// Finds the account by the methods of a reader, which defines what the answer of a store has to be.
    pub fn by_reading<R: ApiKeyReader + UserReader + ?Sized>(
        reader: &mut R,
        key: ApiKeyId,
    ) -> Result<Option<Self>, StoreError> {
        let secret = reader.api_key_secret(key)?;
        let user = reader.api_key(&ApiKeyIdentifier::Id(key))?.map(|key| key.user);
        let (Some(secret), Some(user)) = (secret, user) else { return Ok(None) };
        Ok(reader.account_status(user)?.map(|account| Self { secret, user, account }))
    }
}

/// What decides about a change of an API key, with the key. All of it is of one state of the store. If the caller does not exist, the rest
/// may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiKeyForUpdate {
    /// The account of the caller, if it exists. Whether a System Administrator is also an effective member of another
    /// administrators' group may be left out, because it changes nothing.
    pub caller: Option<AccountStatus>,
    /// The key, if it exists.
    pub key: Option<ApiKeyToChange>,
    /// Who has the name that was asked about.
    pub owner: Option<UserId>,
}

/// An API key that is to be changed, with its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyToChange {
    /// The key.
    pub key: ApiKey,
    /// The user that it acts as.
    pub user: User,
    /// The state of that user's account.
    pub status: AccountStatus,
}

impl ApiKeyForUpdate {
    /// Decides by the methods of a writer, which defines what the answer of a store has to be. The user of the key is locked, and so the
    /// key.
    pub fn by_locking<W: ApiKeyReader + UserWriter + ?Sized>(
        writer: &mut W,
        caller: Option<UserId>,
        key: &ApiKeyIdentifier,
        purpose: Purpose<'_>,
    ) -> Result<Self, StoreError> {
        let caller = caller.map(|caller| writer.account_status(caller)).transpose()?.flatten();
        let [name, _] = purpose.names();
        let owner = name.map(|name| writer.user_id(&UserIdentifier::Name(name.clone()))).transpose()?.flatten();
        let found = writer.api_key(key)?.map(|key| key.user);
        let user = found.map(|user| writer.user_to_change(user)).transpose()?.flatten();
        let Some(user) = user else { return Ok(Self { caller, key: None, owner }) };
        // As it is once the lock is had.
        let (key, status) = (writer.api_key(key)?, writer.account_status(user.id)?);
        let key = key.zip(status).map(|(key, status)| ApiKeyToChange { key, user, status });
        Ok(Self { caller, key, owner })
    }
}

/// Changes API keys. Whoever changes one changes its user too, whose version so counts the changes of both.
pub trait ApiKeyWriter: ApiKeyReader + MembershipWriter {
    /// What decides about a change of the API key that `key` names, by `caller`, where there is one: the key, its user, and who has the
    /// first name of `purpose`. The other methods define the answer. A store that can answer in one round trip does, and then need not keep others
    /// from changing the key: the user's version tells [`update_user_and_api_key`](Self::update_user_and_api_key) that one did.
    fn api_key_for_update(
        &mut self,
        caller: Option<UserId>,
        key: &ApiKeyIdentifier,
        purpose: Purpose<'_>,
    ) -> Result<ApiKeyForUpdate, StoreError> {
        ApiKeyForUpdate::by_locking(self, caller, key, purpose)
    }
    /// Replaces a user like [`update_user`](UserWriter::update_user), and an API key like [`update_api_key`](Self::update_api_key). One
    /// change.
    fn update_user_and_api_key(
        &mut self,
        (before, user): (&User, &User),
        credentials: &Credentials,
        (key, secret): (&ApiKey, Option<&SecretDigest>),
    ) -> Result<(), StoreError> {
        self.update_user(before, user, credentials)?;
        self.update_api_key(key, secret)
    }
    /// Adds an API key with its user, who has no password, like [`insert_member_of`](MembershipWriter::insert_member_of) and
    /// [`insert_api_key`](Self::insert_api_key). One change.
    fn insert_user_and_api_key(
        &mut self,
        groups: (&BTreeSet<GroupId>, Provenance),
        (user, stamp, names): (&User, SecurityStamp, NameSource),
        (key, secret): (&ApiKey, &SecretDigest),
    ) -> Result<(), StoreError> {
        self.insert_member_of(groups, user, None, stamp, names)?;
        self.insert_api_key(key, secret)
    }
    /// Adds an API key, whose user exists and has its name. It is removed with its user.
    fn insert_api_key(&mut self, key: &ApiKey, secret: &SecretDigest) -> Result<(), StoreError>;
    /// Replaces an API key's own properties (description, scopes, who changed it and when), and its secret if one is given.
    fn update_api_key(&mut self, key: &ApiKey, secret: Option<&SecretDigest>) -> Result<(), StoreError>;
}
