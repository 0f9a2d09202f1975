//! The log, on standard error. Losing its destination never blocks the service.

mod lines;
mod queue;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal};
use std::panic;

use anyhow::{Result, anyhow};

use crate::settings::{Log, LogFormat};

use lines::LossReport;
use queue::LineQueue;

/// A guard of the log. When it is dropped, queued lines are written, for at most a second.
pub(crate) struct Logging(LineQueue);

impl Drop for Logging {
    fn drop(&mut self) {
        self.0.flush();
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
    if is_text { log.try_init() } else { log.json().flatten_event(true).with_span_list(false).try_init() }
        .map_err(|error| anyhow!(error))?;
    log_panics();
    Ok(Logging(queue))
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
