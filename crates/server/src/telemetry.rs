//! The log, on standard error.

use std::io::{self, IsTerminal};

use anyhow::{Result, anyhow};

use crate::settings::{Log, LogFormat};

/// Starts logging, for a person on a terminal and in JSON otherwise.
pub(crate) fn start(settings: &Log) -> Result<()> {
    let is_terminal = io::stderr().is_terminal();
    let log = tracing_subscriber::fmt()
        .with_env_filter(settings.level.filter())
        .with_writer(io::stderr)
        .with_ansi(is_terminal);
    let is_text = match settings.format {
        LogFormat::Auto => is_terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    if is_text { log.try_init() } else { log.json().flatten_event(true).with_span_list(false).try_init() }
        .map_err(|error| anyhow!(error))
}
