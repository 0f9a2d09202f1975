//! What is counted of the database. Every number is an atomic one, and reading them asks the database nothing.

use std::collections::HashMap;
use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Gauge, Metric, MetricFamily, MetricType};
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use crate::health::Health;
use crate::pool::PoolsMetrics;
use crate::unit_of_work::FailureKind;

/// The metrics of the database.
pub(crate) struct Metrics {
    pub(crate) pools: PoolsMetrics,
    errors: IntCounterVec,
    memberships: IntCounterVec,
    at_once: IntCounterVec,
}

/// How many memberships a unit of work has begun and ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MembershipChanges {
    /// Users who joined a group.
    pub(crate) users_added: u64,
    /// Users who left a group, also because they or the group were deleted.
    pub(crate) users_removed: u64,
    /// Groups that were put below a group.
    pub(crate) groups_added: u64,
    /// Groups that were taken from below a group, also because one of both was deleted.
    pub(crate) groups_removed: u64,
}

/// How often a question was answered at once, and how often it was passed on to the store that may wait.
#[derive(Clone)]
pub(crate) struct AtOnceMetrics {
    pub(crate) answered: IntCounter,
    pub(crate) passed_on: IntCounter,
}

impl Metrics {
    /// Fails only if a name is none that metrics may have.
    pub(crate) fn new() -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let errors = counter(
            "guildhall_database_errors_total",
            "Attempts at work with the database that failed, also those that were made again with success",
            &["kind"],
        )?;
        for kind in FailureKind::names() {
            errors.get_metric_with_label_values(&[kind])?;
        }
        let memberships = counter(
            "guildhall_membership_changes_total",
            "Memberships that were added and removed by this process, once that was committed",
            &["member", "change"],
        )?;
        for (member, change, _) in MembershipChanges::default().numbers() {
            memberships.get_metric_with_label_values(&[member, change])?;
        }
        let at_once = counter(
            "guildhall_database_at_once_total",
            "Questions that were asked on the thread of the connection, and how often they were answered there",
            &["outcome"],
        )?;
        Ok(Self { pools: PoolsMetrics::new()?, errors, memberships, at_once })
    }

    /// Lets `registry` read all of them, and whether there is a fault.
    pub(crate) fn register(&self, registry: &Registry, health: &Arc<Health>) -> prometheus::Result<()> {
        let own: [Box<dyn Collector>; 4] = [
            Box::new(self.errors.clone()),
            Box::new(self.memberships.clone()),
            Box::new(self.at_once.clone()),
            Box::new(FaultCollector::new(Arc::clone(health))?),
        ];
        self.pools.collectors().into_iter().chain(own).try_for_each(|collector| registry.register(collector))
    }

    /// Notes that an attempt failed, if it is an error.
    pub(crate) fn failed(&self, kind: FailureKind) {
        if !kind.is_error() {
            return;
        }
        if let Ok(counter) = self.errors.get_metric_with_label_values(&[kind.name()]) {
            counter.inc();
        }
    }

    /// Notes that these changes were committed.
    pub(crate) fn committed(&self, changes: MembershipChanges) {
        for (member, change, number) in changes.numbers().into_iter().filter(|(_, _, number)| *number > 0) {
            if let Ok(counter) = self.memberships.get_metric_with_label_values(&[member, change]) {
                counter.inc_by(number);
            }
        }
    }

    /// Those of the store that answers at once.
    pub(crate) fn at_once(&self) -> prometheus::Result<AtOnceMetrics> {
        Ok(AtOnceMetrics {
            answered: self.at_once.get_metric_with_label_values(&["answered"])?,
            passed_on: self.at_once.get_metric_with_label_values(&["passed_on"])?,
        })
    }
}

impl MembershipChanges {
    /// Adds `others`.
    pub(crate) fn add(&mut self, others: Self) {
        self.users_added += others.users_added;
        self.users_removed += others.users_removed;
        self.groups_added += others.groups_added;
        self.groups_removed += others.groups_removed;
    }

    fn numbers(self) -> [(&'static str, &'static str, u64); 4] {
        [
            ("user", "added", self.users_added),
            ("user", "removed", self.users_removed),
            ("group", "added", self.groups_added),
            ("group", "removed", self.groups_removed),
        ]
    }
}

/// Whether the database is known to have a fault.
struct FaultCollector {
    health: Arc<Health>,
    description: Desc,
}

impl FaultCollector {
    fn new(health: Arc<Health>) -> prometheus::Result<Self> {
        let help = "1 if the database could not do its work when it was last asked, as far as that is known, or else 0";
        let description =
            Desc::new("guildhall_database_faulty".to_owned(), help.to_owned(), Vec::new(), HashMap::new())?;
        Ok(Self { health, description })
    }
}

impl Collector for FaultCollector {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.description]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut gauge = Gauge::default();
        gauge.set_value(if self.health.is_faulty() { 1.0 } else { 0.0 });
        let mut family = MetricFamily::default();
        family.set_name(self.description.fq_name.clone());
        family.set_help(self.description.help.clone());
        family.set_field_type(MetricType::GAUGE);
        family.set_metric(vec![Metric::from_gauge(gauge)]);
        vec![family]
    }
}
