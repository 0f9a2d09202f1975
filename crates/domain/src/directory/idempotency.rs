//! Requests that are done once, however often they are sent.

use std::time::Duration;

use uuid::Uuid;

use super::Directory;
use super::unit_of_work::Finish;
use crate::access::{On, Permission, Refused};
use crate::context::Context;
use crate::idempotency_key::IdempotencyKey;
use crate::ports::{AnswerCounter, KeptAnswer, KeptTotal, StoreError};
use crate::secret::SecretDigest;
use crate::time::Timestamp;
use crate::user::UserId;

/// A request that is to be done once.
#[derive(Clone, Copy, Debug)]
pub struct KeyedRequest<'a> {
    /// What the caller calls it. Each caller has keys of their own.
    pub key: &'a IdempotencyKey,
    /// What the caller must be permitted, also to be given the kept answer.
    pub permission: Permission,
    /// On what.
    pub on: On<'a>,
    /// How its answer is kept.
    pub keeping: AnswerKeeping,
}

/// For how long answers are kept, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerKeeping {
    /// For how long.
    pub retention: Duration,
    /// The most that are kept for a caller.
    pub per_caller: KeptLimit,
    /// The same for one who is a System Administrator when they call.
    pub per_administrator: KeptLimit,
}

/// The most that is kept. Requests at the same time may go beyond it by one answer each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptLimit {
    /// The number of answers.
    pub answers: u64,
    /// The sum of their sizes, of which the last answer may go beyond.
    pub bytes: u64,
}

/// How a request that is to be done once ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyedOutcome<T> {
    /// It was done by this call.
    Done(T),
    /// It was done before; this was kept.
    Kept(Vec<u8>),
    /// Another call is doing it.
    UnderWay,
    /// It was not done, because as much is kept for the caller as may be.
    LimitReached {
        /// When some of that expires.
        until: Timestamp,
    },
}

/// How many counters the answers of one caller have, and one more.
const COUNTERS: i64 = 24;

/// Who counts for an actor who is no user.
const NOBODY: UserId = UserId(Uuid::nil());

impl Directory<'_> {
    /// Runs `work` for an actor who has the permission of `request`, unless it was run before for a request of this actor with this key. All that use
    /// cases do by the directory that `work` is given is one unit of work; with it is kept what `work` returns as the second value, if that is something.
    /// If `work` fails, nothing is kept of it. It may be run several times, of which the last one counts.
    ///
    /// Nothing that is kept is removed before it expires, so `work` is not run where as much is kept for the actor as may be.
    pub fn once<T, E: From<Refused> + From<StoreError>>(
        &self,
        context: &Context,
        request: &KeyedRequest<'_>,
        mut work: impl FnMut(&Directory<'_>, &Context) -> Result<(T, Option<Vec<u8>>), E>,
    ) -> Result<KeyedOutcome<T>, E> {
        let (digest, now) = (self.request_digest(context, request.key), context.now());
        let caller = context.actor().user().unwrap_or(NOBODY);
        self.in_one_unit(context, |whole| {
            let limit = whole.run(|directory, context| -> Result<_, Refused> {
                directory.authorise(context, request.permission, request.on)?;
                Ok(request.keeping.limit(context))
            })?;
            if !whole.writer.take_request(&digest)? {
                return Ok(Finish::Rollback(KeyedOutcome::UnderWay));
            }
            let (kept, total) = whole.writer.kept_answer(&digest, caller, now)?;
            if let Some(kept) = kept {
                return Ok(Finish::Rollback(KeyedOutcome::Kept(kept.sealed)));
            }
            if limit.is_reached(&total) {
                let until = total.first_ends.unwrap_or(now);
                return Ok(Finish::Rollback(KeyedOutcome::LimitReached { until }));
            }
            let (value, sealed) = whole.run(&mut work)?;
            if let Some(sealed) = sealed {
                let answer = KeptAnswer { sealed, expires: now.plus(request.keeping.retention) };
                let counter = AnswerCounter { caller, ends: request.keeping.counter_ends(answer.expires) };
                whole.writer.keep_answer(&digest, &answer, counter, now)?;
            }
            Ok(Finish::Commit(KeyedOutcome::Done(value)))
        })
    }

    /// What names the request of this actor with this key.
    fn request_digest(&self, context: &Context, key: &IdempotencyKey) -> SecretDigest {
        let caller = context.actor().user().map(|user| user.to_string()).unwrap_or_default();
        self.secrets.digest(&format!("idempotency {caller} {}", key.as_str()))
    }
}

impl Default for AnswerKeeping {
    /// A day; 10,000 answers and 8 MiB for each caller, a million and 1 GiB for each System Administrator.
    fn default() -> Self {
        Self {
            retention: Duration::from_hours(24),
            per_caller: KeptLimit { answers: 10_000, bytes: 8 << 20 },
            per_administrator: KeptLimit { answers: 1_000_000, bytes: 1 << 30 },
        }
    }
}

impl AnswerKeeping {
    /// That of the actor who was admitted. Only callers are noted.
    fn limit(&self, context: &Context) -> KeptLimit {
        let is_administrator = context.admission().is_none_or(|admission| admission.is_system_administrator);
        if is_administrator { self.per_administrator } else { self.per_caller }
    }

    /// When the counter ends of an answer that expires then.
    fn counter_ends(&self, expires: Timestamp) -> Timestamp {
        let retention = i64::try_from(self.retention.as_millis()).unwrap_or(i64::MAX);
        let step = (retention / COUNTERS).max(1);
        let into_step = expires.milliseconds().rem_euclid(step);
        let left = if into_step == 0 { 0 } else { step - into_step };
        Timestamp::from_milliseconds(expires.milliseconds().saturating_add(left))
    }
}

impl KeptLimit {
    fn is_reached(&self, total: &KeptTotal) -> bool {
        total.answers >= self.answers || total.bytes >= self.bytes
    }
}
