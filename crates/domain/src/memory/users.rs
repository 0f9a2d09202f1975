//! Users in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{State, page};
use crate::group::SystemGroup;
use crate::identifier::UserIdentifier;
use crate::name::NameKey;
use crate::page::Paged;
use crate::password::PasswordHash;
use crate::ports::{
    AccountStatus, Credentials, Deleted, NameSource, PasswordUpdate, StoreError, UserReader, UserWriter,
    ValidityReader as _,
};
use crate::search::UserListing;
use crate::time::Timestamp;
use crate::user::{Email, SecurityStamp, User, UserId};

#[derive(Clone, Debug)]
struct StoredUser {
    user: User,
    password: Option<PasswordHash>,
    stamp: SecurityStamp,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Users {
    accounts: Arc<BTreeMap<UserId, StoredUser>>,
    usernames: Arc<BTreeMap<NameKey, UserId>>,
    /// Usernames and email addresses.
    identifiers: Arc<BTreeMap<NameKey, (UserId, NameSource)>>,
}

impl Users {
    pub(super) fn get(&self, id: UserId) -> Option<&User> {
        self.accounts.get(&id).map(|account| &account.user)
    }

    pub(super) fn with_username(&self, username: &NameKey) -> Option<UserId> {
        self.usernames.get(username).copied()
    }

    fn has_free_names(&self, user: &User) -> bool {
        let keys = [Some(user.username.key()), user.email.as_ref().map(Email::key)];
        let mut holders = keys.iter().flatten().filter_map(|key| self.identifiers.get(key));
        holders.all(|(holder, _)| *holder == user.id)
    }

    fn remove_names(&mut self, id: UserId) {
        Arc::make_mut(&mut self.usernames).retain(|_, named| *named != id);
        Arc::make_mut(&mut self.identifiers).retain(|_, (named, _)| *named != id);
    }

    /// Names that the user already has keep their source.
    fn set_names(&mut self, user: &User, source: NameSource) {
        let before = Arc::clone(&self.identifiers);
        self.remove_names(user.id);
        Arc::make_mut(&mut self.usernames).insert(user.username.key(), user.id);
        let keys = [Some(user.username.key()), user.email.as_ref().map(Email::key)];
        for key in keys.into_iter().flatten() {
            let kept = before.get(&key).filter(|(named, _)| *named == user.id);
            let source = kept.map_or(source, |(_, source)| *source);
            Arc::make_mut(&mut self.identifiers).insert(key, (user.id, source));
        }
    }
}

impl State {
    pub(super) fn page_of_users<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a UserId>,
        listing: &UserListing,
    ) -> Paged<User> {
        page(ids.into_iter().filter_map(|id| self.users.get(*id)).cloned(), listing)
    }
}

impl UserReader for State {
    fn account_status(&mut self, user: UserId) -> Result<Option<AccountStatus>, StoreError> {
        self.check_due()?;
        let status = self.users.accounts.get(&user).map(|account| AccountStatus {
            username: account.user.username.as_str().to_owned(),
            stamp: account.stamp,
            api_key: self.api_keys.of_user(user).map(|key| (key.id, key.scopes.clone())),
            suspended: account.user.suspended,
            expiry: account.user.expiry,
            password_reset_required: account.user.password_reset_required,
            password_change_frequency: account.user.password_change_frequency,
            password_changed: account.user.password_changed,
            system_administrator: self.effective_members(SystemGroup::SystemAdministrators).contains(&user),
            user_administrator: self.effective_members(SystemGroup::UserAdministrators).contains(&user),
            group_administrator: self.effective_members(SystemGroup::GroupAdministrators).contains(&user),
            api_key_administrator: self.effective_members(SystemGroup::ApiKeyAdministrators).contains(&user),
        });
        Ok(status)
    }

    fn user_id(&mut self, identifier: &UserIdentifier) -> Result<Option<UserId>, StoreError> {
        Ok(match identifier {
            UserIdentifier::Current => None,
            UserIdentifier::Id(id) => self.users.get(*id).map(|user| user.id),
            UserIdentifier::Name(key) => self.users.identifiers.get(key).map(|(user, _)| *user),
        })
    }

    fn users_named<'n>(&mut self, names: &BTreeSet<&'n NameKey>) -> Result<BTreeMap<&'n NameKey, UserId>, StoreError> {
        let found = |name: &&'n NameKey| self.users.identifiers.get(*name).map(|(user, _)| (*name, *user));
        Ok(names.iter().filter_map(found).collect())
    }

    fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.users.get(id).cloned())
    }

    fn unknown_users(&mut self, ids: &BTreeSet<UserId>) -> Result<BTreeSet<UserId>, StoreError> {
        Ok(ids.iter().filter(|id| !self.users.accounts.contains_key(id)).copied().collect())
    }

    fn user_named_by_authority(&mut self, name: &NameKey) -> Result<Option<UserId>, StoreError> {
        let named = self.users.identifiers.get(name).filter(|(_, source)| *source == NameSource::Authority);
        Ok(named.map(|(user, _)| *user))
    }

    fn password(&mut self, user: UserId) -> Result<Option<PasswordHash>, StoreError> {
        Ok(self.users.accounts.get(&user).and_then(|account| account.password.clone()))
    }

    fn users(&mut self, listing: &UserListing) -> Result<Paged<User>, StoreError> {
        Ok(self.page_of_users(self.users.accounts.keys(), listing))
    }
}

impl UserWriter for State {
    fn insert_user(
        &mut self,
        user: &User,
        password: Option<&PasswordHash>,
        stamp: SecurityStamp,
        names: NameSource,
    ) -> Result<(), StoreError> {
        if self.users.accounts.contains_key(&user.id) || !self.users.has_free_names(user) {
            return Err(self.refuse("the id or a name of the user is not free"));
        }
        self.users.set_names(user, names);
        Arc::make_mut(&mut self.users.accounts)
            .insert(user.id, StoredUser { user: user.clone(), password: password.cloned(), stamp });
        Ok(())
    }

    fn user_to_change(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        self.user(id)
    }

    fn update_user(&mut self, _: &User, user: &User, credentials: &Credentials) -> Result<(), StoreError> {
        if !self.users.has_free_names(user) {
            return Err(self.refuse("a name of the user is not free"));
        }
        self.users.set_names(user, credentials.names);
        if let Some(account) = Arc::make_mut(&mut self.users.accounts).get_mut(&user.id) {
            account.user = User { version: user.version.next(), ..user.clone() };
            account.stamp = credentials.stamp.unwrap_or(account.stamp);
            account.password =
                credentials.password.as_ref().map(PasswordUpdate::hash).cloned().or(account.password.take());
        }
        Ok(())
    }

    fn delete_user(&mut self, id: UserId, at: Timestamp) -> Result<(), StoreError> {
        self.users.remove_names(id);
        if let Some(StoredUser { user, .. }) = Arc::make_mut(&mut self.users.accounts).remove(&id) {
            let deleted = Deleted { id, name: user.username.as_str().to_owned(), at };
            Arc::make_mut(&mut self.past.users).insert(id, deleted);
        }
        self.memberships.remove_user(id, Arc::make_mut(&mut self.past.members), at);
        self.api_keys.remove_user(id);
        self.sessions.remove_user(id);
        self.lockouts.remove_user(id);
        self.identities.remove_user(id);
        self.managers.remove_user(id);
        Ok(())
    }
}
