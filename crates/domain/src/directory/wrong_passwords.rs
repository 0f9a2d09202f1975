//! Counting wrong passwords (contract 2.4).

use super::Directory;
use crate::context::Context;
use crate::ports::{Credentials, KnownAddress, Reader, StoreError, Writer};
use crate::secret::SecretDigest;
use crate::time::Timestamp;
use crate::user::{Lockout, User, UserId};

/// For how many days an address is known after a successful sign-in from it (contract 2.4).
const ADDRESS_DAYS: u32 = 30;

impl Directory<'_> {
    /// Counts a wrong password of `user` from `address`, which may be a `known` one. Returns whether it caused a lock.
    pub(super) fn count_failure(
        &self,
        store: &mut dyn Writer,
        user: &User,
        address: &SecretDigest,
        known: Option<KnownAddress>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let before = known.map_or(user.lockout, |known| known.lockout);
        let after = before.failed(now, self.policy.lockout);
        let failed = User {
            last_failed_login: Some(now),
            failed_login_attempts: user.failed_login_attempts.saturating_add(1),
            failed_login_attempts_since_last_success: user.failed_login_attempts_since_last_success.saturating_add(1),
            lockout: if known.is_some() { user.lockout } else { after },
            ..user.clone()
        };
        store.update_user(user, &failed, &Credentials::default())?;
        store.set_address_lockout(user.id, address, if known.is_some() { after } else { Lockout::default() })?;
        Ok(after.is_locked(now) && !before.is_locked(now))
    }

    /// The keyed digest of the client's address, which is stored in its place.
    pub(super) fn address_digest(&self, context: &Context, user: UserId) -> SecretDigest {
        let address = context.address().map_or_else(|| "unknown".to_owned(), |address| address.to_string());
        self.secrets.keyed_digest(&format!("address {user} {address}"))
    }
}

/// The known address, if `user` signed in from it within 30 days (contract 2.4).
pub(super) fn known_address(
    store: &mut dyn Reader,
    user: UserId,
    address: &SecretDigest,
    now: Timestamp,
) -> Result<Option<KnownAddress>, StoreError> {
    let known = store.known_address(user, address)?;
    Ok(known.filter(|known| known.signed_in.plus_days(ADDRESS_DAYS) > now))
}
