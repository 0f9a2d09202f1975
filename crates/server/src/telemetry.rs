//! The log, on standard error. Losing its destination never blocks the service.

mod lines;
mod queue;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal};
use std::panic;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::reload;

use crate::settings::{Level, Log, LogFormat};

use lines::LossReport;
use queue::LineQueue;

/// A guard of the log. When it is dropped, queued lines are written, for at most a second.
pub(crate) struct Logging {
    queue: LineQueue,
    level: LogLevel,
}

impl Logging {
    /// What sets the level.
    pub(crate) fn level(&self) -> LogLevel {
        self.level.clone()
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.queue.flush();
    }
}

/// Sets the level of the log while it is written. Clones set the same.
#[derive(Clone)]
pub(crate) struct LogLevel(Arc<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>);

impl LogLevel {
    /// Sets the level, from the next line on.
    pub(crate) fn set(&self, level: &Level) -> Result<()> {
        Ok((self.0)(level.filter())?)
    }
}

/// Starts logging, for a person on a terminal and in JSON otherwise. Panics become lines too.
pub(crate) fn start(settings: &Log) -> Result<Logging> {
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
    let queue = LineQueue::start(io::stderr(), report)?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(settings.level.filter())
        .with_writer(queue.clone())
        .with_ansi(is_terminal);
    let level = if is_text {
        let log = log.with_filter_reloading();
        let handle = log.reload_handle();
        log.try_init().map_err(|error| anyhow!(error))?;
        LogLevel(Arc::new(move |filter| handle.reload(filter)))
    } else {
        let log = log.json().flatten_event(true).with_span_list(false).with_filter_reloading();
        let handle = log.reload_handle();
        log.try_init().map_err(|error| anyhow!(error))?;
        LogLevel(Arc::new(move |filter| handle.reload(filter)))
    };
    log_panics();
    Ok(Logging { queue, level })
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
