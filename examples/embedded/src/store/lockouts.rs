//! Counts of wrong passwords.

use std::cmp::Reverse;

use guildhall_domain::ports::{KnownAddress, LockoutReader, LockoutWriter, StoreError};
use guildhall_domain::secret::SecretDigest;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{Lockout, UserId};
use serde::{Deserialize, Serialize};

use super::UnitOfWork;
use super::rows::LockoutRow;
use super::tables::{Changes, Rows, Tables};

/// Names that no user has, by slot.
pub(super) const UNKNOWN_NAMES: Rows<u16, UnknownNameRow> = Rows::new("unknown names");

#[derive(Serialize, Deserialize)]
pub(super) struct UnknownNameRow {
    digest: [u8; 32],
    lockout: LockoutRow,
}

/// A known address of a user.
#[derive(Serialize, Deserialize)]
pub(super) struct AddressRow {
    digest: [u8; 32],
    signed_in: i64,
    lockout: LockoutRow,
}

/// The slot of a name: the first two bytes of its digest, so that the number of slots is bounded.
fn slot(name: &SecretDigest) -> u16 {
    u16::from_be_bytes([name.0[0], name.0[1]])
}

impl<T: Tables> LockoutReader for UnitOfWork<T> {
    fn lockout(&mut self, user: UserId) -> Result<Option<Lockout>, StoreError> {
        Ok(self.load_user(user)?.map(|user| user.lockout))
    }

    fn unknown_lockout(&mut self, name: &SecretDigest) -> Result<Lockout, StoreError> {
        let row = UNKNOWN_NAMES.get(&self.0, slot(name))?.filter(|row| row.digest == name.0);
        Ok(row.map(|row| row.lockout.into()).unwrap_or_default())
    }

    fn known_address(&mut self, user: UserId, address: &SecretDigest) -> Result<Option<KnownAddress>, StoreError> {
        let addresses = self.account(user)?.map(|account| account.addresses).unwrap_or_default();
        Ok(addresses.into_iter().find(|row| row.digest == address.0).map(|row| KnownAddress {
            signed_in: Timestamp::from_milliseconds(row.signed_in),
            lockout: row.lockout.into(),
        }))
    }
}

impl LockoutWriter for UnitOfWork<Changes> {
    fn unknown_lockout_to_change(&mut self, name: &SecretDigest) -> Result<Lockout, StoreError> {
        self.unknown_lockout(name)
    }

    /// The commit takes most of the time, with this change as with those of a user.
    fn set_unknown_lockout(&mut self, name: &SecretDigest, lockout: Lockout, now: Timestamp) -> Result<(), StoreError> {
        let held = UNKNOWN_NAMES.get(&self.0, slot(name))?;
        if held.is_some_and(|row| row.digest != name.0 && Lockout::from(row.lockout).is_locked(now)) {
            return Ok(());
        }
        let row = UnknownNameRow { digest: name.0, lockout: lockout.into() };
        UNKNOWN_NAMES.put(&self.0, slot(name), &row).map(drop)
    }

    fn remember_address(
        &mut self,
        user: UserId,
        address: &SecretDigest,
        now: Timestamp,
        most: u32,
    ) -> Result<(), StoreError> {
        let row = AddressRow { digest: address.0, signed_in: now.milliseconds(), lockout: LockoutRow::default() };
        self.change_account(user, |account| {
            account.addresses.retain(|row| row.digest != address.0);
            account.addresses.push(row);
            account.addresses.sort_by_key(|row| Reverse(row.signed_in));
            account.addresses.truncate(most as usize);
        })
    }

    fn set_address_lockout(
        &mut self,
        user: UserId,
        address: &SecretDigest,
        lockout: Lockout,
    ) -> Result<(), StoreError> {
        self.change_account(user, |account| {
            for row in account.addresses.iter_mut().filter(|row| row.digest == address.0) {
                row.lockout = lockout.into();
            }
        })
    }

    fn reset_address_lockouts(&mut self, user: UserId) -> Result<bool, StoreError> {
        let mut had_some = false;
        self.change_account(user, |account| {
            for row in &mut account.addresses {
                let before = std::mem::take(&mut row.lockout);
                had_some |= Lockout::from(before) != Lockout::default();
            }
        })?;
        Ok(had_some)
    }
}
