//! API keys, each in the account of its user.

use guildhall_domain::access::Scopes;
use guildhall_domain::api_key::{ApiKey, ApiKeyId, ApiKeyIdentifier};
use guildhall_domain::page::{Page, Paged};
use guildhall_domain::ports::{ApiKeyReader, ApiKeyWriter, StoreError};
use guildhall_domain::secret::SecretDigest;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::tables::{Changes, Rows, Tables};
use super::{UnitOfWork, window};

/// The user of an API key.
pub(super) const OWNERS: Rows<Uuid, Uuid> = Rows::new("api keys");

#[derive(Serialize, Deserialize)]
pub(super) struct ApiKeyRow {
    pub(super) id: Uuid,
    secret: [u8; 32],
    description: Option<String>,
    pub(super) scopes: String,
    created: i64,
    created_by: Option<String>,
    modified: i64,
    modified_by: Option<String>,
}

impl ApiKeyRow {
    fn new(key: &ApiKey, secret: SecretDigest) -> Self {
        Self {
            id: key.id.0,
            secret: secret.0,
            description: key.description.clone(),
            scopes: key.scopes.to_text(),
            created: key.created.milliseconds(),
            created_by: key.created_by.clone(),
            modified: key.modified.milliseconds(),
            modified_by: key.modified_by.clone(),
        }
    }
}

impl<T: Tables> UnitOfWork<T> {
    fn row_of_key(&self, id: ApiKeyId) -> Result<Option<ApiKeyRow>, StoreError> {
        let Some(user) = OWNERS.get(&self.0, id.0)? else { return Ok(None) };
        Ok(self.account(UserId(user))?.and_then(|account| account.api_key))
    }

    /// The API key of a user, whose name it has. It is enabled unless the user is suspended.
    fn key_of_user(&self, id: UserId) -> Result<Option<ApiKey>, StoreError> {
        let Some((user, account)) = self.load_user(id)?.zip(self.account(id)?) else { return Ok(None) };
        Ok(account.api_key.map(|row| ApiKey {
            id: ApiKeyId(row.id),
            name: user.username,
            description: row.description,
            enabled: !user.suspended,
            user: id,
            scopes: Scopes::known_in(&row.scopes),
            created: Timestamp::from_milliseconds(row.created),
            created_by: row.created_by,
            modified: Timestamp::from_milliseconds(row.modified),
            modified_by: row.modified_by,
        }))
    }
}

impl<T: Tables> ApiKeyReader for UnitOfWork<T> {
    fn api_key(&mut self, identifier: &ApiKeyIdentifier) -> Result<Option<ApiKey>, StoreError> {
        let user = match identifier {
            ApiKeyIdentifier::Id(id) => OWNERS.get(&self.0, id.0)?.map(UserId),
            ApiKeyIdentifier::Name(name) => self.user_with_username(name)?,
        };
        Ok(user.map(|user| self.key_of_user(user)).transpose()?.flatten())
    }

    fn api_keys(&mut self, page: &Page) -> Result<Paged<ApiKey>, StoreError> {
        let users = OWNERS.all(&self.0)?;
        let keys = users.into_iter().filter_map(|user| self.key_of_user(UserId(user)).transpose());
        let mut keys = keys.collect::<Result<Vec<_>, _>>()?;
        keys.sort_by_key(|key| key.name.key());
        let total = keys.len() as u64;
        if let Some(position) = page.position() {
            keys.retain(|key| position.precedes(&key.place()));
        }
        Ok(Paged::new(page, total, window(keys, page), ApiKey::place))
    }

    fn api_key_of(&mut self, user: UserId) -> Result<Option<ApiKeyId>, StoreError> {
        Ok(self.account(user)?.and_then(|account| account.api_key).map(|row| ApiKeyId(row.id)))
    }

    fn api_key_secret(&mut self, id: ApiKeyId) -> Result<Option<SecretDigest>, StoreError> {
        Ok(self.row_of_key(id)?.map(|row| SecretDigest(row.secret)))
    }
}

impl ApiKeyWriter for UnitOfWork<Changes> {
    fn insert_api_key(&mut self, key: &ApiKey, secret: &SecretDigest) -> Result<(), StoreError> {
        OWNERS.insert(&self.0, key.id.0, &key.user.0)?;
        self.change_account(key.user, |account| account.api_key = Some(ApiKeyRow::new(key, *secret)))
    }

    fn update_api_key(&mut self, key: &ApiKey, secret: Option<&SecretDigest>) -> Result<(), StoreError> {
        self.change_account(key.user, |account| {
            if let Some(row) = &mut account.api_key {
                *row = ApiKeyRow::new(key, secret.copied().unwrap_or(SecretDigest(row.secret)));
            }
        })
    }
}
