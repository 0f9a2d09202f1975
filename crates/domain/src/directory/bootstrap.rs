//! The first start, and operations for the operator alone.

use std::collections::{BTreeMap, BTreeSet};

use super::api_keys::{ApiKeyError, FirstApiKey};
use super::registration::register;
use super::unit_of_work::{Finish, Turn};
use super::{CreateUserError, Directory};
use crate::access::{Caller, Denied, Refused, Scopes, contains_refused};
use crate::api_key::{ApiKeyDraft, ApiKeyIdentifier};
use crate::context::Context;
use crate::event::Via;
use crate::group::{Group, GroupId, GroupKind, GroupName, GroupNameError, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::{NameSource, Registration, StoreError};
use crate::user::{Account, SecurityStamp, User, UserDraft, UserId};
use crate::version::Version;

/// Why the first administrator was not created.
#[derive(Debug, thiserror::Error)]
pub enum FirstAdministratorError {
    /// The account is invalid.
    #[error(transparent)]
    User(#[from] CreateUserError),
    /// The API key is invalid.
    #[error("cannot create the first API key")]
    ApiKey(#[from] ApiKeyError),
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// The name of the API key of the first start.
const FIRST_API_KEY: &str = "Bootstrap";

/// Why an operator cannot act as a user.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// The user is suspended or has expired. A lockout does not matter here.
    #[error("the user is suspended or expired")]
    Closed,
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

contains_refused!(FirstAdministratorError, CallerError);

impl Directory<'_> {
    /// Creates those of the nine system groups that are missing, and puts `Everyone` below `CMS Editors` when it is created
    /// (contract 5.4).
    pub fn prepare(&self, context: &Context) -> Result<(), Refused> {
        self.acting(Via::Bootstrap).write(context, Turn::Alone, |work| {
            for system in SystemGroup::ALL {
                if work.group_id(&system.identifier())?.is_some() {
                    continue;
                }
                let name = GroupName::try_from(system.name().to_owned())
                    .map_err(|error: GroupNameError| StoreError::failed(error))?;
                let group = Group {
                    id: GroupId(self.ids.next()),
                    name,
                    description: Some(system.description().to_owned()),
                    kind: GroupKind::System,
                    user_count: 0,
                    child_group_count: 0,
                    custom: BTreeMap::new(),
                    auto_membership_email_domains: BTreeSet::new(),
                    created: context.now(),
                    modified: context.now(),
                    version: Version::FIRST,
                };
                work.insert_group(&group)?;
                if system == SystemGroup::Everyone
                    && let Some(parent) = work.group_id(&SystemGroup::CmsEditors.identifier())?
                {
                    let added = work.provenance(context);
                    work.insert_children(parent, &BTreeSet::from([group.id]), added)?;
                }
            }
            Ok(Finish::Commit(()))
        })
    }

    /// Creates a System Administrator if nobody administers the system for good: at the first start, and after an import that brought none. Returns whom it created.
    ///
    /// # Errors
    ///
    /// When the account is invalid, or the username is that of another user, who does not administer.
    pub fn create_first_administrator(
        &self,
        context: &Context,
        username: &str,
        password: &str,
    ) -> Result<Option<User>, FirstAdministratorError> {
        self.create_first_accounts(context, username, password, None)
    }

    /// The same, and optionally an API key that is a System Administrator too, unless it is there (contract 5.4).
    pub fn create_first_accounts(
        &self,
        context: &Context,
        username: &str,
        password: &str,
        api_key: Option<&FirstApiKey>,
    ) -> Result<Option<User>, FirstAdministratorError> {
        if self.read(context, |work| Ok::<_, Refused>(work.has_lasting_administrator()?))? {
            return Ok(None);
        }
        let account = Account { id: UserId(self.ids.next()), now: context.now(), email_required: false };
        let draft = UserDraft {
            username: Some(username.to_owned()),
            password: Some(password.to_owned()),
            ..UserDraft::default()
        };
        let new = draft.check(account).map_err(CreateUserError::Invalid)?;
        let hash = self.passwords.hash(&new.password).map_err(CreateUserError::Passwords)?;
        let stamp = SecurityStamp(self.ids.next());
        self.acting(Via::Bootstrap).write(context, Turn::Alone, |work| {
            if work.has_lasting_administrator()? {
                return Ok(Finish::Rollback(None));
            }
            let added = work.provenance(context);
            let registration = Registration::of_names(work.store, &new.user)?;
            register(work.store, &registration, &new.user, Some(&hash), (stamp, NameSource::Authority), added)?;
            let administrators = work.group_id(&SystemGroup::SystemAdministrators.identifier())?;
            if let Some(group) = administrators {
                work.insert_members(group, &BTreeSet::from([new.user.id]), added)?;
            }
            if let Some(FirstApiKey { id, secret }) = api_key
                && work.api_key(&ApiKeyIdentifier::Id(*id))?.is_none()
            {
                let draft = ApiKeyDraft { name: Some(Some(FIRST_API_KEY.to_owned())), ..ApiKeyDraft::default() };
                let key = draft.check(*id, UserId(self.ids.next()), account.now).map_err(ApiKeyError::Invalid)?;
                let registration = Registration::of_names(work.store, &User::of_api_key(&key))?;
                let stamp = SecurityStamp(self.ids.next());
                self.insert_api_key(
                    work.store,
                    &registration,
                    (&key, secret, stamp),
                    added,
                    &administrators.into_iter().collect(),
                )?;
            }
            Ok(Finish::Commit(Some(new.user.clone())))
        })
    }

    /// Whether an active System Administrator is there who stays one, for an operator.
    pub fn has_administrator(&self, context: &Context) -> Result<bool, Refused> {
        self.read(context, |work| {
            if !work.actor.is_operator() {
                return Err(Denied::NotPermitted.into());
            }
            Ok(work.has_lasting_administrator()?)
        })
    }

    /// The caller that `user` would be with every scope, for an operator.
    pub fn caller_for(&self, context: &Context, user: &UserIdentifier) -> Result<Caller, CallerError> {
        self.read(context, |work| {
            if !work.actor.is_operator() {
                return Err(Denied::NotPermitted.into());
            }
            let id = work.user_id(user)?.ok_or(CallerError::UserNotFound)?;
            let status = work.account_status(id)?.ok_or(CallerError::UserNotFound)?;
            if !status.is_open(context.now()) {
                return Err(CallerError::Closed);
            }
            Ok(Caller { user: id, stamp: status.stamp, scopes: Scopes::all() })
        })
    }

    /// The id of a system group. There is none before [`Directory::prepare`].
    pub fn system_group(&self, context: &Context, group: SystemGroup) -> Result<Option<GroupId>, Refused> {
        self.read(context, |work| Ok(work.group_id(&GroupIdentifier::Name(group.key()))?))
    }
}
