//! Users and the names that identify them.

use std::collections::{BTreeMap, BTreeSet};

use guildhall_domain::access::Scopes;
use guildhall_domain::api_key::ApiKeyId;
use guildhall_domain::group::SystemGroup;
use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::manager::ManagerId;
use guildhall_domain::name::NameKey;
use guildhall_domain::page::Paged;
use guildhall_domain::password::PasswordHash;
use guildhall_domain::ports::{
    AccountStatus, Credentials, NameSource, Reach, StoreError, UserReader, UserWriter, ValidityReader as _,
};
use guildhall_domain::search::UserListing;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{Email, SecurityStamp, User, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::accounts::{ACCOUNTS, AccountRow};
use super::memberships::MEMBERS;
use super::tables::{Changes, Rows, Tables};
use super::user_row::UserRow;
use super::{UnitOfWork, listed};

pub(super) const USERS: Rows<Uuid, UserRow> = Rows::new("users");
/// Usernames and email addresses: a name is the username or the address of one user at most.
pub(super) const NAMES: Rows<&str, NameRow> = Rows::new("user names");

#[derive(Serialize, Deserialize)]
pub(super) struct NameRow {
    user: Uuid,
    is_by_authority: bool,
}

fn name_keys(user: &User) -> BTreeSet<NameKey> {
    [Some(user.username.key()), user.email.as_ref().map(Email::key)].into_iter().flatten().collect()
}

impl<T: Tables> UnitOfWork<T> {
    pub(super) fn load_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(USERS.get(&self.0, id.0)?.map(User::from))
    }

    pub(super) fn load_users(&self, ids: &BTreeSet<UserId>) -> Result<Vec<User>, StoreError> {
        ids.iter().filter_map(|id| self.load_user(*id).transpose()).collect()
    }

    /// The user with this username or email address.
    fn user_named(&self, name: &NameKey) -> Result<Option<UserId>, StoreError> {
        Ok(NAMES.get(&self.0, name.as_str())?.map(|row| UserId(row.user)))
    }

    pub(super) fn user_with_username(&self, name: &NameKey) -> Result<Option<UserId>, StoreError> {
        let user = self.user_named(name)?.map(|id| self.load_user(id)).transpose()?.flatten();
        Ok(user.filter(|user| user.username.key() == *name).map(|user| user.id))
    }
}

impl<T: Tables> UserReader for UnitOfWork<T> {
    fn account_status(&mut self, id: UserId) -> Result<Option<AccountStatus>, StoreError> {
        self.check_due()?;
        let Some((user, account)) = self.load_user(id)?.zip(self.account(id)?) else { return Ok(None) };
        let groups = self.groups_within(id, Reach::Effective)?;
        let is_in = |group| -> Result<bool, StoreError> {
            Ok(self.system_group(group)?.is_some_and(|group| groups.contains(&group)))
        };
        Ok(Some(AccountStatus {
            username: user.username.as_str().to_owned(),
            stamp: SecurityStamp(account.stamp),
            api_key: account.api_key.map(|key| (ApiKeyId(key.id), Scopes::known_in(&key.scopes))),
            suspended: user.suspended,
            expiry: user.expiry,
            password_reset_required: user.password_reset_required,
            password_change_frequency: user.password_change_frequency,
            password_changed: user.password_changed,
            system_administrator: is_in(SystemGroup::SystemAdministrators)?,
            user_administrator: is_in(SystemGroup::UserAdministrators)?,
            group_administrator: is_in(SystemGroup::GroupAdministrators)?,
            api_key_administrator: is_in(SystemGroup::ApiKeyAdministrators)?,
        }))
    }

    fn user_id(&mut self, identifier: &UserIdentifier) -> Result<Option<UserId>, StoreError> {
        match identifier {
            UserIdentifier::Current => Ok(None),
            UserIdentifier::Id(id) => Ok(USERS.get(&self.0, id.0)?.map(|_| *id)),
            UserIdentifier::Name(name) => self.user_named(name),
        }
    }

    fn users_named<'n>(&mut self, names: &BTreeSet<&'n NameKey>) -> Result<BTreeMap<&'n NameKey, UserId>, StoreError> {
        let found = |name: &&'n NameKey| self.user_named(name).map(|user| user.map(|user| (*name, user))).transpose();
        names.iter().filter_map(found).collect()
    }

    fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        self.load_user(id)
    }

    fn unknown_users(&mut self, ids: &BTreeSet<UserId>) -> Result<BTreeSet<UserId>, StoreError> {
        USERS.missing(&self.0, ids, |id| id.0)
    }

    fn user_named_by_authority(&mut self, name: &NameKey) -> Result<Option<UserId>, StoreError> {
        let row = NAMES.get(&self.0, name.as_str())?;
        Ok(row.filter(|row| row.is_by_authority).map(|row| UserId(row.user)))
    }

    fn password(&mut self, user: UserId) -> Result<Option<PasswordHash>, StoreError> {
        Ok(self.account(user)?.and_then(|account| account.password).map(PasswordHash))
    }

    fn users(&mut self, listing: &UserListing) -> Result<Paged<User>, StoreError> {
        Ok(listed(USERS.all(&self.0)?.into_iter().map(User::from).collect(), listing))
    }
}

impl UnitOfWork<Changes> {
    /// Replaces the names of the user `before` by those of `user`. Names that the user already has keep their source.
    fn set_names(&self, before: Option<&User>, user: &User, source: NameSource) -> Result<(), StoreError> {
        let mut kept = BTreeMap::new();
        for key in before.iter().flat_map(|before| name_keys(before)) {
            kept.extend(NAMES.remove(&self.0, key.as_str())?.map(|row| (key, row)));
        }
        for key in name_keys(user) {
            let new = || NameRow { user: user.id.0, is_by_authority: source == NameSource::Authority };
            NAMES.insert(&self.0, key.as_str(), &kept.remove(&key).unwrap_or_else(new))?;
        }
        Ok(())
    }
}

impl UserWriter for UnitOfWork<Changes> {
    fn insert_user(
        &mut self,
        user: &User,
        password: Option<&PasswordHash>,
        stamp: SecurityStamp,
        names: NameSource,
    ) -> Result<(), StoreError> {
        let account = AccountRow {
            stamp: stamp.0,
            password: password.map(|hash| hash.0.clone()),
            api_key: None,
            refresh_tokens: Vec::new(),
            identities: Vec::new(),
            addresses: Vec::new(),
        };
        USERS.insert(&self.0, user.id.0, &UserRow::from(user))?;
        ACCOUNTS.insert(&self.0, user.id.0, &account)?;
        self.set_names(None, user, names)
    }

    fn user_to_change(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        self.load_user(id)
    }

    /// No other unit of work writes meanwhile, so the stored user is `before`.
    fn update_user(&mut self, before: &User, user: &User, credentials: &Credentials) -> Result<(), StoreError> {
        let next = User { version: user.version.next(), ..user.clone() };
        self.set_names(Some(before), user, credentials.names)?;
        USERS.put(&self.0, user.id.0, &UserRow::from(&next))?;
        self.change_account(user.id, |account| {
            account.stamp = credentials.stamp.map_or(account.stamp, |stamp| stamp.0);
            account.password =
                credentials.password.as_ref().map(|password| password.hash().0.clone()).or(account.password.take());
        })
    }

    fn delete_user(&mut self, id: UserId, at: Timestamp) -> Result<(), StoreError> {
        let Some(user) = self.load_user(id)? else { return Ok(()) };
        self.keep_user(id, user.username.as_str(), at)?;
        for key in name_keys(&user) {
            NAMES.remove(&self.0, key.as_str())?;
        }
        USERS.remove(&self.0, id.0)?;
        self.remove_account(id)?;
        MEMBERS.flipped().remove_all(&self.0, id.0)?;
        self.forget_dates(ManagerId::User(id))?;
        self.remove_from_managers(ManagerId::User(id))
    }
}
