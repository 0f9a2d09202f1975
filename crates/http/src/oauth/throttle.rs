//! Rate limits for failed sign-ins (contract 10 row 27).
//!
//! Only failures count, per address and per account at an address; so nobody can lock out a user at another address. The limits
//! are those of one instance.

use std::convert::Infallible;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use prometheus::IntCounter;
use quick_cache::sync::Cache;

use crate::extract::client_address::network;
use crate::metrics::ThrottleMetrics;
use crate::respond::problem::Problem;

/// How many addresses, and how many accounts at addresses, are remembered. The least recently used are evicted first.
const REMEMBERED: usize = 1 << 16;
const MINUTE: u64 = 60_000_000_000;

/// The most failures in a minute; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenLimits {
    /// Per address; for IPv6, per /64 network.
    pub per_address: Option<NonZeroU32>,
    /// Per address and username, email address or client id, whether it exists or not.
    pub per_account: Option<NonZeroU32>,
}

/// Counts failures by keyed hashes, of which it keeps a bounded number.
pub(crate) struct Throttle {
    hasher: RandomState,
    addresses: Option<Limiter>,
    accounts: Option<Limiter>,
}

/// An attempt, which counts as a failure until it is refunded.
#[must_use]
pub(crate) struct Attempt {
    counted: Vec<Arc<Bucket>>,
}

impl Throttle {
    pub(crate) fn new(limits: TokenLimits, metrics: ThrottleMetrics) -> Self {
        Self {
            hasher: RandomState::new(),
            addresses: limits.per_address.map(|limit| Limiter::new(limit, metrics.by_address)),
            accounts: limits.per_account.map(|limit| Limiter::new(limit, metrics.by_account)),
        }
    }

    /// Begins an attempt from `address`, or fails with 429 after too many failures from it.
    pub(crate) fn attempt(&self, address: Option<IpAddr>) -> Result<Attempt, Problem> {
        let mut attempt = Attempt { counted: Vec::new() };
        if let (Some(limiter), Some(address)) = (&self.addresses, address) {
            attempt.count(limiter, self.hasher.hash_one(network(address)))?;
        }
        Ok(attempt)
    }

    /// Counts the attempt for `account` too, or fails with 429 after too many failures for it from this address.
    pub(crate) fn count_account(
        &self,
        attempt: &mut Attempt,
        address: Option<IpAddr>,
        account: &impl Hash,
    ) -> Result<(), Problem> {
        match &self.accounts {
            Some(limiter) => attempt.count(limiter, self.hasher.hash_one((address.map(network), account))),
            None => Ok(()),
        }
    }
}

impl Attempt {
    /// Uncounts the attempt: it was no failure.
    pub(crate) fn refund(self) {
        for bucket in &self.counted {
            bucket.give_back();
        }
    }

    /// Refunds the attempt unless `outcome` is a client error; a server error is not a failed sign-in.
    pub(crate) fn settle<T>(self, outcome: Result<T, Problem>) -> Result<T, Problem> {
        if outcome.as_ref().map_or_else(Problem::is_server_error, |_| true) {
            self.refund();
        }
        outcome
    }

    fn count(&mut self, limiter: &Limiter, key: u64) -> Result<(), Problem> {
        let bucket = limiter.bucket(key);
        bucket.take().map_err(|wait| {
            limiter.refused.inc();
            Problem::too_many_requests(wait.as_secs() + 1)
        })?;
        self.counted.push(bucket);
        Ok(())
    }
}

struct Limiter {
    per_minute: NonZeroU32,
    buckets: Cache<u64, Arc<Bucket>>,
    begun: Instant,
    refused: IntCounter,
}

impl Limiter {
    fn new(per_minute: NonZeroU32, refused: IntCounter) -> Self {
        Self { per_minute, buckets: Cache::new(REMEMBERED), begun: Instant::now(), refused }
    }

    fn bucket(&self, key: u64) -> Arc<Bucket> {
        let new = || Ok::<_, Infallible>(Arc::new(Bucket::new(self.per_minute, self.begun)));
        let Ok(bucket) = self.buckets.get_or_insert_with(&key, new);
        bucket
    }
}

/// A bucket that refills steadily (the generic cell rate algorithm), with refunds.
struct Bucket {
    /// Nanoseconds in which the bucket refills by one.
    interval: u64,
    begun: Instant,
    /// When the bucket is full again, in nanoseconds since `begun`.
    full_at: AtomicU64,
}

impl Bucket {
    fn new(per_minute: NonZeroU32, begun: Instant) -> Self {
        Self { interval: MINUTE / u64::from(per_minute.get()), begun, full_at: AtomicU64::new(0) }
    }

    /// Takes one, or returns how long to wait for it.
    fn take(&self) -> Result<(), Duration> {
        let now = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let taken = |full_at: u64| {
            let next = full_at.max(now).saturating_add(self.interval);
            (next.saturating_sub(now) <= MINUTE).then_some(next)
        };
        let updated = self.full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken);
        updated.map(drop).map_err(|full_at| {
            Duration::from_nanos(full_at.saturating_add(self.interval).saturating_sub(now).saturating_sub(MINUTE))
        })
    }

    fn give_back(&self) {
        // A bucket that has refilled in the meantime stays full.
        let given_back = |full_at: u64| Some(full_at.saturating_sub(self.interval));
        let _ = self.full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, given_back);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::num::NonZeroU32;

    use super::{REMEMBERED, Throttle, TokenLimits};
    use crate::metrics::Metrics;

    fn throttle(per_address: u32, per_account: u32) -> Throttle {
        let [per_address, per_account] = [per_address, per_account].map(NonZeroU32::new);
        Throttle::new(TokenLimits { per_address, per_account }, Metrics::new().unwrap().throttled)
    }

    /// Whether an attempt begins; it fails.
    fn fails(throttle: &Throttle, address: &str, account: &str) -> bool {
        let address: Option<IpAddr> = Some(address.parse().unwrap());
        throttle
            .attempt(address)
            .and_then(|mut attempt| throttle.count_account(&mut attempt, address, &account))
            .is_ok()
    }

    #[test]
    fn each_network_and_each_account_at_it_has_its_own_count() {
        let addresses = throttle(2, 0);
        assert_eq!(["192.0.2.1"; 3].map(|address| fails(&addresses, address, "")), [true, true, false]);
        assert!(fails(&addresses, "192.0.2.2", ""));
        assert_eq!(
            ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::3"]
                .map(|address| fails(&addresses, address, "")),
            [true, true, false, true]
        );
        let accounts = throttle(0, 1);
        assert_eq!(["tyler", "tyler", "marla"].map(|name| fails(&accounts, "192.0.2.1", name)), [true, false, true]);
        assert!(fails(&accounts, "192.0.2.2", "tyler"));
        assert!(throttle(1, 1).attempt(None).is_ok());
        let unlimited = throttle(0, 0);
        assert!((0..1000).all(|_| fails(&unlimited, "192.0.2.1", "tyler")));
    }

    #[test]
    fn what_is_refused_is_counted_by_its_limit() {
        let metrics = Metrics::new().unwrap().throttled;
        let [one, two] = [1, 2].map(NonZeroU32::new);
        let throttle = Throttle::new(TokenLimits { per_address: two, per_account: one }, metrics.clone());
        // The second is refused for its account, the third for its address.
        assert_eq!(["tyler"; 3].map(|name| fails(&throttle, "192.0.2.1", name)), [true, false, false]);
        assert_eq!((metrics.by_account.get(), metrics.by_address.get()), (1, 1));
    }

    #[test]
    fn what_was_no_failure_does_not_count() {
        let throttle = throttle(3, 3);
        let address: Option<IpAddr> = Some("192.0.2.1".parse().unwrap());
        for _ in 0..100 {
            let mut attempt = throttle.attempt(address).unwrap();
            throttle.count_account(&mut attempt, address, &"tyler").unwrap();
            attempt.refund();
        }
        assert_eq!(["tyler"; 4].map(|name| fails(&throttle, "192.0.2.1", name)), [true, true, true, false]);
    }

    #[test]
    fn those_who_stay_away_are_forgotten() {
        let throttle = throttle(u32::MAX, u32::MAX);
        for name in 0..REMEMBERED * 2 {
            assert!(fails(&throttle, "192.0.2.1", &name.to_string()));
        }
        assert!(throttle.accounts.as_ref().unwrap().buckets.len() <= REMEMBERED);
    }
}
