//! The system clock and random ids. Nothing else in the project reads a clock or draws random ids.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use guildhall_domain::access::Actor;
use guildhall_domain::context::{Context, Origin};
use guildhall_domain::ports::{Clock, Ids};
use guildhall_domain::time::Timestamp;
use uuid::Uuid;

/// The clock of the machine, in whole milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
    fn now(&self) -> Timestamp {
        // Before 1970 there was no service.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_milliseconds(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Ids that sort by the time they were made at (RFC 9562, section 5.7).
#[derive(Clone, Copy, Debug)]
pub(crate) struct UuidV7;

impl Ids for UuidV7 {
    #[expect(clippy::disallowed_methods, reason = "these are the ids that everything else is given")]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// The context of a use case that the operator runs.
pub(crate) fn operator() -> Context {
    Context::new(Actor::Operator, SystemClock.now(), UuidV7.next(), Origin::Cli)
}

/// When this version was made: 2026-01-01T00:00:00Z, in milliseconds since 1970. A clock that shows an earlier time is wrong.
const EARLIEST: i64 = 1_767_225_600_000;
/// How far two clocks may be apart without a warning, in milliseconds.
const LARGEST_DIFFERENCE: u64 = 30_000;

/// Fails if the clock of this machine shows a time before this program was made: tokens would be refused everywhere.
pub(crate) fn check_clock(now: Timestamp) -> Result<()> {
    let earliest = Timestamp::from_milliseconds(EARLIEST);
    if now < earliest {
        bail!("the clock of this machine shows {now}, before this program was made ({earliest}): set the clock");
    }
    Ok(())
}

/// The warning if both clocks are further apart than they may be.
pub(crate) fn clock_difference(ours: Timestamp, theirs: Timestamp) -> Option<String> {
    let difference = ours.milliseconds().abs_diff(theirs.milliseconds());
    let order = if ours > theirs { "ahead of" } else { "behind" };
    (difference > LARGEST_DIFFERENCE).then(|| {
        let seconds = difference / 1000;
        format!("the clock of this machine is {seconds} seconds {order} that of the database's server: set the wrong one of both")
    })
}

#[cfg(test)]
mod tests {
    use guildhall_domain::ports::Ids;
    use guildhall_domain::time::Timestamp;

    use super::{EARLIEST, UuidV7, check_clock, clock_difference};

    #[test]
    fn a_clock_that_stands_at_its_beginning_is_refused() {
        let error = check_clock(Timestamp::from_milliseconds(0)).unwrap_err().to_string();
        assert!(error.contains("1970-01-01T00:00:00") && error.contains("set the clock"), "{error}");
        assert!(check_clock(Timestamp::from_milliseconds(EARLIEST)).is_ok());
    }

    #[test]
    fn clocks_that_are_far_apart_are_reported() {
        let at = |seconds: i64| Timestamp::from_milliseconds(EARLIEST + seconds * 1000);
        for (ours, theirs, expected) in
            [(0, 30, None), (0, 31, Some("31 seconds behind")), (3600, 0, Some("3600 seconds ahead of"))]
        {
            let line = clock_difference(at(ours), at(theirs));
            assert_eq!(line.is_some(), expected.is_some());
            assert!(line.unwrap_or_default().contains(expected.unwrap_or_default()));
        }
    }

    #[test]
    fn ids_sort_in_the_order_in_which_they_are_made() {
        let ids: Vec<_> = (0..10_000).map(|_| UuidV7.next()).collect();
        assert!(ids.is_sorted_by(|earlier, later| earlier < later));
    }
}
