//! Counts the changes of keys, so that cached verifications end with the keys that made them.

use std::sync::atomic::{AtomicU64, Ordering};

/// The generation of all keys, own and external: a counter of their changes. A token that was verified in an earlier generation
/// must be verified again.
///
/// A verifier reads the generation before it looks for a key, and whoever changes keys advances it after the change. So no token
/// that was verified with a removed key is cached under a generation that began after the removal.
#[derive(Debug, Default)]
pub(crate) struct KeyGeneration(AtomicU64);

impl KeyGeneration {
    pub(crate) fn current(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn advance(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}
