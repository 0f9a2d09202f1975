//! Lockout after wrong passwords (contract 2.4).

use std::num::NonZeroU32;

use crate::time::Timestamp;

/// The longest lock that ends by itself, in seconds.
const LONGEST_LOCK: i64 = 24 * 60 * 60;

/// The settings of lockout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockoutPolicy {
    /// How many consecutive wrong passwords lock.
    pub threshold: NonZeroU32,
    /// For how many seconds the first lock lasts. Each further one without a success between lasts twice as long, up to a day. 0:
    /// until somebody unlocks.
    pub duration: u32,
}

impl Default for LockoutPolicy {
    /// Five, and a quarter of an hour.
    fn default() -> Self {
        const FIVE: NonZeroU32 = NonZeroU32::new(5).unwrap();
        Self { threshold: FIVE, duration: 15 * 60 }
    }
}

/// The wrong passwords of an account, of one address of an account, or of a name that nobody has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lockout {
    /// Wrong passwords since the last success or the last lock.
    pub failures: u32,
    /// Locks since the last success.
    pub locks: u32,
    /// Until when the latest lock lasts.
    pub until: Option<Timestamp>,
}

impl Lockout {
    /// Whether a lock is in effect. Passwords are then refused without being compared.
    #[must_use]
    pub fn is_locked(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until > now)
    }

    /// The state after one more wrong password. It does not prolong a lock in effect.
    #[must_use]
    pub fn failed(self, now: Timestamp, policy: LockoutPolicy) -> Self {
        if self.is_locked(now) {
            return self;
        }
        let failures = self.failures.saturating_add(1);
        if failures < policy.threshold.get() {
            return Self { failures, until: None, ..self };
        }
        let seconds = i64::from(policy.duration).saturating_mul(1 << self.locks.min(20)).min(LONGEST_LOCK);
        let until = if policy.duration == 0 { i64::MAX } else { now.milliseconds().saturating_add(seconds * 1000) };
        Self { failures: 0, locks: self.locks.saturating_add(1), until: Some(Timestamp::from_milliseconds(until)) }
    }

    /// The state after a successful sign-in. A lock in effect, which somebody else caused, stays.
    #[must_use]
    pub fn succeeded(self, now: Timestamp) -> Self {
        Self { until: self.until.filter(|until| *until > now), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::{Lockout, LockoutPolicy};
    use crate::time::{DAY, Timestamp};

    const MINUTE: i64 = 60_000;

    fn after(lockout: Lockout, failures: u32, minutes: i64, policy: LockoutPolicy) -> Lockout {
        let now = Timestamp::from_milliseconds(minutes * MINUTE);
        (0..failures).fold(lockout, |lockout, _| lockout.failed(now, policy))
    }

    fn minutes(lockout: Lockout) -> Option<i64> {
        lockout.until.map(|until| until.milliseconds() / MINUTE)
    }

    #[test]
    fn each_lock_without_a_success_between_is_twice_as_long_and_none_is_lengthened() {
        let policy = LockoutPolicy::default();
        let four = after(Lockout::default(), 4, 0, policy);
        assert_eq!((four.failures, four.until), (4, None));
        let first = after(four, 1, 0, policy);
        assert_eq!(minutes(first), Some(15));
        assert_eq!(after(first, 100, 14, policy), first);
        let second = after(first, 5, 15, policy);
        assert_eq!(minutes(second), Some(15 + 30));
        assert_eq!(minutes(after(second, 4, 45, policy)), None);
        let many = (0..40).fold(Lockout::default(), |lockout, day| after(lockout, 5, day * 24 * 60, policy));
        assert_eq!(minutes(many), Some(40 * DAY / MINUTE));
        let owner = second.succeeded(Timestamp::from_milliseconds(20 * MINUTE));
        assert_eq!((owner.failures, owner.locks, minutes(owner)), (0, 0, Some(45)));
        assert_eq!(second.succeeded(Timestamp::from_milliseconds(45 * MINUTE)), Lockout::default());
    }

    #[test]
    fn without_a_duration_somebody_has_to_unlock() {
        let policy = LockoutPolicy { threshold: NonZeroU32::MIN, duration: 0 };
        let locked = after(Lockout::default(), 1, 0, policy);
        assert!(locked.is_locked(Timestamp::from_milliseconds(DAY * 36500)));
    }
}
