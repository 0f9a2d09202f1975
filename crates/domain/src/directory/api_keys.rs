//! API keys (contract 2.2 and 11).

use std::collections::BTreeSet;

use super::opening::{Turn, about_new_user};
use super::registration::register;
use super::unit_of_work::{Finish, Writing};
use super::{CreateUserError, Directory, is_taken_by_another};
use crate::access::{Denied, On, Permission, Refused, Target, contains_refused};
use crate::api_key::{ApiKey, ApiKeyDraft, ApiKeyId, ApiKeyIdentifier};
use crate::audit::{AdministratorsChange, ApiKeyChange, AuditNote};
use crate::context::Context;
use crate::group::GroupId;
use crate::identifier::GroupIdentifier;
use crate::page::{Page, Paged};
use crate::ports::{Credentials, NameSource, Registration, SecretsError, Writer};
use crate::secret::Secret;
use crate::user::{SecurityStamp, User, UserId};
use crate::validation::InvalidField;

/// An API key with its secret, which is shown this once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedApiKey {
    /// The key.
    pub key: ApiKey,
    /// The secret with which programs authenticate.
    pub secret: Secret,
}

/// Why an operation on API keys failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// No API key has this identifier.
    #[error("API key not found")]
    NotFound,
    /// No group has one of the identifiers for a new key.
    #[error("group not found")]
    GroupNotFound,
    /// Fields are invalid.
    #[error("there are validation errors")]
    Invalid(Vec<InvalidField>),
    /// An API key has this id, or a user this name.
    #[error("'{0}' is already in use")]
    Taken(String),
    /// The change would remove the last active System Administrator.
    #[error("the API key is the last System Administrator")]
    LastAdministrator,
    /// No secret could be generated.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// The API key that the first start creates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Its secret.
    pub secret: Secret,
}

contains_refused!(ApiKeyError);

impl Directory {
    /// A page of all API keys, by name.
    pub fn api_keys(&self, context: &Context, page: &Page) -> Result<Paged<ApiKey>, ApiKeyError> {
        self.read(context, |work| {
            work.authorise(Permission::ManageApiKeys, Target::All)?;
            Ok(work.api_keys(page)?)
        })
    }

    /// Reads an API key.
    pub fn api_key(&self, context: &Context, key: &ApiKeyIdentifier) -> Result<ApiKey, ApiKeyError> {
        self.read(context, |work| {
            work.authorise(Permission::ManageApiKeys, Target::All)?;
            work.api_key(key)?.ok_or(ApiKeyError::NotFound)
        })
    }

    /// Creates an API key and the user it acts as, who joins `Everyone`; an operator may put it into `groups` at once.
    pub fn create_api_key(
        &self,
        context: &Context,
        draft: ApiKeyDraft,
        groups: &[GroupIdentifier],
    ) -> Result<IssuedApiKey, ApiKeyError> {
        let (id, user) = (ApiKeyId(self.ids.next()), UserId(self.ids.next()));
        let key = match draft.check(id, user, context.now()) {
            Ok(key) => key,
            Err(faults) => {
                // Those who may not create keys do not learn what is wrong with one.
                self.authorise(context, Permission::ManageApiKeys, On::All)?;
                return Err(ApiKeyError::Invalid(faults));
            }
        };
        let (user, stamp) = (User::of_api_key(&key), SecurityStamp(self.ids.next()));
        let secret = Secret::of_client(&self.secrets.random()?);
        self.write_about(context, Turn::Any, about_new_user(&user), |work, registration| {
            work.authorise(Permission::ManageApiKeys, Target::All)?;
            if !groups.is_empty() && !work.actor.is_operator() {
                return Err(Denied::NotPermitted.into());
            }
            let author = work.actor.username().map(str::to_owned);
            let key = ApiKey { created_by: author.clone(), modified_by: author, ..key.clone() };
            let mut joined = BTreeSet::new();
            for group in groups {
                joined.insert(work.group_id(group)?.ok_or(ApiKeyError::GroupNotFound)?);
            }
            self.insert_api_key(work.store, &registration, (&key, &secret, stamp), &joined)?;
            let known = joined.is_empty().then(|| registration.account(&user, stamp));
            let status = known.map_or_else(|| work.account_status(key.user), |status| Ok(Some(status)))?;
            work.note(AuditNote::of_user(AdministratorsChange::UsersAdded, status.as_ref(), key.user));
            work.note([AuditNote::of_api_key(ApiKeyChange::Created, &key)]);
            Ok(Finish::Commit(IssuedApiKey { key, secret: secret.clone() }))
        })
    }

    /// Changes an API key. Disabling it revokes its tokens.
    pub fn change_api_key(
        &self,
        context: &Context,
        key: &ApiKeyIdentifier,
        changes: &ApiKeyDraft,
    ) -> Result<ApiKey, ApiKeyError> {
        let stamp = SecurityStamp(self.ids.next());
        self.write_alone(context, |work| {
            let (current, user) = api_key_to_change(work, key)?;
            let mut wanted = changes.clone().apply(&current).map_err(ApiKeyError::Invalid)?;
            if wanted == current {
                return Ok(Finish::Rollback(current));
            }
            if is_taken_by_another(work.store, wanted.name.key(), wanted.user)? {
                return Err(invalid("name", "The API key name is already in use"));
            }
            let closes = current.enabled && !wanted.enabled;
            if closes && work.actor.is(wanted.user) {
                return Err(invalid("enabled", "An API key cannot disable itself"));
            }
            wanted.modified = context.now();
            wanted.modified_by = work.actor.username().map(str::to_owned);
            let (username, modified) = (wanted.name.clone(), wanted.modified);
            let user = User { username, suspended: !wanted.enabled, modified, ..user };
            let credentials = Credentials { stamp: closes.then_some(stamp), ..Credentials::default() };
            work.update_user(&user, &credentials)?;
            work.update_api_key(&wanted, None)?;
            if closes && !work.has_active_administrator(context.now())? {
                return Err(invalid("enabled", "The last System Administrator cannot be disabled"));
            }
            work.note([AuditNote::of_api_key(ApiKeyChange::Changed, &wanted)]);
            if wanted.enabled != current.enabled {
                let change =
                    if closes { AdministratorsChange::UserSuspended } else { AdministratorsChange::UserUnsuspended };
                let status = work.account_status(wanted.user)?;
                work.note(AuditNote::of_user(change, status.as_ref(), wanted.user));
            }
            Ok(Finish::Commit(wanted))
        })
    }

    /// Replaces the secret of an API key. The former secret and every token issued for it are revoked.
    pub fn rotate_api_key(&self, context: &Context, key: &ApiKeyIdentifier) -> Result<IssuedApiKey, ApiKeyError> {
        let secret = Secret::of_client(&self.secrets.random()?);
        let credentials = Credentials { stamp: Some(SecurityStamp(self.ids.next())), ..Credentials::default() };
        self.write(context, |work| {
            let (current, user) = api_key_to_change(work, key)?;
            let modified_by = work.actor.username().map(str::to_owned);
            let changed = ApiKey { modified: context.now(), modified_by, ..current };
            work.update_user(&user, &credentials)?;
            work.update_api_key(&changed, Some(&self.secrets.digest(secret.reveal())))?;
            work.note([AuditNote::of_api_key(ApiKeyChange::Rotated, &changed)]);
            Ok(Finish::Commit(IssuedApiKey { key: changed, secret: secret.clone() }))
        })
    }

    /// Deletes an API key and its user.
    pub fn delete_api_key(&self, context: &Context, key: &ApiKeyIdentifier) -> Result<(), ApiKeyError> {
        self.write_alone(context, |work| {
            let (current, _) = api_key_to_change(work, key)?;
            if work.actor.is(current.user) {
                return Err(Denied::NotPermitted.into());
            }
            let status = work.account_status(current.user)?;
            work.delete_user(current.user)?;
            if !work.has_active_administrator(context.now())? {
                return Err(ApiKeyError::LastAdministrator);
            }
            work.note(AuditNote::of_user(AdministratorsChange::UserDeleted, status.as_ref(), current.user));
            work.note([AuditNote::of_api_key(ApiKeyChange::Deleted, &current)]);
            Ok(Finish::Commit(()))
        })
    }

    /// Adds a validated API key, and makes its user a member of these groups.
    pub(super) fn insert_api_key(
        &self,
        store: &mut dyn Writer,
        registration: &Registration,
        (key, secret, stamp): (&ApiKey, &Secret, SecurityStamp),
        groups: &BTreeSet<GroupId>,
    ) -> Result<(), ApiKeyError> {
        if store.api_key(&ApiKeyIdentifier::Id(key.id))?.is_some() {
            return Err(ApiKeyError::Taken(key.id.to_string()));
        }
        let (user, credentials) = (User::of_api_key(key), (stamp, NameSource::Unverified));
        register(store, registration, &user, None, credentials).map_err(|error| match error {
            CreateUserError::Refused(refused) => refused.into(),
            _ => ApiKeyError::Taken(key.name.as_str().to_owned()),
        })?;
        store.insert_api_key(key, &self.secrets.digest(secret.reveal()))?;
        for group in groups {
            store.insert_members(*group, &BTreeSet::from([key.user]), key.created)?;
        }
        Ok(())
    }
}

/// Reads a key and its user, and keeps every other unit of work from changing them until this one ends.
fn api_key_to_change(work: &mut Writing<'_>, key: &ApiKeyIdentifier) -> Result<(ApiKey, User), ApiKeyError> {
    work.authorise(Permission::ManageApiKeys, Target::All)?;
    let owner = work.api_key(key)?.ok_or(ApiKeyError::NotFound)?.user;
    work.authorise(Permission::ManageApiKeys, Target::User(owner))?;
    let user = work.user_to_change(owner)?.ok_or(ApiKeyError::NotFound)?;
    let key = work.api_key(key)?.ok_or(ApiKeyError::NotFound)?;
    Ok((key, user))
}

fn invalid(field: &str, message: &str) -> ApiKeyError {
    ApiKeyError::Invalid(vec![InvalidField::new(field, message)])
}
