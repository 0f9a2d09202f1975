//! Refresh tokens, in the accounts of their users.

use std::cmp::Reverse;

use guildhall_domain::access::Scopes;
use guildhall_domain::ports::{RefreshGrant, SessionReader, SessionWriter, StoreError};
use guildhall_domain::secret::SecretDigest;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{SecurityStamp, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::UnitOfWork;
use super::tables::{Changes, Rows, Tables};

/// The user of a refresh token with this digest.
pub(super) const OWNERS: Rows<&[u8; 32], Uuid> = Rows::new("refresh tokens");

#[derive(Serialize, Deserialize)]
pub(super) struct RefreshTokenRow {
    pub(super) digest: [u8; 32],
    stamp: Uuid,
    scopes: String,
    expires: i64,
}

impl<T: Tables> SessionReader for UnitOfWork<T> {
    fn refresh_grant(&mut self, token: &SecretDigest) -> Result<Option<RefreshGrant>, StoreError> {
        let Some(user) = OWNERS.get(&self.0, &token.0)?.map(UserId) else { return Ok(None) };
        let tokens = self.account(user)?.map(|account| account.refresh_tokens).unwrap_or_default();
        Ok(tokens.into_iter().find(|row| row.digest == token.0).map(|row| RefreshGrant {
            user,
            stamp: SecurityStamp(row.stamp),
            scopes: Scopes::known_in(&row.scopes),
            expires: Timestamp::from_milliseconds(row.expires),
        }))
    }
}

impl SessionWriter for UnitOfWork<Changes> {
    fn insert_refresh_token(&mut self, token: &SecretDigest, grant: &RefreshGrant) -> Result<(), StoreError> {
        let row = RefreshTokenRow {
            digest: token.0,
            stamp: grant.stamp.0,
            scopes: grant.scopes.to_text(),
            expires: grant.expires.milliseconds(),
        };
        OWNERS.insert(&self.0, &token.0, &grant.user.0)?;
        self.change_account(grant.user, |account| account.refresh_tokens.push(row))
    }

    fn extend_refresh_token(&mut self, token: &SecretDigest, expires: Timestamp) -> Result<(), StoreError> {
        let Some(user) = OWNERS.get(&self.0, &token.0)? else { return Ok(()) };
        self.change_account(UserId(user), |account| {
            for row in account.refresh_tokens.iter_mut().filter(|row| row.digest == token.0) {
                row.expires = expires.milliseconds();
            }
        })
    }

    fn forget_refresh_tokens(
        &mut self,
        user: UserId,
        stamp: SecurityStamp,
        now: Timestamp,
        most: u32,
    ) -> Result<(), StoreError> {
        let mut forgotten = Vec::new();
        self.change_account(user, |account| {
            let tokens = &mut account.refresh_tokens;
            forgotten.extend(tokens.extract_if(.., |row| row.stamp != stamp.0 || row.expires <= now.milliseconds()));
            tokens.sort_by_key(|row| Reverse(row.expires));
            forgotten.extend(tokens.drain(tokens.len().min(most as usize)..));
        })?;
        for row in forgotten {
            OWNERS.remove(&self.0, &row.digest)?;
        }
        Ok(())
    }
}
