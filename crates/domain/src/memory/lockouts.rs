//! Counts of wrong passwords in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{State, all_but_latest};
use crate::ports::{KnownAddress, LockoutReader, LockoutWriter, StoreError};
use crate::secret::SecretDigest;
use crate::time::Timestamp;
use crate::user::{Lockout, UserId};

/// The slot of a name that no user has: the first bytes of its digest. So the number of slots is bounded.
type Slot = [u8; 2];

#[derive(Clone, Debug, Default)]
pub(super) struct Lockouts {
    addresses: Arc<BTreeMap<(UserId, SecretDigest), KnownAddress>>,
    /// For names that no user has, each with the digest of the name that holds the slot.
    unknown_names: Arc<BTreeMap<Slot, (SecretDigest, Lockout)>>,
}

impl Lockouts {
    pub(super) fn remove_user(&mut self, user: UserId) {
        Arc::make_mut(&mut self.addresses).retain(|(owner, _), _| *owner != user);
    }
}

fn slot(name: &SecretDigest) -> Slot {
    [name.0[0], name.0[1]]
}

impl LockoutReader for State {
    fn lockout(&mut self, user: UserId) -> Result<Option<Lockout>, StoreError> {
        Ok(self.users.get(user).map(|user| user.lockout))
    }

    fn unknown_lockout(&mut self, name: &SecretDigest) -> Result<Lockout, StoreError> {
        let stored = self.lockouts.unknown_names.get(&slot(name)).filter(|(holder, _)| holder == name);
        Ok(stored.map(|(_, lockout)| *lockout).unwrap_or_default())
    }

    fn known_address(&mut self, user: UserId, address: &SecretDigest) -> Result<Option<KnownAddress>, StoreError> {
        Ok(self.lockouts.addresses.get(&(user, *address)).copied())
    }
}

impl LockoutWriter for State {
    fn unknown_lockout_to_change(&mut self, name: &SecretDigest) -> Result<Lockout, StoreError> {
        self.unknown_lockout(name)
    }

    fn set_unknown_lockout(&mut self, name: &SecretDigest, lockout: Lockout, now: Timestamp) -> Result<(), StoreError> {
        let names = Arc::make_mut(&mut self.lockouts.unknown_names);
        let stored = names.entry(slot(name)).or_insert((*name, lockout));
        if stored.0 == *name || !stored.1.is_locked(now) {
            *stored = (*name, lockout);
        }
        Ok(())
    }

    fn remember_address(
        &mut self,
        user: UserId,
        address: &SecretDigest,
        now: Timestamp,
        most: u32,
    ) -> Result<(), StoreError> {
        let known = KnownAddress { signed_in: now, lockout: Lockout::default() };
        let addresses = Arc::make_mut(&mut self.lockouts.addresses);
        addresses.insert((user, *address), known);
        let theirs = addresses.iter().filter(|((owner, _), _)| *owner == user);
        for address in all_but_latest(theirs.map(|((_, address), known)| (known.signed_in, *address)), most) {
            addresses.remove(&(user, address));
        }
        Ok(())
    }

    fn set_address_lockout(
        &mut self,
        user: UserId,
        address: &SecretDigest,
        lockout: Lockout,
    ) -> Result<(), StoreError> {
        if let Some(known) = Arc::make_mut(&mut self.lockouts.addresses).get_mut(&(user, *address)) {
            known.lockout = lockout;
        }
        Ok(())
    }

    fn reset_address_lockouts(&mut self, user: UserId) -> Result<bool, StoreError> {
        let addresses = Arc::make_mut(&mut self.lockouts.addresses).iter_mut();
        let theirs = addresses.filter(|((owner, _), _)| *owner == user);
        let before = theirs.map(|(_, known)| std::mem::take(&mut known.lockout));
        Ok(before.filter(|lockout| *lockout != Lockout::default()).count() > 0)
    }
}
