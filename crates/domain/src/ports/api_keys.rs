//! API keys.

use super::{AccountStatus, StoreError, UserReader};
use crate::api_key::{ApiKey, ApiKeyId, ApiKeyIdentifier};
use crate::page::{Page, Paged};
use crate::secret::SecretDigest;
use crate::user::UserId;

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

/// Changes API keys.
pub trait ApiKeyWriter {
    /// Adds an API key, whose user exists and has its name. It is removed with its user.
    fn insert_api_key(&mut self, key: &ApiKey, secret: &SecretDigest) -> Result<(), StoreError>;
    /// Replaces an API key's own properties (description, scopes, who changed it and when), and its secret if one is given.
    fn update_api_key(&mut self, key: &ApiKey, secret: Option<&SecretDigest>) -> Result<(), StoreError>;
}
