//! How often a unit of work that conflicts with others is run, and after which pauses.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::failure::Failure;

/// How often a unit of work is run at most.
pub(super) const MAX_ATTEMPTS: u32 = 8;
/// For how long a unit of work is run again whose failure is not clear: most are over at once, and a bulk change that fails for lack of
/// space would fail as late each time.
pub(super) const UNCLEAR_TIME: Duration = Duration::from_secs(5);
/// The pause before the second attempt. It doubles with each further attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// The longest pause between two attempts: all pauses together last about 100 ms.
const LONGEST_PAUSE: Duration = Duration::from_millis(32);

/// Every attempt failed; the source is the failure of the last one.
#[derive(Debug, thiserror::Error)]
#[error("the unit of work failed in each of {} attempts", MAX_ATTEMPTS)]
pub(super) struct AttemptsExhausted(#[source] pub(super) Arc<Failure>);

/// Waits before the next attempt, of which `failed` have failed. The caller must hold no connection meanwhile.
pub(super) fn wait(failed: u32) {
    thread::sleep(pause(failed));
}

fn pause(failed: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failed.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{MAX_ATTEMPTS, pause};

    #[test]
    fn pauses_double_up_to_a_bound() {
        let pauses: Vec<u128> = (1..MAX_ATTEMPTS).map(|failed| pause(failed).as_millis()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 32]);
        assert_eq!(pause(u32::MAX), Duration::from_millis(32));
    }
}
