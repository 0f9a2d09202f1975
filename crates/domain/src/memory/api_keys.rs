//! API keys in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{State, saturating};
use crate::api_key::{ApiKey, ApiKeyId, ApiKeyIdentifier};
use crate::page::{Page, Paged};
use crate::ports::{ApiKeyReader, ApiKeyWriter, StoreError};
use crate::secret::SecretDigest;
use crate::user::UserId;

#[derive(Clone, Debug, Default)]
pub(super) struct ApiKeys {
    keys: Arc<BTreeMap<ApiKeyId, (ApiKey, SecretDigest)>>,
}

impl ApiKeys {
    pub(super) fn of_user(&self, user: UserId) -> Option<&ApiKey> {
        self.keys.values().map(|(key, _)| key).find(|key| key.user == user)
    }

    pub(super) fn remove_user(&mut self, user: UserId) {
        Arc::make_mut(&mut self.keys).retain(|_, (key, _)| key.user != user);
    }
}

impl State {
    /// The key with the name of its user, enabled unless the user is suspended.
    fn with_its_user(&self, key: &ApiKey) -> Option<ApiKey> {
        let user = self.users.get(key.user)?;
        Some(ApiKey { name: user.username.clone(), enabled: !user.suspended, ..key.clone() })
    }
}

impl ApiKeyReader for State {
    fn api_key(&mut self, identifier: &ApiKeyIdentifier) -> Result<Option<ApiKey>, StoreError> {
        let key = match identifier {
            ApiKeyIdentifier::Id(id) => self.api_keys.keys.get(id).map(|(key, _)| key),
            ApiKeyIdentifier::Name(name) => self.users.with_username(name).and_then(|user| self.api_keys.of_user(user)),
        };
        Ok(key.and_then(|key| self.with_its_user(key)))
    }

    fn api_keys(&mut self, page: &Page) -> Result<Paged<ApiKey>, StoreError> {
        let mut keys: Vec<_> = self.api_keys.keys.values().filter_map(|(key, _)| self.with_its_user(key)).collect();
        keys.sort_by_key(|key| key.name.key());
        let total = keys.len() as u64;
        if let Some(position) = page.position() {
            keys.retain(|key| position.precedes(&key.place()));
        }
        let items = keys.into_iter().skip(saturating(page.offset())).take(saturating(page.lookahead())).collect();
        Ok(Paged::new(page, total, items, ApiKey::place))
    }

    fn api_key_of(&mut self, user: UserId) -> Result<Option<ApiKeyId>, StoreError> {
        Ok(self.api_keys.of_user(user).map(|key| key.id))
    }

    fn api_key_secret(&mut self, id: ApiKeyId) -> Result<Option<SecretDigest>, StoreError> {
        Ok(self.api_keys.keys.get(&id).map(|(_, secret)| *secret))
    }
}

impl ApiKeyWriter for State {
    fn insert_api_key(&mut self, key: &ApiKey, secret: &SecretDigest) -> Result<(), StoreError> {
        if self.api_keys.keys.contains_key(&key.id) || self.api_keys.of_user(key.user).is_some() {
            return Err(self.refuse("the id of the API key is not free, or its user has another key"));
        }
        Arc::make_mut(&mut self.api_keys.keys).insert(key.id, (key.clone(), *secret));
        Ok(())
    }

    fn update_api_key(&mut self, key: &ApiKey, secret: Option<&SecretDigest>) -> Result<(), StoreError> {
        if let Some(stored) = Arc::make_mut(&mut self.api_keys.keys).get_mut(&key.id) {
            *stored = (key.clone(), secret.copied().unwrap_or(stored.1));
        }
        Ok(())
    }
}
