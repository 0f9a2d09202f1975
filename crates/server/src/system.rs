//! The system clock and random ids. Nothing else in the project reads a clock or draws random ids.

use std::time::{SystemTime, UNIX_EPOCH};

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

#[cfg(test)]
mod tests {
    use guildhall_domain::ports::Ids;

    use super::UuidV7;

    #[test]
    fn ids_sort_in_the_order_in_which_they_are_made() {
        let ids: Vec<_> = (0..10_000).map(|_| UuidV7.next()).collect();
        assert!(ids.is_sorted_by(|earlier, later| earlier < later));
    }
}
