//! Answers that are kept, so that a request that is sent again is answered again and not done again.

use super::StoreError;
use crate::secret::SecretDigest;
use crate::time::Timestamp;
use crate::user::UserId;

/// The most kept answers that have expired and are removed with each one that is kept.
pub const EXPIRED_AT_ONCE: u32 = 32;
/// The bytes that a kept answer counts beside its own: those of its row, and of its entries in indexes.
pub const ANSWER_OVERHEAD: u64 = 256;

/// An answer to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// What is kept; only who keeps it knows what it means.
    pub sealed: Vec<u8>,
    /// From when on it is no more there.
    pub expires: Timestamp,
}

impl KeptAnswer {
    /// The bytes that it counts.
    #[must_use]
    pub fn size(&self) -> u64 {
        ANSWER_OVERHEAD.saturating_add(self.sealed.len() as u64)
    }
}

/// The counter that a kept answer is counted by: answers of one caller that expire at about the same time have one counter, so that what is
/// kept for the caller is a sum of few counters, and a counter ends as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AnswerCounter {
    /// Whose request was answered.
    pub caller: UserId,
    /// From when on it does not count. No answer that it counts expires later.
    pub ends: Timestamp,
}

/// What is kept for a caller, as it was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeptTotal {
    /// How many answers.
    pub answers: u64,
    /// The sum of their sizes.
    pub bytes: u64,
    /// When the first counter ends, if there is one.
    pub first_ends: Option<Timestamp>,
}

/// Keeps answers to requests. A request is the digest of its caller and its key.
pub trait IdempotencyWriter {
    /// Keeps every other unit of work from taking `request` until this one ends. `false`: another one has taken it. It never waits for that
    /// one, unless units of work that write never run at the same time. A later call of [`kept_answer`](Self::kept_answer) sees what was committed
    /// before it was taken.
    fn take_request(&mut self, request: &SecretDigest) -> Result<bool, StoreError>;
    /// The answer that is kept for `request`, unless it has expired at `now`, and what is kept for `caller` by counters that have not ended at `now`.
    fn kept_answer(
        &mut self,
        request: &SecretDigest,
        caller: UserId,
        now: Timestamp,
    ) -> Result<(Option<KeptAnswer>, KeptTotal), StoreError>;
    /// Keeps `answer` for `request`, in place of one that has expired at `now`, and counts it by `counter`; if there is one that has not, nothing is
    /// changed and the unit of work is run again or fails. Removes up to [`EXPIRED_AT_ONCE`] others that have expired, those that expired first, and as
    /// many counters that have ended. It does not wait for other units of work that remove them or count by the same counter, except where they begin
    /// the counter.
    fn keep_answer(
        &mut self,
        request: &SecretDigest,
        answer: &KeptAnswer,
        counter: AnswerCounter,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}
