//! Accounts: what is kept of a user beside [`User`](guildhall_domain::user::User), in one row. Whatever has a key of its own
//! (API keys, refresh tokens, identities) also has a table from that key to the user.

use guildhall_domain::ports::StoreError;
use guildhall_domain::user::UserId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::UnitOfWork;
use super::api_keys::{self, ApiKeyRow};
use super::identities::{self, IdentityRow};
use super::lockouts::AddressRow;
use super::sessions::{self, RefreshTokenRow};
use super::tables::{Changes, Rows, Tables};

pub(super) const ACCOUNTS: Rows<Uuid, AccountRow> = Rows::new("accounts");

#[derive(Serialize, Deserialize)]
pub(super) struct AccountRow {
    pub(super) stamp: Uuid,
    pub(super) password: Option<String>,
    pub(super) api_key: Option<ApiKeyRow>,
    pub(super) refresh_tokens: Vec<RefreshTokenRow>,
    pub(super) identities: Vec<IdentityRow>,
    pub(super) addresses: Vec<AddressRow>,
}

impl<T: Tables> UnitOfWork<T> {
    pub(super) fn account(&self, user: UserId) -> Result<Option<AccountRow>, StoreError> {
        ACCOUNTS.get(&self.0, user.0)
    }
}

impl UnitOfWork<Changes> {
    /// Changes the account of a user, who exists.
    pub(super) fn change_account(&self, user: UserId, change: impl FnOnce(&mut AccountRow)) -> Result<(), StoreError> {
        let mut account = self.account(user)?.ok_or_else(|| StoreError::failed(format!("{user} has no account")))?;
        change(&mut account);
        ACCOUNTS.put(&self.0, user.0, &account).map(drop)
    }

    /// Removes the account of a user, and the keys that lead to it.
    pub(super) fn remove_account(&self, user: UserId) -> Result<(), StoreError> {
        let Some(account) = ACCOUNTS.remove(&self.0, user.0)? else { return Ok(()) };
        if let Some(key) = account.api_key {
            api_keys::OWNERS.remove(&self.0, key.id)?;
        }
        for token in account.refresh_tokens {
            sessions::OWNERS.remove(&self.0, &token.digest)?;
        }
        for identity in account.identities {
            identities::OWNERS.remove(&self.0, (identity.issuer.as_str(), identity.subject.as_str()))?;
        }
        Ok(())
    }
}
