//! The pool of connections, and what is counted of it.

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts};
use r2d2::event::{AcquireEvent, CheckinEvent, CheckoutEvent, ReleaseEvent, TimeoutEvent};
use r2d2::{Builder, HandleEvent, NopErrorHandler, Pool, PooledConnection};

use crate::connection::Manager;

/// The upper bounds of the buckets of waiting, in seconds: most connections are there at once.
const BUCKETS: [f64; 9] = [0.000_1, 0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.0, 60.0];

/// A pool of connections. Clones share it.
#[derive(Clone)]
pub(crate) struct ConnectionPool {
    pool: Pool<Manager>,
    metrics: PoolMetrics,
}

/// The metrics of one pool. The pool tells them what happens, so reading them takes no lock of it.
#[derive(Clone, Debug)]
pub(crate) struct PoolMetrics {
    most: IntGauge,
    open: IntGauge,
    in_use: IntGauge,
    waiting: IntGauge,
    waits: Histogram,
    timeouts: IntCounter,
}

/// The metrics of all pools.
pub(crate) struct PoolsMetrics {
    gauges: [IntGaugeVec; 4],
    waits: HistogramVec,
    timeouts: IntCounterVec,
}

impl ConnectionPool {
    /// Opens the first connection of a pool of `size`.
    pub(crate) fn open(
        manager: &Manager,
        size: u32,
        wait: Duration,
        metrics: PoolMetrics,
    ) -> Result<Self, r2d2::Error> {
        let builder = builder(size, &metrics).min_idle(Some(1)).connection_timeout(wait);
        Ok(Self { pool: builder.build(manager.clone())?, metrics })
    }

    /// A pool of `size`, whose connections are opened meanwhile.
    pub(crate) fn opening(manager: Manager, size: u32, metrics: PoolMetrics) -> Self {
        Self { pool: builder(size, &metrics).build_unchecked(manager), metrics }
    }

    /// A connection, once there is one.
    pub(crate) fn get(&self) -> Result<PooledConnection<Manager>, r2d2::Error> {
        self.metrics.waiting.inc();
        let pooled = self.pool.get();
        self.metrics.waiting.dec();
        pooled
    }

    /// A connection, if one is free.
    pub(crate) fn try_get(&self) -> Option<PooledConnection<Manager>> {
        // The pool tells when it is given back, but not that it was taken.
        self.pool.try_get().inspect(|_| self.metrics.in_use.inc())
    }

    /// The most connections at one time.
    pub(crate) fn max_size(&self) -> u32 {
        self.pool.max_size()
    }
}

fn builder(size: u32, metrics: &PoolMetrics) -> Builder<Manager> {
    metrics.most.set(i64::from(size));
    Pool::builder()
        .max_size(size)
        .test_on_check_out(false)
        .error_handler(Box::new(NopErrorHandler))
        .event_handler(Box::new(metrics.clone()))
}

impl HandleEvent for PoolMetrics {
    fn handle_acquire(&self, _: AcquireEvent) {
        self.open.inc();
    }

    fn handle_release(&self, _: ReleaseEvent) {
        self.open.dec();
    }

    fn handle_checkout(&self, event: CheckoutEvent) {
        self.in_use.inc();
        self.waits.observe(event.duration().as_secs_f64());
    }

    fn handle_timeout(&self, _: TimeoutEvent) {
        self.timeouts.inc();
    }

    fn handle_checkin(&self, _: CheckinEvent) {
        self.in_use.dec();
    }
}

impl PoolsMetrics {
    pub(crate) fn new() -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| IntGaugeVec::new(Opts::new(name, help), &["pool"]);
        let waits =
            HistogramOpts::new("guildhall_database_connection_wait_seconds", "How long work waited for a connection");
        let timeouts = Opts::new(
            "guildhall_database_connection_timeouts_total",
            "How often work got no connection in the time for which it waits",
        );
        Ok(Self {
            gauges: [
                gauge("guildhall_database_connections_max", "The most connections that the pool may have")?,
                gauge("guildhall_database_connections", "Connections that are open")?,
                gauge("guildhall_database_connections_in_use", "Connections that work is using")?,
                gauge("guildhall_database_connections_waiting", "Work that waits for a connection")?,
            ],
            waits: HistogramVec::new(waits.buckets(BUCKETS.to_vec()), &["pool"])?,
            timeouts: IntCounterVec::new(timeouts, &["pool"])?,
        })
    }

    /// Those of the pool of this name.
    pub(crate) fn of(&self, pool: &str) -> prometheus::Result<PoolMetrics> {
        let [most, open, in_use, waiting] = &self.gauges;
        Ok(PoolMetrics {
            most: most.get_metric_with_label_values(&[pool])?,
            open: open.get_metric_with_label_values(&[pool])?,
            in_use: in_use.get_metric_with_label_values(&[pool])?,
            waiting: waiting.get_metric_with_label_values(&[pool])?,
            waits: self.waits.get_metric_with_label_values(&[pool])?,
            timeouts: self.timeouts.get_metric_with_label_values(&[pool])?,
        })
    }

    pub(crate) fn collectors(&self) -> Vec<Box<dyn Collector>> {
        let gauges = self.gauges.iter().map(|gauge| Box::new(gauge.clone()) as Box<dyn Collector>);
        gauges.chain([Box::new(self.waits.clone()) as Box<dyn Collector>, Box::new(self.timeouts.clone())]).collect()
    }
}
