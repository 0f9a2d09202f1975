//! Kept answers to requests with an idempotency key.

use guildhall_domain::ports::{
    AnswerCounter, EXPIRED_AT_ONCE, IdempotencyWriter, KeptAnswer, KeptTotal, Savepoints, StoreError, Undo, Writer,
};
use guildhall_domain::secret::SecretDigest;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use serde::{Deserialize, Serialize};

use super::UnitOfWork;
use super::tables::{Changes, Rows};

/// Kept answers, by request.
pub(super) const KEPT_ANSWERS: Rows<&'static [u8], KeptAnswerRow> = Rows::new("kept answers");
/// The requests of kept answers, by when these expire.
pub(super) const EXPIRIES: Rows<(i64, &'static [u8]), [u8; 32]> = Rows::new("expiries of kept answers");

#[derive(Serialize, Deserialize)]
pub(super) struct KeptAnswerRow {
    sealed: Vec<u8>,
    expires: i64,
}

/// What was counted, by caller and the end of the counter.
pub(super) const COUNTS: Rows<(&'static [u8], i64), CountRow> = Rows::new("counts of kept answers");
/// The callers of counters, by when these end.
pub(super) const ENDS: Rows<(i64, &'static [u8]), EndRow> = Rows::new("ends of counts of kept answers");

#[derive(Serialize, Deserialize)]
pub(super) struct EndRow {
    caller: [u8; 16],
    ends: i64,
}

#[derive(Default, Serialize, Deserialize)]
pub(super) struct CountRow {
    answers: u64,
    bytes: u64,
    ends: i64,
}

impl IdempotencyWriter for UnitOfWork<Changes> {
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
        let row = KEPT_ANSWERS.get(&self.0, &request.0[..])?;
        let answer =
            row.map(|row| KeptAnswer { sealed: row.sealed, expires: Timestamp::from_milliseconds(row.expires) });
        Ok((answer.filter(|answer| answer.expires > now), self.total(caller, now)?))
    }

    fn keep_answer(
        &mut self,
        request: &SecretDigest,
        answer: &KeptAnswer,
        counter: AnswerCounter,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if let Some(expired) =
            KEPT_ANSWERS.get(&self.0, &request.0[..])?.filter(|row| row.expires <= now.milliseconds())
        {
            self.forget_answer(expired.expires, &request.0)?;
        }
        let row = KeptAnswerRow { sealed: answer.sealed.clone(), expires: answer.expires.milliseconds() };
        KEPT_ANSWERS.insert(&self.0, &request.0[..], &row)?;
        EXPIRIES.insert(&self.0, (row.expires, &request.0[..]), &request.0)?;
        let expired = EXPIRIES.up_to(&self.0, (now.milliseconds(), &[u8::MAX; 33][..]), EXPIRED_AT_ONCE as usize)?;
        for request in expired {
            let row = KEPT_ANSWERS.get(&self.0, &request[..])?;
            if let Some(row) = row {
                self.forget_answer(row.expires, &request)?;
            }
        }
        self.count(counter, answer)?;
        self.forget_counters(now)
    }
}

impl UnitOfWork<Changes> {
    fn total(&self, caller: UserId, now: Timestamp) -> Result<KeptTotal, StoreError> {
        let after = now.milliseconds().saturating_add(1);
        let counts =
            COUNTS.between(&self.0, (&caller.0.as_bytes()[..], after), (&caller.0.as_bytes()[..], i64::MAX))?;
        Ok(counts.iter().fold(KeptTotal::default(), |sum, row| KeptTotal {
            answers: sum.answers.saturating_add(row.answers),
            bytes: sum.bytes.saturating_add(row.bytes),
            first_ends: sum.first_ends.or(Some(Timestamp::from_milliseconds(row.ends))),
        }))
    }

    fn count(&mut self, counter: AnswerCounter, answer: &KeptAnswer) -> Result<(), StoreError> {
        let (caller, ends) = (counter.caller.0.as_bytes(), counter.ends.milliseconds());
        let before = COUNTS.get(&self.0, (&caller[..], ends))?.unwrap_or_default();
        let (answers, bytes) = (before.answers.saturating_add(1), before.bytes.saturating_add(answer.size()));
        COUNTS.put(&self.0, (&caller[..], ends), &CountRow { answers, bytes, ends })?;
        ENDS.put(&self.0, (ends, &caller[..]), &EndRow { caller: *caller, ends }).map(drop)
    }

    /// Removes the counters that ended first.
    fn forget_counters(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let ended = ENDS.up_to(&self.0, (now.milliseconds(), &[u8::MAX; 17][..]), EXPIRED_AT_ONCE as usize)?;
        for EndRow { caller, ends } in ended {
            ENDS.remove(&self.0, (ends, &caller[..]))?;
            COUNTS.remove(&self.0, (&caller[..], ends))?;
        }
        Ok(())
    }

    fn forget_answer(&mut self, expires: i64, request: &[u8; 32]) -> Result<(), StoreError> {
        EXPIRIES.remove(&self.0, (expires, &request[..]))?;
        KEPT_ANSWERS.remove(&self.0, &request[..]).map(drop)
    }
}

impl Savepoints for UnitOfWork<Changes> {
    fn within_savepoint(
        &mut self,
        part: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>,
    ) -> Result<(), StoreError> {
        let savepoint = self.0.set_savepoint();
        match part(self) {
            Ok(()) => {
                self.0.release_savepoint();
                Ok(())
            }
            Err(Undo) => self.0.roll_back_to(savepoint),
        }
    }
}
