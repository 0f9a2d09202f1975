//! Password hashes by Argon2id, and the verification of those that other programs made.

use std::num::NonZeroUsize;

use argon2::Block;
use guildhall_domain::password::{Password, PasswordHash};
use guildhall_domain::ports::{Passwords, PasswordsError};
use prometheus::{IntGauge, Registry};

use super::slots::Slots;
use super::stored::{Argon2Hash, SALT_BYTES, StoredHash};
use crate::metrics::PasswordMetrics;
use crate::random;

/// Hashes passwords with Argon2id. Verifies these hashes and those that [`accept`](crate::foreign::accept) accepts.
///
/// Each hash takes 19 MiB, so the number of hashes at a time is limited, and further callers wait. So is the number of verifications of any hash. The memory is allocated at the
/// first hash and reused.
pub struct Argon2Passwords {
    slots: Slots,
    at_once: NonZeroUsize,
    metrics: Option<PasswordMetrics>,
}

/// Something that is counted in a gauge until this is dropped.
struct Counted<'a>(&'a IntGauge);

impl<'a> Counted<'a> {
    fn in_gauge(gauge: &'a IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Argon2Passwords {
    /// Hashes at most `at_once` passwords at a time.
    #[must_use]
    pub fn new(at_once: NonZeroUsize) -> Self {
        Self { slots: Slots::new(at_once), at_once, metrics: None }
    }

    /// Counts how busy the slots are, for `registry`.
    ///
    /// # Errors
    ///
    /// When it has metrics of the same names.
    pub fn with_metrics(self, registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Some(PasswordMetrics::of(self.at_once.get(), registry)?);
        Ok(Self { metrics, ..self })
    }

    /// Waits for a free slot and runs `work` in it, with its memory.
    fn in_slot<T>(&self, work: impl FnOnce(&mut Vec<Block>) -> T) -> T {
        let waiting = self.metrics.as_ref().map(|metrics| Counted::in_gauge(&metrics.waiting));
        let mut slot = self.slots.take();
        drop(waiting);
        let _busy = self.metrics.as_ref().map(|metrics| Counted::in_gauge(&metrics.busy));
        let _timer = self.metrics.as_ref().map(|metrics| metrics.durations.start_timer());
        work(&mut slot.memory)
    }
}

impl Passwords for Argon2Passwords {
    fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordsError> {
        let mut salt = [0; SALT_BYTES];
        random::fill(&mut salt).map_err(failed)?;
        let password = password.reveal().as_bytes();
        self.in_slot(|memory| Argon2Hash::text_of(password, &salt, memory)).map(PasswordHash).map_err(failed)
    }

    fn verify(&self, password: &Password, hash: &PasswordHash) -> Result<bool, PasswordsError> {
        let stored = StoredHash::parse(&hash.0).map_err(failed)?;
        self.in_slot(|memory| stored.matches(password.reveal().as_bytes(), memory)).map_err(failed)
    }

    fn is_outdated(&self, hash: &PasswordHash) -> bool {
        !StoredHash::parse(&hash.0).is_ok_and(|stored| stored.is_current())
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> PasswordsError {
    PasswordsError(Box::new(error))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::thread;

    use guildhall_domain::password::{Password, PasswordHash};
    use guildhall_domain::ports::Passwords as _;
    use prometheus::Registry;

    use super::Argon2Passwords;
    use crate::passwords::stored::MEMORY_KIB;

    const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

    #[test]
    fn hashes_and_slots_are_counted() {
        let registry = Registry::new();
        let passwords = Argon2Passwords::new(TWO).with_metrics(&registry).unwrap();
        let slots = [passwords.slots.take(), passwords.slots.take()];
        thread::scope(|scope| {
            scope.spawn(|| passwords.hash(&Password::typed("F1ghtC1ub1234!".to_owned())).unwrap());
            let metrics = passwords.metrics.as_ref().unwrap();
            while metrics.waiting.get() == 0 {
                thread::yield_now();
            }
            assert_eq!(metrics.busy.get(), 0);
            drop(slots);
        });
        let metrics = passwords.metrics.as_ref().unwrap();
        assert_eq!((metrics.waiting.get(), metrics.busy.get(), metrics.durations.get_sample_count()), (0, 0, 1));
        let families = registry.gather();
        let most = families.iter().find(|family| family.name() == "guildhall_password_slots").unwrap();
        assert_eq!(most.get_metric()[0].get_gauge().get_value().to_string(), "2");
    }

    #[test]
    fn a_hash_of_another_program_waits_for_a_slot() {
        let passwords = Argon2Passwords::new(TWO).with_metrics(&Registry::new()).unwrap();
        let hash = PasswordHash("{SSHA256}PycMXdmuGe855rN//+KU9pkx56h79awgc6Ewh71vAY4co1SKMQaA8A".to_owned());
        let slots = [passwords.slots.take(), passwords.slots.take()];
        thread::scope(|scope| {
            let verified =
                scope.spawn(|| passwords.verify(&Password::typed("pr0j3ctM4yh3m".to_owned()), &hash).unwrap());
            while passwords.metrics.as_ref().unwrap().waiting.get() == 0 {
                thread::yield_now();
            }
            assert!(!verified.is_finished());
            drop(slots);
            assert!(verified.join().unwrap());
        });
    }

    #[test]
    fn a_slot_allocates_once_and_keeps_no_more_than_a_hash_takes() {
        let passwords = Argon2Passwords::new(NonZeroUsize::MIN);
        let typed = |text: &str| Password::typed(text.to_owned());
        let memory = || {
            let slot = passwords.slots.take();
            (slot.memory.as_ptr(), slot.memory.capacity())
        };
        let hash = passwords.hash(&typed("pr0j3ctM4yh3m")).unwrap();
        let after_one = memory();
        assert_eq!(after_one.1, MEMORY_KIB as usize);
        for text in ["pr0j3ctM4yh3m", "wrong"] {
            passwords.verify(&typed(text), &hash).unwrap();
        }
        let larger = hash.0.replace("m=19456", "m=20480");
        assert!(!passwords.verify(&typed("wrong"), &PasswordHash(larger)).unwrap());
        assert_eq!(memory(), after_one);
    }
}
