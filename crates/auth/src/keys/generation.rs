//! How long what was verified stays verified.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the times that keys have changed. What was verified in one era must be verified again in the next.
///
/// Who verifies asks for the era before looking for a key, and who changes keys ends the era after the change: so nothing
/// that a removed key has verified belongs to an era in which the key was gone.
#[derive(Debug, Default)]
pub(crate) struct Era(AtomicU64);

impl Era {
    pub(crate) fn now(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn end(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}
