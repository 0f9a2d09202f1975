//! Sessions in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{State, all_but_latest};
use crate::ports::{RefreshGrant, SessionReader, SessionWriter, StoreError};
use crate::secret::SecretDigest;
use crate::time::Timestamp;
use crate::user::{SecurityStamp, UserId};

#[derive(Clone, Debug, Default)]
pub(super) struct Sessions {
    refresh_tokens: Arc<BTreeMap<SecretDigest, RefreshGrant>>,
}

impl Sessions {
    pub(super) fn remove_user(&mut self, user: UserId) {
        Arc::make_mut(&mut self.refresh_tokens).retain(|_, grant| grant.user != user);
    }
}

impl SessionReader for State {
    fn refresh_grant(&mut self, token: &SecretDigest) -> Result<Option<RefreshGrant>, StoreError> {
        Ok(self.sessions.refresh_tokens.get(token).cloned())
    }
}

impl SessionWriter for State {
    fn insert_refresh_token(&mut self, token: &SecretDigest, grant: &RefreshGrant) -> Result<(), StoreError> {
        Arc::make_mut(&mut self.sessions.refresh_tokens).insert(*token, grant.clone());
        Ok(())
    }

    fn extend_refresh_token(&mut self, token: &SecretDigest, expires: Timestamp) -> Result<(), StoreError> {
        if let Some(grant) = Arc::make_mut(&mut self.sessions.refresh_tokens).get_mut(token) {
            grant.expires = expires;
        }
        Ok(())
    }

    fn forget_refresh_tokens(
        &mut self,
        user: UserId,
        stamp: SecurityStamp,
        now: Timestamp,
        most: u32,
    ) -> Result<(), StoreError> {
        let tokens = Arc::make_mut(&mut self.sessions.refresh_tokens);
        tokens.retain(|_, grant| grant.user != user || (grant.stamp == stamp && grant.expires > now));
        let theirs = tokens.iter().filter(|(_, grant)| grant.user == user);
        for digest in all_but_latest(theirs.map(|(digest, grant)| (grant.expires, *digest)), most) {
            tokens.remove(&digest);
        }
        Ok(())
    }
}
