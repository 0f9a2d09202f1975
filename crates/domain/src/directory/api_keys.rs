//! API keys (contract 2.2 and 11).

use std::collections::BTreeSet;

use super::opening::about_new_user;
use super::registration::check_names;
use super::unit_of_work::{Finish, Turn, Writing};
use super::{CreateUserError, Directory};
use crate::access::{Denied, On, Permission, Refused, Target, contains_refused};
use crate::api_key::{ApiKey, ApiKeyDraft, ApiKeyId, ApiKeyIdentifier};
use crate::audit::{AdministratorsChange, ApiKeyChange, AuditNote};
use crate::context::Context;
use crate::group::GroupId;
use crate::identifier::GroupIdentifier;
use crate::page::{Page, Paged};
use crate::ports::{ApiKeyToChange, Credentials, NameSource, Purpose, Registration, SecretsError, Writer};
use crate::provenance::Provenance;
use crate::secret::Secret;
use crate::user::{SecurityStamp, User, UserId, Username};
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
    /// A user has this name.
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

impl Directory<'_> {
    /// A page of all API keys, by name.
    pub fn api_keys(&self, context: &Context, page: &Page) -> Result<Paged<ApiKey>, ApiKeyError> {
        self.read(context, |work| {
            work.authorise(Permission::ManageApiKeys, Target::All)?;
            Ok(work.api_keys(page)?)
        })
    }

    /// Reads an API key.
    pub fn api_key(&self, context: &Context, key: &ApiKeyIdentifier) -> Result<ApiKey, ApiKeyError> {
        let ask = |caller| self.store.api_key_for(context.cancellation(), caller, key);
        let missing = ApiKeyError::NotFound;
        if let Some(key) = self.find(context, Permission::ManageApiKeys, ask, |_| None, missing)? {
            return Ok(key);
        }
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
        let ask = about_new_user(&user);
        // Which groups an operator names takes more than one question.
        let turn = if groups.is_empty() { Turn::Once } else { Turn::Any };
        self.write_about(
            context,
            turn,
            |store, caller| ask(store, caller),
            |work, registration| {
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
                let added = work.provenance(context);
                self.insert_api_key(work.store, &registration, (&key, &secret, stamp), added, &joined)?;
                work.record_new_user(&user)?;
                let known = joined.is_empty().then(|| registration.account(&user, stamp));
                let status = known.map_or_else(|| work.account_status(key.user), |status| Ok(Some(status)))?;
                work.note(AuditNote::of_user(AdministratorsChange::UsersAdded, status.as_ref(), key.user));
                work.note([AuditNote::of_api_key(ApiKeyChange::Created, &key)]);
                Ok(Finish::Commit(IssuedApiKey { key, secret: secret.clone() }))
            },
        )
    }

    /// Changes an API key. Disabling it revokes its tokens.
    pub fn change_api_key(
        &self,
        context: &Context,
        key: &ApiKeyIdentifier,
        changes: &ApiKeyDraft,
    ) -> Result<ApiKey, ApiKeyError> {
        let stamp = SecurityStamp(self.ids.next());
        let name = changes.name.clone().flatten().and_then(|name| Username::try_from(name).ok());
        let name = name.map(|name| name.key());
        // Disabling a key may take the last administrator away.
        let turn = if changes.enabled == Some(false) { Turn::Alone } else { Turn::Once };
        self.change_one_api_key(context, turn, (key, Purpose::Change([name.as_ref(), None])), |work, found, owner| {
            let ApiKeyToChange { key: current, user, status } = found;
            let mut wanted = changes.clone().apply(&current).map_err(ApiKeyError::Invalid)?;
            if wanted == current {
                return Ok(Finish::Rollback(current));
            }
            if owner.is_some_and(|owner| owner != wanted.user) {
                return Err(invalid("name", "The API key name is already in use"));
            }
            let closes = current.enabled && !wanted.enabled;
            if closes && work.actor.is(wanted.user) {
                return Err(invalid("enabled", "An API key cannot disable itself"));
            }
            wanted.modified = context.now();
            wanted.modified_by = work.actor.username().map(str::to_owned);
            let (username, modified) = (wanted.name.clone(), wanted.modified);
            let next = User { username, suspended: !wanted.enabled, modified, ..user.clone() };
            let credentials = Credentials { stamp: closes.then_some(stamp), ..Credentials::default() };
            work.update_user_and_api_key((&user, &next), &credentials, (&wanted, None))?;
            if closes && status.system_administrator && !work.has_lasting_administrator()? {
                return Err(invalid("enabled", "The last System Administrator cannot be disabled"));
            }
            work.note([AuditNote::of_api_key(ApiKeyChange::Changed, &wanted)]);
            if wanted.enabled != current.enabled {
                let change =
                    if closes { AdministratorsChange::UserSuspended } else { AdministratorsChange::UserUnsuspended };
                work.note(AuditNote::of_user(change, Some(&status), wanted.user));
            }
            Ok(Finish::Commit(wanted))
        })
    }

    /// Replaces the secret of an API key. The former secret and every token issued for it are revoked.
    pub fn rotate_api_key(&self, context: &Context, key: &ApiKeyIdentifier) -> Result<IssuedApiKey, ApiKeyError> {
        let secret = Secret::of_client(&self.secrets.random()?);
        let digest = self.secrets.digest(secret.reveal());
        let credentials = Credentials { stamp: Some(SecurityStamp(self.ids.next())), ..Credentials::default() };
        self.change_one_api_key(context, Turn::Once, (key, Purpose::Change([None; 2])), |work, found, _| {
            let ApiKeyToChange { key: current, user, .. } = found;
            let modified_by = work.actor.username().map(str::to_owned);
            let changed = ApiKey { modified: context.now(), modified_by, ..current };
            work.update_user_and_api_key((&user, &user), &credentials, (&changed, Some(&digest)))?;
            work.note([AuditNote::of_api_key(ApiKeyChange::Rotated, &changed)]);
            Ok(Finish::Commit(IssuedApiKey { key: changed, secret: secret.clone() }))
        })
    }

    /// Deletes an API key and its user.
    pub fn delete_api_key(&self, context: &Context, key: &ApiKeyIdentifier) -> Result<(), ApiKeyError> {
        self.change_one_api_key(context, Turn::Alone, (key, Purpose::Deletion), |work, found, _| {
            let ApiKeyToChange { key: current, status, .. } = found;
            if work.actor.is(current.user) {
                return Err(Denied::NotPermitted.into());
            }
            work.delete_user(current.user, context.now())?;
            if status.system_administrator && !work.has_lasting_administrator()? {
                return Err(ApiKeyError::LastAdministrator);
            }
            work.note(AuditNote::of_user(AdministratorsChange::UserDeleted, Some(&status), current.user));
            work.note([AuditNote::of_api_key(ApiKeyChange::Deleted, &current)]);
            Ok(Finish::Commit(()))
        })
    }

    /// Runs `work` with the key that `key` names and the owner of the first name of `purpose`, for an actor who may manage that key.
    fn change_one_api_key<T>(
        &self,
        context: &Context,
        turn: Turn,
        (key, purpose): (&ApiKeyIdentifier, Purpose<'_>),
        mut work: impl FnMut(&mut Writing<'_>, ApiKeyToChange, Option<UserId>) -> Result<Finish<T>, ApiKeyError>,
    ) -> Result<T, ApiKeyError> {
        let ask = |store: &mut dyn Writer, caller: Option<UserId>| {
            let mut change = store.api_key_for_update(caller, key, purpose)?;
            Ok((change.caller.take(), change))
        };
        self.write_about(context, turn, ask, |unit, change| {
            unit.authorise(Permission::ManageApiKeys, Target::All)?;
            let found = change.key.ok_or(ApiKeyError::NotFound)?;
            unit.authorise(Permission::ManageApiKeys, Target::Account(found.user.id, &found.status))?;
            work(unit, found, change.owner)
        })
    }

    /// Adds a validated API key, and makes its user a member of these groups.
    pub(super) fn insert_api_key(
        &self,
        store: &mut dyn Writer,
        registration: &Registration,
        (key, secret, stamp): (&ApiKey, &Secret, SecurityStamp),
        added: Provenance,
        groups: &BTreeSet<GroupId>,
    ) -> Result<(), ApiKeyError> {
        let user = User::of_api_key(key);
        check_names(registration, &user).map_err(|error| match error {
            CreateUserError::Refused(refused) => refused.into(),
            _ => ApiKeyError::Taken(key.name.as_str().to_owned()),
        })?;
        let (account, digest) = ((&user, stamp, NameSource::Unverified), self.secrets.digest(secret.reveal()));
        store.insert_user_and_api_key((&registration.groups, added), account, (key, &digest))?;
        for group in groups {
            store.insert_members(*group, &BTreeSet::from([key.user]), added)?;
        }
        Ok(())
    }
}

fn invalid(field: &str, message: &str) -> ApiKeyError {
    ApiKeyError::Invalid(vec![InvalidField::new(field, message)])
}
