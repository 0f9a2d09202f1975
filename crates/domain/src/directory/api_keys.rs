//! API keys (contract 2.2 and 11).

use std::collections::BTreeSet;

use super::users::{CreateUserError, register};
use super::{Directory, is_taken_by_another};
use crate::access::{Actor, Admitted, Decision, Denied, Permission};
use crate::api_key::{ApiKey, ApiKeyDraft, ApiKeyId, ApiKeyIdentifier};
use crate::group::GroupId;
use crate::identifier::GroupIdentifier;
use crate::page::{Page, Paged};
use crate::ports::{Credentials, NameSource, Reader, SecretsError, StoreError, Writer};
use crate::request::{AdministratorsChange, ApiKeyChange, AuditNote};
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::user::{SecurityStamp, User, UserId};
use crate::validation::InvalidField;

/// An API key with its secret, which is shown this once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedApiKey {
    /// The key.
    pub key: ApiKey,
    /// What programs prove themselves with.
    pub secret: Secret,
}

/// Why something was not done with an API key.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such API key.
    #[error("API key not found")]
    NotFound,
    /// There is no such group to put a new key into.
    #[error("group not found")]
    GroupNotFound,
    /// Fields are not as they must be.
    #[error("there are validation errors")]
    Invalid(Vec<InvalidField>),
    /// An API key has this id, or a user this name.
    #[error("'{0}' is already in use")]
    Taken(String),
    /// Nobody would be left to administer.
    #[error("the API key is the last System Administrator")]
    LastAdministrator,
    /// There is no randomness for a secret.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the first start is told to make an API key of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Its secret.
    pub secret: Secret,
}

impl Directory {
    /// A page of all API keys, by name.
    pub fn api_keys(&self, actor: Actor<'_>, page: Page) -> Result<Paged<ApiKey>, ApiKeyError> {
        let now = self.clock.now();
        self.read(|directory| {
            self.key_manager(directory, actor, now)??;
            Ok(directory.api_keys(page)?)
        })
    }

    /// Reads an API key.
    pub fn api_key(&self, actor: Actor<'_>, key: &ApiKeyIdentifier) -> Result<ApiKey, ApiKeyError> {
        let now = self.clock.now();
        self.read(|directory| {
            self.key_manager(directory, actor, now)??;
            directory.api_key(key)?.ok_or(ApiKeyError::NotFound)
        })
    }

    /// Creates an API key and the user it acts as, who joins `Everyone`; an operator may put it into `groups` at once.
    pub fn create_api_key(
        &self,
        actor: Actor<'_>,
        draft: ApiKeyDraft,
        groups: &[GroupIdentifier],
    ) -> Result<IssuedApiKey, ApiKeyError> {
        let now = self.clock.now();
        self.read(|directory| Ok::<_, ApiKeyError>(self.key_manager(directory, actor, now)??))?;
        let (id, user) = (ApiKeyId(self.ids.next()), UserId(self.ids.next()));
        let key = draft.check(id, user, now).map_err(ApiKeyError::Invalid)?;
        let secret = Secret::of_client(&self.secrets.random()?);
        let done = self.store.write(|directory| {
            let manager = self.key_manager(directory, actor, now)??;
            if manager.is_some() && !groups.is_empty() {
                return Err(Denied::NotPermitted.into());
            }
            let author = author(directory, manager.as_ref())?;
            let key = ApiKey { created_by: author.clone(), modified_by: author, ..key.clone() };
            let mut joined = BTreeSet::new();
            for group in groups {
                joined.insert(directory.group_id(group)?.ok_or(ApiKeyError::GroupNotFound)?);
            }
            self.insert_api_key(directory, &key, &secret, &joined)?;
            let status = directory.account_status(key.user)?;
            let note = AuditNote::of_user(AdministratorsChange::UsersAdded, status.as_ref(), key.user);
            let notes = note.into_iter().chain([AuditNote::of_api_key(ApiKeyChange::Created, &key)]);
            Ok((IssuedApiKey { key, secret: secret.clone() }, notes))
        });
        self.noted(done)
    }

    /// Changes an API key. Disabled, its tokens end at once.
    pub fn change_api_key(
        &self,
        actor: Actor<'_>,
        key: &ApiKeyIdentifier,
        changes: &ApiKeyDraft,
    ) -> Result<ApiKey, ApiKeyError> {
        let now = self.clock.now();
        let stamp = SecurityStamp(self.ids.next());
        let done = self.store.write_alone(|directory| {
            let (manager, current, user) = self.key_to_change(directory, actor, key, now)?;
            let mut wanted = changes.clone().apply(&current).map_err(ApiKeyError::Invalid)?;
            if wanted == current {
                return Ok((current, Vec::new()));
            }
            if is_taken_by_another(directory, wanted.name.key(), wanted.user)? {
                return Err(invalid("name", "The API key name is already in use"));
            }
            let closes = current.enabled && !wanted.enabled;
            if closes && manager.as_ref().is_some_and(|manager| manager.is(Some(wanted.user))) {
                return Err(invalid("enabled", "An API key cannot disable itself"));
            }
            wanted.modified = now;
            wanted.modified_by = author(directory, manager.as_ref())?;
            let user = User { username: wanted.name.clone(), suspended: !wanted.enabled, modified: now, ..user };
            let credentials = Credentials { stamp: closes.then_some(stamp), ..Credentials::default() };
            directory.update_user(&user, &credentials)?;
            directory.update_api_key(&wanted, None)?;
            if closes && !directory.has_active_administrator(now)? {
                return Err(invalid("enabled", "The last System Administrator cannot be disabled"));
            }
            let mut notes = vec![AuditNote::of_api_key(ApiKeyChange::Changed, &wanted)];
            if wanted.enabled != current.enabled {
                let change =
                    if closes { AdministratorsChange::UserSuspended } else { AdministratorsChange::UserUnsuspended };
                let status = directory.account_status(wanted.user)?;
                notes.extend(AuditNote::of_user(change, status.as_ref(), wanted.user));
            }
            Ok((wanted, notes))
        });
        self.noted(done)
    }

    /// Gives an API key another secret; the one of before and every token made by it end at once.
    pub fn rotate_api_key(&self, actor: Actor<'_>, key: &ApiKeyIdentifier) -> Result<IssuedApiKey, ApiKeyError> {
        let now = self.clock.now();
        let secret = Secret::of_client(&self.secrets.random()?);
        let credentials = Credentials { stamp: Some(SecurityStamp(self.ids.next())), ..Credentials::default() };
        let done = self.store.write(|directory| {
            let (manager, current, user) = self.key_to_change(directory, actor, key, now)?;
            let changed = ApiKey { modified: now, modified_by: author(directory, manager.as_ref())?, ..current };
            directory.update_user(&user, &credentials)?;
            directory.update_api_key(&changed, Some(&self.secrets.digest(secret.reveal())))?;
            let note = AuditNote::of_api_key(ApiKeyChange::Rotated, &changed);
            Ok((IssuedApiKey { key: changed, secret: secret.clone() }, [note]))
        });
        self.noted(done)
    }

    /// Deletes an API key and its user.
    pub fn delete_api_key(&self, actor: Actor<'_>, key: &ApiKeyIdentifier) -> Result<(), ApiKeyError> {
        let now = self.clock.now();
        let done = self.store.write_alone(|directory| {
            let (manager, current, _) = self.key_to_change(directory, actor, key, now)?;
            if manager.is_some_and(|manager| manager.is(Some(current.user))) {
                return Err(Denied::NotPermitted.into());
            }
            let status = directory.account_status(current.user)?;
            directory.delete_user(current.user)?;
            if !directory.has_active_administrator(now)? {
                return Err(ApiKeyError::LastAdministrator);
            }
            let note = AuditNote::of_user(AdministratorsChange::UserDeleted, status.as_ref(), current.user);
            let notes = note.into_iter().chain([AuditNote::of_api_key(ApiKeyChange::Deleted, &current)]);
            Ok(((), notes))
        });
        self.noted(done)
    }

    /// Adds an API key whose id, secret and name are decided, and its user to these groups.
    pub(super) fn insert_api_key(
        &self,
        directory: &mut dyn Writer,
        key: &ApiKey,
        secret: &Secret,
        groups: &BTreeSet<GroupId>,
    ) -> Result<(), ApiKeyError> {
        if directory.api_key(&ApiKeyIdentifier::Id(key.id))?.is_some() {
            return Err(ApiKeyError::Taken(key.id.to_string()));
        }
        let stamp = SecurityStamp(self.ids.next());
        register(directory, &User::of_api_key(key), None, stamp, NameSource::Unverified).map_err(
            |error| match error {
                CreateUserError::Store(error) => ApiKeyError::Store(error),
                _ => ApiKeyError::Taken(key.name.as_str().to_owned()),
            },
        )?;
        directory.insert_api_key(key, &self.secrets.digest(secret.reveal()))?;
        for group in groups {
            directory.insert_members(*group, &BTreeSet::from([key.user]), key.created)?;
        }
        Ok(())
    }

    /// Lets those through who manage API keys; an operator is nobody in the directory.
    fn key_manager(&self, directory: &mut dyn Reader, actor: Actor<'_>, now: Timestamp) -> Decision<Option<Admitted>> {
        let Actor::Caller(caller) = actor else { return Ok(Ok(None)) };
        let admitted = self.admit(directory, caller, now)?;
        Ok(admitted.and_then(|admitted| admitted.may(Permission::ManageApiKeys).map(|()| Some(admitted))))
    }

    /// The key and its user, whom nobody else changes until this work ends.
    fn key_to_change(
        &self,
        directory: &mut dyn Writer,
        actor: Actor<'_>,
        key: &ApiKeyIdentifier,
        now: Timestamp,
    ) -> Result<(Option<Admitted>, ApiKey, User), ApiKeyError> {
        let manager = self.key_manager(directory, actor, now)??;
        let owner = directory.api_key(key)?.ok_or(ApiKeyError::NotFound)?.user;
        if let Some(manager) = &manager {
            manager.may_touch_api_key(directory, owner)??;
        }
        let user = directory.user_to_change(owner)?.ok_or(ApiKeyError::NotFound)?;
        let key = directory.api_key(key)?.ok_or(ApiKeyError::NotFound)?;
        Ok((manager, key, user))
    }
}

/// The username of who does this.
fn author(directory: &mut dyn Reader, manager: Option<&Admitted>) -> Result<Option<String>, StoreError> {
    let Some(manager) = manager else { return Ok(None) };
    Ok(directory.user(manager.user())?.map(|user| user.username.as_str().to_owned()))
}

fn invalid(field: &str, message: &str) -> ApiKeyError {
    ApiKeyError::Invalid(vec![InvalidField::new(field, message)])
}
