//! The first start, and what an operator does beside the API.

use std::collections::BTreeSet;

use super::Directory;
use super::api_keys::{ApiKeyError, FirstApiKey};
use super::users::{CreateUserError, register};
use crate::access::{Caller, Scopes};
use crate::api_key::ApiKeyDraft;
use crate::group::{Group, GroupId, GroupKind, GroupName, GroupNameError, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::{NameSource, StoreError};
use crate::user::{Account, SecurityStamp, User, UserDraft, UserId};
use crate::version::Version;

/// Why the first administrator was not created.
#[derive(Debug, thiserror::Error)]
pub enum FirstAdministratorError {
    /// The account is not as it must be.
    #[error(transparent)]
    User(#[from] CreateUserError),
    /// The API key that was to come with it is not as it must be.
    #[error("cannot create the first API key")]
    ApiKey(#[from] ApiKeyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the API key of the first start is called.
const FIRST_API_KEY: &str = "Bootstrap";

/// Why an operator cannot act as a user.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// The user may not sign in: suspended or expired. A lock keeps passwords out, and nobody who has the host.
    #[error("the user is suspended or expired")]
    Closed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Directory {
    /// Makes sure of the nine system groups, and of `Everyone` below `CMS Editors` in an empty store (contract 5.4).
    pub fn prepare(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.store.write_alone(|directory| {
            for system in SystemGroup::ALL {
                if directory.group_id(&system.identifier())?.is_some() {
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
                    custom: std::collections::BTreeMap::new(),
                    auto_membership_email_domains: BTreeSet::new(),
                    created: now,
                    modified: now,
                    version: Version::FIRST,
                };
                directory.insert_group(&group)?;
                if system == SystemGroup::Everyone {
                    let parent = directory.group_id(&SystemGroup::CmsEditors.identifier())?;
                    let child = BTreeSet::from([group.id]);
                    parent.map(|parent| directory.insert_children(parent, &child)).transpose()?;
                }
            }
            Ok(())
        })
    }

    /// Creates the first user, a System Administrator, unless there is any user already. Says whom it created.
    pub fn create_first_administrator(
        &self,
        username: &str,
        password: &str,
    ) -> Result<Option<User>, FirstAdministratorError> {
        self.create_first_accounts(username, password, None)
    }

    /// Creates the first user and, if one is wanted, an API key beside them, which administers too (contract 5.4).
    pub fn create_first_accounts(
        &self,
        username: &str,
        password: &str,
        api_key: Option<&FirstApiKey>,
    ) -> Result<Option<User>, FirstAdministratorError> {
        if self.read(|directory| directory.has_users())? {
            return Ok(None);
        }
        let account = Account { id: UserId(self.ids.next()), now: self.clock.now(), email_required: false };
        let draft = UserDraft {
            username: Some(username.to_owned()),
            password: Some(password.to_owned()),
            ..UserDraft::default()
        };
        let new = draft.check(account).map_err(CreateUserError::Invalid)?;
        let hash = self.passwords.hash(&new.password).map_err(CreateUserError::Passwords)?;
        let stamp = SecurityStamp(self.ids.next());
        self.store.write_alone(|directory| {
            if directory.has_users()? {
                return Ok(None);
            }
            register(directory, &new.user, Some(&hash), stamp, NameSource::Authority)?;
            let administrators = directory.group_id(&SystemGroup::SystemAdministrators.identifier())?;
            if let Some(group) = administrators {
                directory.insert_members(group, &BTreeSet::from([new.user.id]), account.now)?;
            }
            if let Some(FirstApiKey { id, secret }) = api_key {
                let draft = ApiKeyDraft { name: Some(Some(FIRST_API_KEY.to_owned())), ..ApiKeyDraft::default() };
                let key = draft.check(*id, UserId(self.ids.next()), account.now).map_err(ApiKeyError::Invalid)?;
                self.insert_api_key(directory, &key, secret, &administrators.into_iter().collect())?;
            }
            Ok(Some(new.user.clone()))
        })
    }

    /// The caller that `user` would be with every scope. For an operator at the command line, who needs no permission.
    pub fn caller_for(&self, user: &UserIdentifier) -> Result<Caller, CallerError> {
        let now = self.clock.now();
        self.read(|directory| {
            let id = directory.user_id(user)?.ok_or(CallerError::UserNotFound)?;
            let status = directory.account_status(id)?.ok_or(CallerError::UserNotFound)?;
            if !status.is_open(now) {
                return Err(CallerError::Closed);
            }
            Ok(Caller { user: id, stamp: status.stamp, scopes: Scopes::all() })
        })
    }

    /// The id of a system group; there is none before [`Directory::prepare`].
    pub fn system_group(&self, group: SystemGroup) -> Result<Option<GroupId>, StoreError> {
        self.read(|directory| directory.group_id(&GroupIdentifier::Name(group.key())))
    }
}
