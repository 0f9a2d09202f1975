//! Single statements that read a SQLite file, on the thread that asks. Most take some microseconds, less than it takes to hand them to
//! another thread.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use guildhall_domain::group::Group;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::ports::{
    AccountStatus, Cancellation, FoundFor, MembershipAnswer, MembershipQuestion, Reader, Store, StoreError, Undo,
    Writer,
};
use guildhall_domain::user::{User, UserId};

use super::DieselStore;
use crate::connection::{AnyConnection, InterruptHandle, Manager};
use crate::metrics::AtOnceMetrics;
use crate::pool::{ConnectionPool, PoolMetrics};
use crate::spans;
use crate::tables;
use crate::unit_of_work::Failure;

/// The most time that a statement may take. One that took longer all the same has waited for the disk, or for a processor.
const MOST: Duration = Duration::from_millis(2);
/// For how many times its own duration nothing is answered at once after a statement that took too long or failed. So such statements take
/// a third of a thread at most.
const REST: u32 = 2;

/// Answers at once, or fails: when no connection is free, when a lock would have to be awaited, and when a statement takes too long. The
/// caller asks the other store then, which also finds out what is wrong.
pub(crate) struct AtOnceStore {
    store: Arc<DieselStore>,
    connections: ConnectionPool,
    metrics: AtOnceMetrics,
    opened: Instant,
    /// Until when nothing is answered at once, in microseconds after `opened`.
    resting_until: AtomicU64,
}

/// Why there is no answer at once.
#[derive(Debug, thiserror::Error)]
#[error("there is no answer at once")]
struct NotAtOnce;

impl AtOnceStore {
    /// Answers from the database of `store` by connections of its own, one for each processor, which `manager` opens meanwhile.
    pub(crate) fn over(store: Arc<DieselStore>, manager: Manager, pool: PoolMetrics, metrics: AtOnceMetrics) -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        let connections = ConnectionPool::opening(manager, u32::try_from(processors).unwrap_or(1), pool);
        Self { store, connections, metrics, opened: Instant::now(), resting_until: AtomicU64::new(0) }
    }

    fn ask<T>(&self, statement: impl FnOnce(&mut AnyConnection) -> Result<T, Failure>) -> Result<T, StoreError> {
        if let Some(answer) = self.answer(statement) {
            self.metrics.answered.inc();
            return Ok(answer);
        }
        self.metrics.passed_on.inc();
        Err(StoreError::unavailable(NotAtOnce))
    }

    fn answer<T, F>(&self, statement: F) -> Option<T>
    where
        F: FnOnce(&mut AnyConnection) -> Result<T, Failure>,
    {
        if self.micros() < self.resting_until.load(Ordering::Relaxed) {
            return None;
        }
        self.store.health.check_file_now_and_then().ok()?;
        let mut pooled = self.connections.try_get()?;
        if pooled.generation != self.store.health.health().generation() {
            pooled.broken = true;
            return None;
        }
        if let InterruptHandle::Sqlite(guard) = &pooled.interrupt {
            guard.allow(Some(self.store.limit.map_or(MOST, |limit| limit.min(MOST))));
        }
        let began = Instant::now();
        let outcome = spans::statement::<F>(self.store.dialect).in_scope(|| statement(&mut pooled.connection));
        let took = began.elapsed();
        let is_error = outcome.as_ref().is_err_and(|failure| failure.kind(self.store.dialect).is_error());
        if took > MOST || is_error {
            let rest = u64::try_from((took * REST).as_micros()).unwrap_or(u64::MAX);
            self.resting_until.store(self.micros().saturating_add(rest), Ordering::Relaxed);
        }
        pooled.broken = outcome.as_ref().is_err_and(|failure| failure.kind(self.store.dialect).breaks_connection());
        outcome.ok()
    }

    /// The time, in microseconds after this was made.
    fn micros(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

impl Store for AtOnceStore {
    fn reading(&self, _: &Cancellation, _: &mut dyn FnMut(&mut dyn Reader)) -> Result<(), StoreError> {
        Err(StoreError::unavailable(NotAtOnce))
    }

    fn writing(&self, _: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        Err(StoreError::unavailable(NotAtOnce))
    }

    fn writing_alone(&self, _: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        Err(StoreError::unavailable(NotAtOnce))
    }

    fn ready(&self) -> Result<(), StoreError> {
        Err(StoreError::unavailable(NotAtOnce))
    }

    fn check(&self, _: &Cancellation, check: &MembershipQuestion<'_>) -> Result<MembershipAnswer, StoreError> {
        let caller = check.caller.ok_or_else(|| StoreError::unavailable(NotAtOnce))?;
        let at = self.store.moment();
        self.ask(|connection| tables::check(connection, at, caller, check))
    }

    fn account(&self, _: &Cancellation, caller: UserId) -> Result<Option<AccountStatus>, StoreError> {
        let at = self.store.moment();
        self.ask(|connection| tables::account(connection, at, caller))
    }

    fn user_for(&self, _: &Cancellation, caller: UserId, user: &UserIdentifier) -> Result<FoundFor<User>, StoreError> {
        let at = self.store.moment();
        self.ask(|connection| tables::user_for(connection, at, caller, user))
    }

    fn group_for(
        &self,
        _: &Cancellation,
        caller: UserId,
        group: &GroupIdentifier,
    ) -> Result<FoundFor<Group>, StoreError> {
        let at = self.store.moment();
        self.ask(|connection| tables::group_for(connection, at, caller, group))
    }
}
