//! Kept answers in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::State;
use crate::ports::{EXPIRED_AT_ONCE, IdempotencyWriter, KeptAnswer, Savepoints, StoreError, Undo, Writer};
use crate::secret::SecretDigest;
use crate::time::Timestamp;

#[derive(Clone, Debug, Default)]
pub(super) struct KeptAnswers(Arc<BTreeMap<SecretDigest, KeptAnswer>>);

impl IdempotencyWriter for State {
    /// One unit of work writes at a time.
    fn take_request(&mut self, _: &SecretDigest) -> Result<bool, StoreError> {
        Ok(true)
    }

    fn kept_answer(&mut self, request: &SecretDigest, now: Timestamp) -> Result<Option<KeptAnswer>, StoreError> {
        Ok(self.kept_answers.0.get(request).filter(|answer| answer.expires > now).cloned())
    }

    fn keep_answer(&mut self, request: &SecretDigest, answer: &KeptAnswer, now: Timestamp) -> Result<(), StoreError> {
        if self.kept_answer(request, now)?.is_some() {
            return Err(self.refuse("an answer to the request is kept already"));
        }
        let answers = Arc::make_mut(&mut self.kept_answers.0);
        answers.insert(*request, answer.clone());
        let mut expired: Vec<_> = answers
            .iter()
            .filter(|(_, answer)| answer.expires <= now)
            .map(|(request, answer)| (answer.expires, *request))
            .collect();
        expired.sort_unstable();
        for (_, request) in expired.into_iter().take(EXPIRED_AT_ONCE as usize) {
            answers.remove(&request);
        }
        Ok(())
    }
}

impl Savepoints for State {
    fn within_savepoint(
        &mut self,
        part: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>,
    ) -> Result<(), StoreError> {
        let before = self.clone();
        if part(self).is_err() {
            *self = Self { failed: self.failed, ..before };
        }
        Ok(())
    }
}
