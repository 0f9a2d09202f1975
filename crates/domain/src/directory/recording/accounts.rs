//! What a recorder passes on about users and their accounts.

use std::collections::{BTreeMap, BTreeSet};

use super::Recorder;
use crate::api_key::{ApiKey, ApiKeyId, ApiKeyIdentifier};
use crate::event::{Event, EventHead, EventId};
use crate::external::IdentityLink;
use crate::identifier::UserIdentifier;
use crate::name::NameKey;
use crate::page::{Page, Paged};
use crate::password::PasswordHash;
use crate::ports::{
    AccountStatus, Accounts, ApiKeyReader, EventQuery, EventReader, IdentityReader, RefreshGrant, SessionReader,
    StoreError, UserReader,
};
use crate::search::UserListing;
use crate::secret::SecretDigest;
use crate::user::{User, UserId};

impl UserReader for Recorder<'_> {
    fn account_status(&mut self, user: UserId) -> Result<Option<AccountStatus>, StoreError> {
        self.store.account_status(user)
    }

    fn accounts(&mut self, caller: Option<UserId>, user: &UserIdentifier) -> Result<Accounts, StoreError> {
        let found = self.store.accounts(caller, user)?;
        self.seen.user = found.user.as_ref().map(|(user, status)| (*user, status.username.clone()));
        Ok(found)
    }

    fn user_id(&mut self, identifier: &UserIdentifier) -> Result<Option<UserId>, StoreError> {
        self.store.user_id(identifier)
    }

    fn users_named<'n>(&mut self, names: &BTreeSet<&'n NameKey>) -> Result<BTreeMap<&'n NameKey, UserId>, StoreError> {
        self.store.users_named(names)
    }

    fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        self.store.user(id)
    }

    fn unknown_users(&mut self, ids: &BTreeSet<UserId>) -> Result<BTreeSet<UserId>, StoreError> {
        self.store.unknown_users(ids)
    }

    fn user_named_by_authority(&mut self, name: &NameKey) -> Result<Option<UserId>, StoreError> {
        self.store.user_named_by_authority(name)
    }

    fn password(&mut self, user: UserId) -> Result<Option<PasswordHash>, StoreError> {
        self.store.password(user)
    }

    fn users(&mut self, listing: &UserListing) -> Result<Paged<User>, StoreError> {
        self.store.users(listing)
    }
}

impl IdentityReader for Recorder<'_> {
    fn identity(&mut self, issuer: &str, subject: &str) -> Result<Option<IdentityLink>, StoreError> {
        self.store.identity(issuer, subject)
    }

    fn identities_of(&mut self, user: UserId) -> Result<Vec<IdentityLink>, StoreError> {
        self.store.identities_of(user)
    }
}

impl SessionReader for Recorder<'_> {
    fn refresh_grant(&mut self, token: &SecretDigest) -> Result<Option<RefreshGrant>, StoreError> {
        self.store.refresh_grant(token)
    }

    fn refresh_grant_and_account(
        &mut self,
        token: &SecretDigest,
    ) -> Result<Option<(RefreshGrant, AccountStatus)>, StoreError> {
        self.store.refresh_grant_and_account(token)
    }
}

impl ApiKeyReader for Recorder<'_> {
    fn api_key(&mut self, identifier: &ApiKeyIdentifier) -> Result<Option<ApiKey>, StoreError> {
        self.store.api_key(identifier)
    }

    fn api_keys(&mut self, page: &Page) -> Result<Paged<ApiKey>, StoreError> {
        self.store.api_keys(page)
    }

    fn api_key_of(&mut self, user: UserId) -> Result<Option<ApiKeyId>, StoreError> {
        self.store.api_key_of(user)
    }

    fn api_key_secret(&mut self, id: ApiKeyId) -> Result<Option<SecretDigest>, StoreError> {
        self.store.api_key_secret(id)
    }
}

impl EventReader for Recorder<'_> {
    fn events(&mut self, query: &EventQuery) -> Result<Vec<Event>, StoreError> {
        self.store.events(query)
    }

    fn event(&mut self, id: EventId) -> Result<Option<Event>, StoreError> {
        self.store.event(id)
    }

    fn event_head(&mut self) -> Result<EventHead, StoreError> {
        self.store.event_head()
    }

    fn event_checkpoint(&mut self) -> Result<EventHead, StoreError> {
        self.store.event_checkpoint()
    }
}
