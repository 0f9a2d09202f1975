//! Shares of a limited resource, counted per client.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts the shares that each client holds. Clients without shares use no memory.
#[derive(Clone)]
pub(crate) struct Shares<K: Eq + Hash> {
    held: Arc<Mutex<HashMap<K, usize>>>,
    most: usize,
}

/// One share of a client, returned on drop.
pub(crate) struct Share<K: Eq + Hash> {
    shares: Shares<K>,
    client: K,
}

/// The client holds all shares that it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests of this kind from one address wait already")]
pub(crate) struct ShareExhausted;

impl<K: Clone + Eq + Hash> Shares<K> {
    /// Each client may hold `most` shares.
    pub(crate) fn new(most: usize) -> Self {
        Self { held: Arc::default(), most }
    }

    /// Takes one share for `client`.
    pub(crate) fn take(&self, client: K) -> Result<Share<K>, ShareExhausted> {
        let mut held = self.lock();
        let count = held.get(&client).copied().unwrap_or_default();
        if count >= self.most {
            return Err(ShareExhausted);
        }
        held.insert(client.clone(), count + 1);
        drop(held);
        Ok(Share { shares: self.clone(), client })
    }
}

impl<K: Eq + Hash> Shares<K> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut held = self.shares.lock();
        if let Some(count) = held.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::hash::Hash;

    use super::{ShareExhausted, Shares};

    impl<K: Eq + Hash> Shares<K> {
        /// Whether no client holds a share.
        pub(crate) fn is_empty(&self) -> bool {
            self.lock().is_empty()
        }
    }

    #[test]
    fn each_client_has_its_share_and_is_forgotten_when_it_holds_nothing() {
        let shares = Shares::new(2);
        let both = [shares.take("tyler"), shares.take("tyler")];
        assert_eq!(shares.take("tyler").err(), Some(ShareExhausted));
        let other = shares.take("marla");
        assert!(other.is_ok());
        drop(both);
        assert!(shares.take("tyler").is_ok());
        drop(other);
        assert!(shares.is_empty());
    }
}
