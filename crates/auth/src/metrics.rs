//! What is counted of tokens and passwords.

use std::sync::Arc;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, PullingGauge, Registry};

use crate::jwt::cache::TokenCache;

/// The upper bounds of the buckets of hashing, in seconds.
const BUCKETS: [f64; 9] = [0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 1.0, 4.0];

/// How often a token was found in the cache.
pub(crate) struct TokenMetrics {
    hits: IntCounter,
    misses: IntCounter,
}

impl TokenMetrics {
    /// Those of tokens that `cache` holds, which `registry` reads.
    pub(crate) fn of(cache: &Arc<TokenCache>, registry: &Registry) -> prometheus::Result<Self> {
        let hits = IntCounter::new(
            "guildhall_token_cache_hits_total",
            "Tokens that had been verified before, by the same keys",
        )?;
        let misses =
            IntCounter::new("guildhall_token_cache_misses_total", "Tokens that had to be verified, or were refused")?;
        let cache = Arc::clone(cache);
        let tokens = PullingGauge::new(
            "guildhall_token_cache_tokens",
            "Verified tokens in the cache",
            Box::new(move || f64::from(u32::try_from(cache.len()).unwrap_or(u32::MAX))),
        )?;
        registry.register(Box::new(hits.clone()))?;
        registry.register(Box::new(misses.clone()))?;
        registry.register(Box::new(tokens))?;
        Ok(Self { hits, misses })
    }

    /// Counts a token that was looked up, and perhaps found.
    pub(crate) fn looked_up<T>(&self, found: Option<&T>) {
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.inc();
    }
}

/// How busy the slots for hashing passwords are.
pub(crate) struct PasswordMetrics {
    pub(crate) busy: IntGauge,
    pub(crate) waiting: IntGauge,
    pub(crate) durations: Histogram,
}

impl PasswordMetrics {
    /// Those of so many slots, which `registry` reads.
    pub(crate) fn of(slots: usize, registry: &Registry) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            prometheus::Result::Ok(gauge)
        };
        let most = gauge("guildhall_password_slots", "The most passwords that are hashed at one time")?;
        most.set(i64::try_from(slots).unwrap_or(i64::MAX));
        let durations = HistogramOpts::new(
            "guildhall_password_hash_seconds",
            "Password hashes that were computed, and how long one took once it had a slot",
        );
        let durations = Histogram::with_opts(durations.buckets(BUCKETS.to_vec()))?;
        registry.register(Box::new(durations.clone()))?;
        Ok(Self {
            busy: gauge("guildhall_password_slots_busy", "Passwords that are being hashed")?,
            waiting: gauge("guildhall_password_slots_waiting", "Passwords that wait for a slot")?,
            durations,
        })
    }
}
