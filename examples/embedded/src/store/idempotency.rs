//! Kept answers to requests with an idempotency key.

use guildhall_domain::ports::{EXPIRED_AT_ONCE, IdempotencyWriter, KeptAnswer, Savepoints, StoreError, Undo, Writer};
use guildhall_domain::secret::SecretDigest;
use guildhall_domain::time::Timestamp;
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

impl IdempotencyWriter for UnitOfWork<Changes> {
    /// One unit of work writes at a time.
    fn take_request(&mut self, _: &SecretDigest) -> Result<bool, StoreError> {
        Ok(true)
    }

    fn kept_answer(&mut self, request: &SecretDigest, now: Timestamp) -> Result<Option<KeptAnswer>, StoreError> {
        let row = KEPT_ANSWERS.get(&self.0, &request.0[..])?;
        let answer =
            row.map(|row| KeptAnswer { sealed: row.sealed, expires: Timestamp::from_milliseconds(row.expires) });
        Ok(answer.filter(|answer| answer.expires > now))
    }

    fn keep_answer(&mut self, request: &SecretDigest, answer: &KeptAnswer, now: Timestamp) -> Result<(), StoreError> {
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
        Ok(())
    }
}

impl UnitOfWork<Changes> {
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
