//! Counts of wrong passwords: for a user, for a known address of a user, and for a name that no user has.

use super::StoreError;
use crate::secret::SecretDigest;
use crate::time::Timestamp;
use crate::user::{Lockout, UserId};

/// An address from which a user signed in with the right password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownAddress {
    /// When the user last did.
    pub signed_in: Timestamp,
    /// The wrong passwords from this address.
    pub lockout: Lockout,
}

/// Reads counts of wrong passwords.
pub trait LockoutReader {
    /// The wrong passwords for `user` from all addresses that are not known addresses.
    fn lockout(&mut self, user: UserId) -> Result<Option<Lockout>, StoreError>;
    /// The wrong passwords for a name that no user has.
    fn unknown_lockout(&mut self, name: &SecretDigest) -> Result<Lockout, StoreError>;
    /// What is stored of an address of `user`.
    fn known_address(&mut self, user: UserId, address: &SecretDigest) -> Result<Option<KnownAddress>, StoreError>;
}

/// Changes counts of wrong passwords.
pub trait LockoutWriter {
    /// Reads the wrong passwords for a name that no user has, and keeps every other unit of work from counting one until this
    /// one ends.
    fn unknown_lockout_to_change(&mut self, name: &SecretDigest) -> Result<Lockout, StoreError>;
    /// Stores the wrong passwords for a name that no user has. The number of slots is bounded, and several names share one: a
    /// name takes over its slot from another one, unless that one is locked at `now`. The call costs as much as `update_user`
    /// and `set_address_lockout` together, so that the response time does not tell which users exist.
    fn set_unknown_lockout(&mut self, name: &SecretDigest, lockout: Lockout, now: Timestamp) -> Result<(), StoreError>;
    /// Stores that `user` signed in from this address at `now`, and resets its wrong passwords. Of all addresses of the user,
    /// the `most` that were used last stay.
    fn remember_address(
        &mut self,
        user: UserId,
        address: &SecretDigest,
        now: Timestamp,
        most: u32,
    ) -> Result<(), StoreError>;
    /// Stores the wrong passwords from an address, if it is a known one.
    fn set_address_lockout(&mut self, user: UserId, address: &SecretDigest, lockout: Lockout)
    -> Result<(), StoreError>;
    /// Resets the wrong passwords from all known addresses of `user`. Returns whether there were any.
    fn reset_address_lockouts(&mut self, user: UserId) -> Result<bool, StoreError>;
}
