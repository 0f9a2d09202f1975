//! When an issuer's key set is refreshed.

use std::time::Duration;

/// The time between two fetches.
const REFRESH_INTERVAL_MS: i64 = 10 * 60 * 1000;
/// The time to the next attempt after the first failure. It doubles with each further failure.
const MIN_RETRY_DELAY_MS: i64 = 1_000;
const MAX_RETRY_DELAY_MS: i64 = 60 * 1000;
/// The shortest time between two fetches because of tokens that name an unknown key.
const REQUEST_INTERVAL_MS: i64 = 60 * 1000;
/// A fetch that is due within this time counts as pending.
const PENDING_WITHIN_MS: i64 = 2_000;

/// Failures beyond this count do not change the retry delay.
const MAX_COUNTED_FAILURES: u32 = 16;

/// When an issuer's key set is fetched. All times are milliseconds since 1970; the caller supplies the current time.
#[derive(Debug, Default)]
pub(crate) struct RefreshSchedule {
    /// When the next fetch is due. `None`: at once, because there was none yet.
    due: Option<i64>,
    is_fetching: bool,
    /// A fetch was requested because of an unknown key, and has not started.
    is_requested: bool,
    last_request: Option<i64>,
    /// How many fetches have failed since the last one that succeeded.
    failures: u32,
}

impl RefreshSchedule {
    /// Whether a fetch should start.
    pub(crate) fn is_due(&self, now: i64) -> bool {
        // A fetch that is due after more than the refresh interval was scheduled before the clock was set back.
        let is_time = self.due.is_none_or(|due| !(1..=REFRESH_INTERVAL_MS).contains(&due.saturating_sub(now)));
        !self.is_fetching && (self.is_requested || is_time)
    }

    /// How long until the next fetch is due.
    pub(crate) fn delay(&self, now: i64) -> Duration {
        let delay = self.due.map_or(0, |due| due.saturating_sub(now)).clamp(1, REFRESH_INTERVAL_MS);
        Duration::from_millis(delay.unsigned_abs())
    }

    /// Records that a fetch starts.
    pub(crate) fn start(&mut self) {
        self.is_fetching = true;
        self.is_requested = false;
    }

    /// Records that the fetch succeeded.
    pub(crate) fn succeed(&mut self, now: i64) {
        self.is_fetching = false;
        self.failures = 0;
        self.due = Some(now.saturating_add(REFRESH_INTERVAL_MS));
    }

    /// Records that the fetch failed.
    pub(crate) fn fail(&mut self, now: i64) {
        let delay = MIN_RETRY_DELAY_MS.checked_shl(self.failures).unwrap_or(MAX_RETRY_DELAY_MS);
        self.is_fetching = false;
        self.failures = self.failures.saturating_add(1).min(MAX_COUNTED_FAILURES);
        self.due = Some(now.saturating_add(delay.clamp(MIN_RETRY_DELAY_MS, MAX_RETRY_DELAY_MS)));
    }

    /// Requests a fetch because a token names an unknown key, unless a fetch is pending or was requested a short time ago.
    /// Returns whether a fetch is pending.
    pub(crate) fn request(&mut self, now: i64) -> bool {
        if self.is_pending(now) {
            return true;
        }
        let is_early =
            self.last_request.is_some_and(|last| (0..REQUEST_INTERVAL_MS).contains(&now.saturating_sub(last)));
        if !is_early {
            self.last_request = Some(now);
            self.is_requested = true;
        }
        !is_early
    }

    /// Whether a fetch is running, requested, or due in a moment, so that other keys may be known soon.
    pub(crate) fn is_pending(&self, now: i64) -> bool {
        let is_soon = self.due.is_none_or(|due| due.saturating_sub(now) <= PENDING_WITHIN_MS);
        self.is_fetching || self.is_requested || is_soon
    }

    /// Whether the last fetch failed.
    pub(crate) fn is_failing(&self) -> bool {
        self.failures > 0
    }
}

#[cfg(test)]
mod tests {
    use super::RefreshSchedule;

    fn fetched(now: i64) -> RefreshSchedule {
        let mut schedule = RefreshSchedule::default();
        schedule.start();
        schedule.succeed(now);
        schedule
    }

    #[test]
    fn keys_are_fetched_at_once_and_every_ten_minutes() {
        assert!(RefreshSchedule::default().is_due(0));
        let mut schedule = fetched(0);
        for (now, is_due) in [(0, false), (599_999, false), (600_000, true), (900_000, true), (-1, true)] {
            assert_eq!(schedule.is_due(now), is_due, "{now}");
        }
        assert_eq!(schedule.delay(200_000).as_secs(), 400);
        schedule.start();
        assert!(!schedule.is_due(600_000));
    }

    #[test]
    fn failures_are_tried_again_later_and_later() {
        let mut schedule = RefreshSchedule::default();
        for wait in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            schedule.start();
            schedule.fail(0);
            assert!(!schedule.is_due(wait * 1000 - 1) && schedule.is_due(wait * 1000), "{wait}");
            assert!(schedule.is_failing());
        }
        schedule.start();
        schedule.succeed(0);
        schedule.start();
        schedule.fail(0);
        assert!(schedule.is_due(1000));
    }

    #[test]
    fn unknown_keys_cause_one_fetch_a_minute() {
        let mut schedule = fetched(0);
        assert!(schedule.request(1) && schedule.is_due(1));
        assert!(schedule.request(2), "a requested fetch is pending");
        schedule.start();
        assert!(schedule.request(3), "a running fetch is pending");
        schedule.succeed(4);
        for now in [5, 60_000] {
            assert!(!schedule.request(now) && !schedule.is_due(now), "{now}");
        }
        assert!(schedule.request(60_001) && schedule.is_due(60_001));
    }

    #[test]
    fn a_fetch_is_pending_only_if_it_can_end_in_a_moment() {
        assert!(RefreshSchedule::default().is_pending(0));
        let mut schedule = fetched(0);
        assert!(!schedule.is_pending(0));
        for (failures, is_pending) in [(1, true), (2, true), (3, false), (9, false)] {
            while schedule.failures < failures {
                schedule.fail(0);
            }
            assert_eq!(schedule.is_pending(0), is_pending, "{failures}");
        }
    }
}
