//! Kept answers in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::State;
use crate::ports::{
    AnswerCounter, EXPIRED_AT_ONCE, IdempotencyWriter, KeptAnswer, KeptTotal, Savepoints, StoreError, Undo, Writer,
};
use crate::secret::SecretDigest;
use crate::time::Timestamp;
use crate::user::UserId;

#[derive(Clone, Debug, Default)]
pub(super) struct KeptAnswers {
    answers: Arc<BTreeMap<SecretDigest, KeptAnswer>>,
    /// How many answers each counter has counted, and their bytes.
    counts: Arc<BTreeMap<AnswerCounter, (u64, u64)>>,
}

impl KeptAnswers {
    fn get(&self, request: &SecretDigest, now: Timestamp) -> Option<&KeptAnswer> {
        self.answers.get(request).filter(|answer| answer.expires > now)
    }

    fn total(&self, caller: UserId, now: Timestamp) -> KeptTotal {
        let from_caller = self.counts.range(AnswerCounter { caller, ends: now }..);
        let counts = from_caller.take_while(|(counter, _)| counter.caller == caller);
        counts.filter(|(counter, _)| counter.ends > now).fold(
            KeptTotal::default(),
            |sum, (counter, (answers, bytes))| KeptTotal {
                answers: sum.answers + answers,
                bytes: sum.bytes + bytes,
                first_ends: sum.first_ends.or(Some(counter.ends)),
            },
        )
    }
}

impl IdempotencyWriter for State {
    /// One unit of work writes at a time.
    fn take_request(&mut self, _: &SecretDigest) -> Result<bool, StoreError> {
        Ok(true)
    }

    fn kept_answer(
        &mut self,
        request: &SecretDigest,
        caller: UserId,
        now: Timestamp,
    ) -> Result<(Option<KeptAnswer>, KeptTotal), StoreError> {
        Ok((self.kept_answers.get(request, now).cloned(), self.kept_answers.total(caller, now)))
    }

    fn keep_answer(
        &mut self,
        request: &SecretDigest,
        answer: &KeptAnswer,
        counter: AnswerCounter,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if self.kept_answers.get(request, now).is_some() {
            return Err(self.refuse("an answer to the request is kept already"));
        }
        let counts = Arc::make_mut(&mut self.kept_answers.counts);
        let (answers, bytes) = counts.entry(counter).or_default();
        *answers += 1;
        *bytes += answer.size();
        counts.retain(|counter, _| counter.ends > now);
        let answers = Arc::make_mut(&mut self.kept_answers.answers);
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
