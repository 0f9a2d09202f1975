//! API keys.

use super::StoreError;
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

/// Changes API keys.
pub trait ApiKeyWriter {
    /// Adds an API key, whose user exists and has its name. It is removed with its user.
    fn insert_api_key(&mut self, key: &ApiKey, secret: &SecretDigest) -> Result<(), StoreError>;
    /// Replaces an API key's own properties (description, scopes, who changed it and when), and its secret if one is given.
    fn update_api_key(&mut self, key: &ApiKey, secret: Option<&SecretDigest>) -> Result<(), StoreError>;
}
