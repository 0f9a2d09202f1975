//! Answers that are kept, so that a request that is sent again is answered again and not done again.

use super::StoreError;
use crate::secret::SecretDigest;
use crate::time::Timestamp;

/// The most kept answers that have expired and are removed with each one that is kept.
pub const EXPIRED_AT_ONCE: u32 = 32;

/// An answer to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// What is kept; only who keeps it knows what it means.
    pub sealed: Vec<u8>,
    /// From when on it is no more there.
    pub expires: Timestamp,
}

/// Keeps answers to requests. A request is the digest of its caller and its key.
pub trait IdempotencyWriter {
    /// Keeps every other unit of work from taking `request` until this one ends. `false`: another one has taken it. It never waits for that
    /// one, unless units of work that write never run at the same time. A later call of [`kept_answer`](Self::kept_answer) sees what was committed
    /// before it was taken.
    fn take_request(&mut self, request: &SecretDigest) -> Result<bool, StoreError>;
    /// The answer that is kept for `request`, unless it has expired at `now`.
    fn kept_answer(&mut self, request: &SecretDigest, now: Timestamp) -> Result<Option<KeptAnswer>, StoreError>;
    /// Keeps `answer` for `request`, in place of one that has expired at `now`; if there is one that has not, nothing is changed and the unit of work
    /// is run again or fails. Removes up to [`EXPIRED_AT_ONCE`] others that have expired, those that expired first. It does not wait for other units of
    /// work that remove them.
    fn keep_answer(&mut self, request: &SecretDigest, answer: &KeptAnswer, now: Timestamp) -> Result<(), StoreError>;
}
