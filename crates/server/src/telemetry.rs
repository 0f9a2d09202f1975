//! The log, on standard error, and the export of traces. Losing where they go never blocks the service.

mod lines;
mod queue;
mod traces;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal};
use std::panic;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use prometheus::Registry;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, fmt, registry, reload};

use crate::settings::{Level, Log, LogFormat, Telemetry as TelemetrySettings};

use lines::LossReport;
use queue::LineQueue;
use traces::TARGETS;

pub(crate) use traces::TraceExport;

/// The log, and the export of traces. When it is dropped, queued lines and spans are written, each for at most a second.
pub(crate) struct Telemetry {
    /// Dropped first, because it may have something to log.
    traces: Option<TraceExport>,
    log: LineQueue,
    level: LogLevel,
}

/// Sets the level of the log while it is written. Clones set the same.
#[derive(Clone)]
pub(crate) struct LogLevel(Arc<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>);

impl LogLevel {
    /// Sets the level, from the next line on.
    pub(crate) fn set(&self, level: &Level) -> Result<()> {
        Ok((self.0)(without_exported_spans(level.filter()))?)
    }
}

impl Telemetry {
    /// The export of traces, if there is one.
    pub(crate) fn traces(&self) -> Option<&TraceExport> {
        self.traces.as_ref()
    }

    /// What sets the level of the log.
    pub(crate) fn level(&self) -> LogLevel {
        self.level.clone()
    }

    /// Lets `registry` read what was lost of the log and of traces.
    pub(crate) fn register_metrics(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.log.lost()))?;
        self.traces.iter().try_for_each(|traces| traces.register_metrics(registry))
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        drop(self.traces.take());
        self.log.flush();
    }
}

/// Starts logging, for a person on a terminal and in JSON otherwise, and the export of traces where the settings ask for it. Panics become
/// lines too.
pub(crate) fn start(settings: &Log, telemetry: &TelemetrySettings) -> Result<Telemetry> {
    let is_terminal = io::stderr().is_terminal();
    let is_text = match settings.format {
        LogFormat::Auto => is_terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let report = match (is_text, is_terminal) {
        (false, _) => LossReport::Json,
        (true, false) => LossReport::Text,
        (true, true) => LossReport::Coloured,
    };
    let log = LineQueue::start(io::stderr(), report)?;
    let traces = TraceExport::start(telemetry)?;
    let lines = fmt::layer().with_writer(log.clone()).with_ansi(is_terminal);
    let lines = if is_text { lines.boxed() } else { lines.json().flatten_event(true).with_span_list(false).boxed() };
    let filter = without_exported_spans(settings.level.filter());
    let (started, level) = match &traces {
        // A filter for the whole costs less than one for a layer, and leaves the spans that are for export disabled.
        None => {
            let (filter, handle) = reload::Layer::new(filter);
            let started = registry().with(lines).with(filter).try_init();
            (started, LogLevel(Arc::new(move |filter| handle.reload(filter))))
        }
        Some(traces) => {
            let (filter, handle) = reload::Layer::new(filter);
            let started = registry().with(lines.with_filter(filter)).with(traces.layer()).try_init();
            (started, LogLevel(Arc::new(move |filter| handle.reload(filter))))
        }
    };
    started.map_err(|error| anyhow!(error))?;
    log_panics();
    Ok(Telemetry { traces, log, level })
}

/// The filter of the log, which has nothing of the spans that are for export.
fn without_exported_spans(filter: EnvFilter) -> EnvFilter {
    TARGETS.iter().filter_map(|target| format!("{target}=off").parse().ok()).fold(filter, EnvFilter::add_directive)
}

/// The default hook writes to standard error itself, and blocks if nobody reads it.
fn log_panics() {
    panic::set_hook(Box::new(|info| {
        let location = info.location().map(ToString::to_string).unwrap_or_default();
        let reason = info.payload_as_str().unwrap_or_default();
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            let backtrace = backtrace.to_string();
            tracing::error!(location, reason, backtrace, "a thread panicked at {location}");
        } else {
            tracing::error!(location, reason, "a thread panicked at {location}");
        }
    }));
}
