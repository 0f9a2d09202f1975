//! Settings that are read again on SIGHUP, while requests are answered.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

use anyhow::{Context, Result};
use guildhall_auth::JwtTokens;
use guildhall_http::{Limits, LimitsHandle, TokenLimits};
use tokio::signal::unix::Signal;

use crate::issuers::issuers;
use crate::settings::{self, Loaded, Settings};
use crate::telemetry::LogLevel;

/// The keys, and with a dot at the end the tables, that are read again. `config/default.toml` says it too.
const RELOADABLE: [&str; 3] = ["auth.issuers.", "limits.", "log.level"];

/// What can be changed while the service runs, and the settings in effect.
pub(crate) struct Reloadable {
    pub(crate) loaded: Loaded,
    /// The file of the settings.
    pub(crate) file: Option<PathBuf>,
    pub(crate) level: LogLevel,
    pub(crate) limits: LimitsHandle,
    pub(crate) tokens: Arc<JwtTokens>,
}

/// Reads the settings again at every signal, in a thread of its own, because files may keep it waiting. Must be called inside a Tokio runtime.
pub(crate) fn on(mut signals: Signal, mut reloadable: Reloadable) -> Result<()> {
    let (ask, asked) = channel();
    let run = move || {
        while asked.recv().is_ok() {
            reloadable.reload();
        }
    };
    thread::Builder::new().name("settings".to_owned()).spawn(run)?;
    tokio::spawn(async move { while signals.recv().await.is_some() && ask.send(()).is_ok() {} });
    Ok(())
}

/// The limits of requests.
pub(crate) fn limits(settings: &settings::Limits) -> (Limits, TokenLimits) {
    let limits =
        Limits { bulk_ids: settings.bulk_ids, bulk_bytes: settings.bulk_bytes, body_bytes: settings.body_bytes };
    let token_limits = TokenLimits {
        per_address: NonZeroU32::new(settings.token_requests_per_address),
        per_account: NonZeroU32::new(settings.token_requests_per_account),
    };
    (limits, token_limits)
}

impl Reloadable {
    /// Puts into effect what has changed. If anything is wrong, all stays as it was.
    fn reload(&mut self) {
        match self.try_reload() {
            Ok(Changes { applied, waiting }) => {
                match applied.as_slice() {
                    [] => tracing::info!("SIGHUP: no setting has changed that is read again"),
                    keys => tracing::info!("SIGHUP: in effect from now on: {}", keys.join(", ")),
                }
                if !waiting.is_empty() {
                    tracing::warn!(
                        "SIGHUP: changed, and not in effect before the service is started again: {}",
                        waiting.join(", ")
                    );
                }
            }
            Err(error) => tracing::error!(error = format!("{error:#}"), "SIGHUP: the settings stay as they were"),
        }
    }

    fn try_reload(&mut self) -> Result<Changes> {
        let next = Settings::load(self.file.as_deref())?;
        let settings = &next.settings;
        // First, because nothing else can fail.
        self.tokens.replace_external_issuers(issuers(settings)?).context("auth.issuers")?;
        self.level.set(&settings.log.level)?;
        let (limits, token_limits) = limits(&settings.limits);
        self.limits.set(limits, token_limits);
        let (applied, waiting) = self.loaded.differences(&next).into_iter().partition(|key| is_reloadable(key));
        self.loaded.take(&next, is_reloadable);
        Ok(Changes { applied, waiting })
    }
}

/// The keys that have changed.
struct Changes {
    applied: Vec<String>,
    /// They are in effect after the next start.
    waiting: Vec<String>,
}

fn is_reloadable(key: &str) -> bool {
    RELOADABLE.iter().any(|name| if name.ends_with('.') { key.starts_with(name) } else { key == *name })
}
