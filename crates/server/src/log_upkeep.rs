//! Keeps the log of all changes: gives events their place soon, and removes those that are older than they are to be kept.

use std::time::Duration;

use guildhall_domain::directory::Directory;
use guildhall_domain::ports::Clock as _;
use guildhall_domain::time::Timestamp;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use crate::settings::Events;
use crate::system::{SystemClock, operator};

/// How often events that were committed get their place. Until then no hash tells whether they were changed, and the next reader would have to do it.
const NUMBERING: Duration = Duration::from_secs(5);
/// How often it is looked for events that are too old.
const REMOVAL: Duration = Duration::from_hours(1);
/// A day, in milliseconds.
const DAY: i64 = 86_400_000;

/// Does both at once and again and again, as long as the runtime lives. Several instances may do it at the same time.
pub(crate) fn keep(directory: &Directory<'static>, events: Events) {
    tokio::spawn(number(directory.clone()));
    if events.retention_days > 0 {
        tokio::spawn(remove(directory.clone(), i64::from(events.retention_days)));
    }
}

async fn number(directory: Directory<'static>) {
    let mut times = interval(NUMBERING);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut has_failed = false;
    loop {
        times.tick().await;
        let directory = directory.clone();
        match spawn_blocking(move || directory.number_events(&operator())).await {
            Ok(Ok(())) => has_failed = false,
            Ok(Err(error)) => {
                if !has_failed {
                    tracing::warn!(%error, "events did not get their place; trying again");
                }
                has_failed = true;
            }
            // Only a panic ends it, which is logged.
            Err(_) => return,
        }
    }
}

async fn remove(directory: Directory<'static>, days: i64) {
    let mut times = interval(REMOVAL);
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
}
