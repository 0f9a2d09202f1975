//! The metrics of the process, under the names that all programs have them by.

use std::collections::HashMap;
use std::fs;

use guildhall_domain::ports::Clock as _;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, Metric, MetricFamily, MetricType};
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::system::SystemClock;

/// What is read of the process when somebody asks. What the system does not tell is left out.
pub(crate) struct ProcessCollector {
    descriptions: Vec<Desc>,
    /// In seconds since 1970.
    started: f64,
}

/// A number of the process.
struct Number {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    read: fn(&ProcessCollector) -> Option<f64>,
}

const NUMBERS: [Number; 6] = [
    Number {
        name: "process_cpu_seconds_total",
        help: "Processor time that the process has used, in seconds",
        kind: MetricType::COUNTER,
        read: |_| Some(processor_seconds()),
    },
    Number {
        name: "process_start_time_seconds",
        help: "When the process began to serve, in seconds since 1970",
        kind: MetricType::GAUGE,
        read: |process| Some(process.started),
    },
    Number {
        name: "process_resident_memory_bytes",
        help: "Memory of the process that is in use",
        kind: MetricType::GAUGE,
        read: |_| pages(1),
    },
    Number {
        name: "process_virtual_memory_bytes",
        help: "Addresses of the process that are in use, in bytes",
        kind: MetricType::GAUGE,
        read: |_| pages(0),
    },
    Number {
        name: "process_open_fds",
        help: "Files and sockets that are open",
        kind: MetricType::GAUGE,
        read: |_| open_files(),
    },
    Number {
        name: "process_max_fds",
        help: "The most files and sockets that may be open",
        kind: MetricType::GAUGE,
        read: |_| getrlimit(Resource::Nofile).current.map(number),
    },
];

impl ProcessCollector {
    pub(crate) fn new() -> prometheus::Result<Self> {
        let describe =
            |number: &Number| Desc::new(number.name.to_owned(), number.help.to_owned(), Vec::new(), HashMap::new());
        let started = SystemClock.now().milliseconds();
        Ok(Self {
            descriptions: NUMBERS.iter().map(describe).collect::<Result<_, _>>()?,
            started: number(u64::try_from(started).unwrap_or_default()) / 1000.0,
        })
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let family = |number: &Number| {
            let value = (number.read)(self)?;
            let metric = if number.kind == MetricType::COUNTER {
                let mut counter = Counter::default();
                counter.set_value(value);
                let mut metric = Metric::from_label(Vec::new());
                metric.set_counter(counter);
                metric
            } else {
                let mut gauge = Gauge::default();
                gauge.set_value(value);
                Metric::from_gauge(gauge)
            };
            let mut family = MetricFamily::default();
            family.set_name(number.name.to_owned());
            family.set_help(number.help.to_owned());
            family.set_field_type(number.kind);
            family.set_metric(vec![metric]);
            Some(family)
        };
        NUMBERS.iter().filter_map(family).collect()
    }
}

fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    number(seconds.unwrap_or_default()) + number(nanoseconds.unwrap_or_default()) / 1e9
}

/// The bytes of so many pages as the system says in this field.
fn pages(field: usize) -> Option<f64> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(field)?.parse().ok()?;
    Some(number(pages.saturating_mul(rustix::param::page_size() as u64)))
}

fn open_files() -> Option<f64> {
    let files = fs::read_dir("/proc/self/fd").ok()?.count();
    // The folder itself is open while it is read.
    Some(number(files.saturating_sub(1) as u64))
}

/// The nearest number that metrics can have.
#[expect(clippy::cast_precision_loss, reason = "metrics are floating-point numbers")]
fn number(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use prometheus::core::Collector as _;

    use super::{NUMBERS, ProcessCollector};

    #[test]
    fn the_system_tells_every_number_and_none_is_absurd() {
        let families = ProcessCollector::new().unwrap().collect();
        assert_eq!(families.len(), NUMBERS.len());
        for family in families {
            let metric = &family.get_metric()[0];
            let value = metric.get_gauge().get_value() + metric.get_counter().get_value();
            let expected = match family.name() {
                "process_cpu_seconds_total" => 0.0..1e5,
                "process_start_time_seconds" => 1.7e9..4e9,
                "process_resident_memory_bytes" => 1e5..1e11,
                "process_virtual_memory_bytes" => 1e6..1e15,
                "process_open_fds" => 3.0..1e5,
                _ => 16.0..1e10,
            };
            assert!(expected.contains(&value), "{} {value}", family.name());
        }
    }
}
