//! When an issuer's keys are fetched.

use std::time::Duration;

/// How long after a fetch the keys are fetched again, in milliseconds like all times here.
const REFRESH: i64 = 10 * 60 * 1000;
/// How long after a failure it is tried again: the first time, and at most.
const FIRST_RETRY: i64 = 1_000;
const LAST_RETRY: i64 = 60 * 1000;
/// How long a token that names an unknown key causes no fetch after another one has.
const ASKED: i64 = 60 * 1000;
/// A fetch that is due this soon is as good as one under way.
const SOON: i64 = 2_000;

/// When an issuer's keys are fetched. All times are milliseconds since 1970, and those who know the time tell it.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    /// When the next fetch is due; at once, before the first one.
    due: Option<i64>,
    is_fetching: bool,
    is_wanted: bool,
    asked: Option<i64>,
    failures: u32,
}

impl Schedule {
    /// Whether a fetch should start.
    pub(crate) fn is_due(&self, now: i64) -> bool {
        // What is due later than any fetch can be was planned before the clock was put back.
        let is_time = self.due.is_none_or(|due| !(1..=REFRESH).contains(&due.saturating_sub(now)));
        !self.is_fetching && (self.is_wanted || is_time)
    }

    /// How long there is nothing to do.
    pub(crate) fn pause(&self, now: i64) -> Duration {
        let pause = self.due.map_or(0, |due| due.saturating_sub(now)).clamp(1, REFRESH);
        Duration::from_millis(pause.unsigned_abs())
    }

    /// A fetch starts.
    pub(crate) fn start(&mut self) {
        self.is_fetching = true;
        self.is_wanted = false;
    }

    /// The fetch brought keys.
    pub(crate) fn succeed(&mut self, now: i64) {
        self.is_fetching = false;
        self.failures = 0;
        self.due = Some(now.saturating_add(REFRESH));
    }

    /// The fetch brought nothing.
    pub(crate) fn fail(&mut self, now: i64) {
        let retry = FIRST_RETRY.checked_shl(self.failures).unwrap_or(LAST_RETRY).clamp(FIRST_RETRY, LAST_RETRY);
        self.is_fetching = false;
        self.failures = self.failures.saturating_add(1).min(16);
        self.due = Some(now.saturating_add(retry));
    }

    /// A token names an unknown key: asks for a fetch, if none is under way and there was none for such a token lately. Whether
    /// one is to be expected.
    pub(crate) fn ask(&mut self, now: i64) -> bool {
        if self.is_pending(now) {
            return true;
        }
        let is_early = self.asked.is_some_and(|asked| (0..ASKED).contains(&now.saturating_sub(asked)));
        if !is_early {
            self.asked = Some(now);
            self.is_wanted = true;
        }
        !is_early
    }

    /// Whether there may be other keys in a moment.
    pub(crate) fn is_pending(&self, now: i64) -> bool {
        let is_soon = self.due.is_none_or(|due| due.saturating_sub(now) <= SOON);
        self.is_fetching || self.is_wanted || is_soon
    }

    /// Whether the last fetch has failed.
    pub(crate) fn is_failing(&self) -> bool {
        self.failures > 0
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    fn fetched(now: i64) -> Schedule {
        let mut schedule = Schedule::default();
        schedule.start();
        schedule.succeed(now);
        schedule
    }

    #[test]
    fn keys_are_fetched_at_once_and_every_ten_minutes() {
        assert!(Schedule::default().is_due(0));
        let mut schedule = fetched(0);
        for (now, is_due) in [(0, false), (599_999, false), (600_000, true), (900_000, true), (-1, true)] {
            assert_eq!(schedule.is_due(now), is_due, "{now}");
        }
        assert_eq!(schedule.pause(200_000).as_secs(), 400);
        schedule.start();
        assert!(!schedule.is_due(600_000));
    }

    #[test]
    fn failures_are_tried_again_later_and_later() {
        let mut schedule = Schedule::default();
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
        assert!(schedule.ask(1) && schedule.is_due(1));
        assert!(schedule.ask(2), "a fetch that is wanted is to be expected");
        schedule.start();
        assert!(schedule.ask(3), "a fetch under way is to be expected");
        schedule.succeed(4);
        for now in [5, 60_000] {
            assert!(!schedule.ask(now) && !schedule.is_due(now), "{now}");
        }
        assert!(schedule.ask(60_001) && schedule.is_due(60_001));
    }

    #[test]
    fn keys_are_to_be_expected_only_if_they_can_come_in_a_moment() {
        assert!(Schedule::default().is_pending(0));
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
