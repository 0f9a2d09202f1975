//! Signals: those that stop the service, and those that must not end it.

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask the service to stop.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Registers handlers, so that the signals do not end the process. Must be called inside a Tokio runtime.
    pub(crate) fn listen() -> Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next one and names it.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Keeps SIGHUP, SIGUSR1 and SIGUSR2 from ending the process, which is what they do by default, and logs the latter two. Terminals that are
/// closed, scripts that rotate logs and supervisors that reload send them. Returns SIGHUP, on which settings are read again; one that comes before
/// anybody waits for it is kept. Must be called inside a Tokio runtime.
pub(crate) fn listen_to_others() -> Result<Signal> {
    // Sent when a file would get larger than the system allows. With a handler, which stays, the write fails instead.
    drop(signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?);
    for (kind, name) in [(SignalKind::user_defined1(), "SIGUSR1"), (SignalKind::user_defined2(), "SIGUSR2")] {
        let mut received = signal(kind)?;
        tokio::spawn(async move {
            while received.recv().await.is_some() {
                tracing::info!("{name}: ignored; settings are read again on SIGHUP");
            }
        });
    }
    Ok(signal(SignalKind::hangup())?)
}
