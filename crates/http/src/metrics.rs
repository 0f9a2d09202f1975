//! What is counted of requests, sign-ins and lanes.
//!
//! Every number is an atomic one, and every label has one of few values: what a client sends makes no new series. Nothing here waits for whoever
//! reads the numbers.

pub(crate) mod lanes;
pub(crate) mod requests;
pub(crate) mod sign_ins;

use prometheus::core::Collector;
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use lanes::LaneMetrics;
use requests::RequestMetrics;
use sign_ins::SignInMetrics;

/// The metrics of the API.
pub(crate) struct Metrics {
    pub(crate) requests: RequestMetrics,
    pub(crate) sign_ins: SignInMetrics,
    pub(crate) lanes: LaneMetrics,
    pub(crate) throttled: ThrottleMetrics,
    /// Accounts that wrong passwords have locked.
    pub(crate) account_locks: IntCounter,
    all_throttled: IntCounterVec,
}

/// Attempts that were answered with 429, by the limit that was reached.
#[derive(Clone)]
pub(crate) struct ThrottleMetrics {
    pub(crate) by_address: IntCounter,
    pub(crate) by_account: IntCounter,
}

impl Metrics {
    /// Fails only if a name is none that metrics may have.
    pub(crate) fn new() -> prometheus::Result<Self> {
        let all_throttled = IntCounterVec::new(
            Opts::new("guildhall_throttled_total", "Sign-ins and password changes that were answered with 429"),
            &["limit"],
        )?;
        let throttled = ThrottleMetrics {
            by_address: all_throttled.get_metric_with_label_values(&["address"])?,
            by_account: all_throttled.get_metric_with_label_values(&["account"])?,
        };
        Ok(Self {
            requests: RequestMetrics::new()?,
            sign_ins: SignInMetrics::new()?,
            lanes: LaneMetrics::new()?,
            throttled,
            account_locks: IntCounter::new(
                "guildhall_account_locks_total",
                "Locks of accounts, or of accounts for one address, by wrong passwords",
            )?,
            all_throttled,
        })
    }

    /// Lets `registry` read all of them.
    pub(crate) fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        let own: [Box<dyn Collector>; 2] = [Box::new(self.account_locks.clone()), Box::new(self.all_throttled.clone())];
        let others = [self.requests.collectors(), self.sign_ins.collectors(), self.lanes.collectors()];
        others.into_iter().flatten().chain(own).try_for_each(|collector| registry.register(collector))
    }
}
