//! When the key file is looked at.

use std::time::Duration;

/// How often the file's metadata are checked.
const CHECK_INTERVAL_MS: i64 = 2_000;

/// Why the file is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// It is time.
    Regular,
    /// A token names an unknown key.
    ForUnknownKey,
}

/// When the key file is looked at. All times are milliseconds since 1970; the caller supplies the current time.
#[derive(Debug)]
pub(super) struct WatcherSchedule {
    /// How many looks have begun, and how many of them have ended: all but the last one, or all.
    begun: u64,
    ended: u64,
    last_begun: i64,
    is_requested: bool,
    is_stopped: bool,
}

impl WatcherSchedule {
    /// The schedule of a file that was read at `now`.
    pub(super) fn begun_at(now: i64) -> Self {
        Self { begun: 0, ended: 0, last_begun: now, is_requested: false, is_stopped: false }
    }

    /// Whether a look should begin.
    pub(super) fn is_due(&self, now: i64) -> bool {
        let is_looking = self.begun > self.ended;
        !is_looking && (self.is_requested || has_passed(CHECK_INTERVAL_MS, Some(self.last_begun), now))
    }

    /// How long until the next regular look is due.
    pub(super) fn delay(&self, now: i64) -> Duration {
        let delay = self.last_begun.saturating_add(CHECK_INTERVAL_MS).saturating_sub(now);
        Duration::from_millis(delay.clamp(1, CHECK_INTERVAL_MS).unsigned_abs())
    }

    /// Begins a look, if one is due.
    pub(super) fn begin(&mut self, now: i64) -> Option<Look> {
        if !self.is_due(now) {
            return None;
        }
        let look = if self.is_requested { Look::ForUnknownKey } else { Look::Regular };
        self.is_requested = false;
        self.begun += 1;
        self.last_begun = now;
        Some(look)
    }

    /// Records that the look has ended and its result is in use.
    pub(super) fn end(&mut self) {
        self.ended = self.begun;
    }

    /// Requests a look that begins after this call, and returns its number. A look that is running may have missed a change.
    pub(super) fn request(&mut self) -> u64 {
        self.is_requested = true;
        self.begun + 1
    }

    /// Whether the look with this number has ended.
    pub(super) fn has_ended(&self, number: u64) -> bool {
        self.ended >= number
    }

    /// Has the thread stop.
    pub(super) fn stop(&mut self) {
        self.is_stopped = true;
    }

    /// Whether the thread must stop.
    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped
    }
}

/// Whether `interval` milliseconds have passed since `last`. Also true if the clock was set back.
pub(super) fn has_passed(interval: i64, last: Option<i64>, now: i64) -> bool {
    last.is_none_or(|last| !(0..interval).contains(&now.saturating_sub(last)))
}

#[cfg(test)]
mod tests {
    use super::{Look, WatcherSchedule};

    #[test]
    fn the_file_is_looked_at_every_two_seconds() {
        let mut schedule = WatcherSchedule::begun_at(0);
        for (now, expected) in [(0, None), (1_999, None), (2_000, Some(Look::Regular)), (2_001, None)] {
            assert_eq!(schedule.begin(now), expected, "{now}");
        }
        assert_eq!(schedule.begin(9_000), None, "there is one look at a time");
        schedule.end();
        assert_eq!(schedule.begin(3_999), None);
        assert_eq!(schedule.delay(3_000).as_millis(), 1_000);
        assert_eq!(schedule.begin(4_000), Some(Look::Regular));
        schedule.end();
        assert_eq!(schedule.begin(3_000), Some(Look::Regular), "the clock was set back");
    }

    #[test]
    fn whoever_asks_during_a_look_gets_the_next_one() {
        let mut schedule = WatcherSchedule::begun_at(0);
        let first = schedule.request();
        assert_eq!(schedule.request(), first, "all who ask before it begins share one");
        assert_eq!(schedule.begin(1), Some(Look::ForUnknownKey));
        let second = schedule.request();
        assert!(second > first && !schedule.has_ended(first));
        assert_eq!(schedule.begin(1), None);
        schedule.end();
        assert!(schedule.has_ended(first) && !schedule.has_ended(second));
        assert_eq!(schedule.begin(1), Some(Look::ForUnknownKey));
        schedule.end();
        assert!(schedule.has_ended(second));
        assert_eq!(schedule.begin(1), None);
    }
}
