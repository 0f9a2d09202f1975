//! The threads of the lanes, and the queues before them.

use prometheus::core::Collector;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts};

/// The upper bounds of the buckets of waiting, in seconds.
const BUCKETS: [f64; 9] = [0.0001, 0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0];

/// The metrics of all lanes.
pub(crate) struct LaneMetrics {
    threads: IntGaugeVec,
    running: IntGaugeVec,
    queued: IntGaugeVec,
    refused: IntCounterVec,
    waits: HistogramVec,
}

/// The metrics of one lane.
#[derive(Clone)]
pub(crate) struct WorkersMetrics {
    pub(crate) threads: IntGauge,
    pub(crate) running: IntGauge,
    pub(crate) queued: IntGauge,
    pub(crate) refused: IntCounter,
    pub(crate) waits: Histogram,
}

impl LaneMetrics {
    pub(super) fn new() -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| IntGaugeVec::new(Opts::new(name, help), &["lane"]);
        let refused =
            Opts::new("guildhall_lane_refused_total", "Work that was refused because the queue of the lane was full");
        let waits = HistogramOpts::new("guildhall_lane_wait_seconds", "How long work waited for a thread of the lane");
        Ok(Self {
            threads: gauge("guildhall_lane_threads", "Threads of the lane, the most work that it does at one time")?,
            running: gauge("guildhall_lane_running", "Work that threads of the lane are doing")?,
            queued: gauge("guildhall_lane_queued", "Work that waits for a thread of the lane")?,
            refused: IntCounterVec::new(refused, &["lane"])?,
            waits: HistogramVec::new(waits.buckets(BUCKETS.to_vec()), &["lane"])?,
        })
    }

    pub(super) fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![
            Box::new(self.threads.clone()),
            Box::new(self.running.clone()),
            Box::new(self.queued.clone()),
            Box::new(self.refused.clone()),
            Box::new(self.waits.clone()),
        ]
    }

    /// Those of the lane of this name.
    pub(crate) fn of(&self, lane: &str) -> prometheus::Result<WorkersMetrics> {
        Ok(WorkersMetrics {
            threads: self.threads.get_metric_with_label_values(&[lane])?,
            running: self.running.get_metric_with_label_values(&[lane])?,
            queued: self.queued.get_metric_with_label_values(&[lane])?,
            refused: self.refused.get_metric_with_label_values(&[lane])?,
            waits: self.waits.get_metric_with_label_values(&[lane])?,
        })
    }
}
