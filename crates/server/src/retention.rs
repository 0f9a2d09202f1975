//! Removes events that are older than they are to be kept.

use std::time::Duration;

use guildhall_domain::directory::Directory;
use guildhall_domain::ports::Clock as _;
use guildhall_domain::time::Timestamp;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use crate::settings::Events;
use crate::system::{SystemClock, operator};

/// How often it is looked for them.
const INTERVAL: Duration = Duration::from_hours(1);
/// A day, in milliseconds.
const DAY: i64 = 86_400_000;

/// Removes them at once and every hour, as long as the runtime lives. Several instances may do it at the same time.
pub(crate) fn keep(directory: Directory<'static>, events: Events) {
    if events.retention_days == 0 {
        return;
    }
    let days = i64::from(events.retention_days);
    tokio::spawn(async move {
        let mut times = interval(INTERVAL);
        times.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            times.tick().await;
            let directory = directory.clone();
            let before = Timestamp::from_milliseconds(SystemClock.now().milliseconds().saturating_sub(days * DAY));
            match spawn_blocking(move || directory.prune_events(&operator(), before)).await {
                Ok(Ok(0)) => {}
                Ok(Ok(count)) => tracing::info!(count, "removed {count} events from before {before}"),
                Ok(Err(error)) => tracing::warn!(%error, "events from before {before} were not removed"),
                // Only a panic ends it, which is logged.
                Err(_) => return,
            }
        }
    });
}
