//! Password hashes by Argon2id.

use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, PoisonError};

use argon2::password_hash::phc::{self, Output, ParamsString, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use guildhall_domain::password::{Password, PasswordHash};
use guildhall_domain::ports::{Passwords, PasswordsError};
use prometheus::{IntGauge, Registry};

use crate::metrics::PasswordMetrics;
use crate::random;

/// The memory of one hash. This and the next two parameters are what OWASP recommends for Argon2id (Password Storage Cheat
/// Sheet).
const MEMORY_KIB: u32 = 19_456;
const ITERATIONS: u32 = 2;
const PARALLELISM: u32 = 1;
/// RFC 9106, section 3.1.
const SALT_BYTES: usize = 16;
/// The most memory for verifying a stored hash that has other parameters: the second recommendation of RFC 9106.
const MAX_MEMORY_KIB: u32 = 65_536;

/// Hashes passwords with Argon2id.
///
/// Each hash takes 19 MiB, so the number of hashes at a time is limited, and further callers wait. The memory is allocated at the
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

    /// Waits for a free slot and fills `output` with the hash of `password`.
    fn fill(
        &self,
        argon2: &Argon2<'_>,
        password: &Password,
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<(), PasswordsError> {
        let waiting = self.metrics.as_ref().map(|metrics| Counted::in_gauge(&metrics.waiting));
        let mut slot = self.slots.take();
        drop(waiting);
        let _busy = self.metrics.as_ref().map(|metrics| Counted::in_gauge(&metrics.busy));
        let _timer = self.metrics.as_ref().map(|metrics| metrics.durations.start_timer());
        let blocks = argon2.params().block_count();
        let mut more = Vec::new();
        let memory = if blocks <= MEMORY_KIB as usize { &mut slot.memory } else { &mut more };
        let wanted = blocks.max(MEMORY_KIB as usize);
        memory.try_reserve_exact(wanted.saturating_sub(memory.len())).map_err(failed)?;
        memory.resize(wanted, Block::new());
        argon2.hash_password_into_with_memory(password.reveal().as_bytes(), salt, output, memory).map_err(failed)
    }
}

impl Passwords for Argon2Passwords {
    fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordsError> {
        let mut salt = [0; SALT_BYTES];
        random::fill(&mut salt).map_err(failed)?;
        let params = Params::new(MEMORY_KIB, ITERATIONS, PARALLELISM, None).map_err(failed)?;
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        self.fill(&argon2, password, &salt, &mut output)?;
        let hash = phc::PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(argon2.params()).map_err(failed)?,
            salt: Some(Salt::new(&salt).map_err(failed)?),
            hash: Some(Output::new(&output).map_err(failed)?),
        };
        Ok(PasswordHash(hash.to_string()))
    }

    fn verify(&self, password: &Password, hash: &PasswordHash) -> Result<bool, PasswordsError> {
        let hash = phc::PasswordHash::new(&hash.0).map_err(failed)?;
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(failed)?;
        let version = hash.version.map(Version::try_from).transpose().map_err(failed)?.unwrap_or_default();
        let params = Params::try_from(&hash).map_err(failed)?;
        let (Some(salt), Some(expected)) = (hash.salt, hash.hash) else { return Err(failed(UnusableHash::Incomplete)) };
        if params.m_cost() > MAX_MEMORY_KIB {
            return Err(failed(UnusableHash::TooLarge));
        }
        let mut output = [0; Output::MAX_LENGTH];
        let output = output.get_mut(..expected.len()).ok_or_else(|| failed(UnusableHash::Incomplete))?;
        self.fill(&Argon2::new(algorithm, version, params), password, &salt, output)?;
        Ok(verify_slices_are_equal(output, expected.as_bytes()).is_ok())
    }
}

/// Why a stored hash cannot be verified.
#[derive(Debug, thiserror::Error)]
enum UnusableHash {
    #[error("the password hash has no salt or no output")]
    Incomplete,
    #[error("the password hash takes more than {MAX_MEMORY_KIB} KiB")]
    TooLarge,
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> PasswordsError {
    PasswordsError(Box::new(error))
}

/// A pool that limits how many passwords are hashed at a time, and reuses the memory.
struct Slots {
    /// The memory of each free slot.
    free: Mutex<Vec<Vec<Block>>>,
    /// Notified when a slot becomes free.
    freed: Condvar,
}

/// A slot that is in use. Dropping it frees it.
struct Slot<'a> {
    slots: &'a Slots,
    memory: Vec<Block>,
}

impl Slots {
    fn new(count: NonZeroUsize) -> Self {
        let free = (0..count.get()).map(|_| Vec::new()).collect();
        Self { free: Mutex::new(free), freed: Condvar::new() }
    }

    /// Waits for a free slot. Poisoning is ignored: no panic can leave the list of free slots inconsistent.
    fn take(&self) -> Slot<'_> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(memory) = free.pop() {
                return Slot { slots: self, memory };
            }
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let memory = std::mem::take(&mut self.memory);
        self.slots.free.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
        self.slots.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use guildhall_domain::password::Password;
    use guildhall_domain::ports::Passwords as _;
    use prometheus::Registry;

    use super::{Argon2Passwords, MEMORY_KIB, Slots};

    const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

    #[test]
    fn no_more_works_at_once_than_there_are_slots() {
        let slots = Slots::new(TWO);
        let (working, most, done) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _slot = slots.take();
                        most.fetch_max(working.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::yield_now();
                        working.fetch_sub(1, Ordering::SeqCst);
                        done.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= 2);
        assert_eq!(done.load(Ordering::SeqCst), 400);
    }

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
    fn work_that_panics_gives_its_slot_back() {
        let slots = Slots::new(TWO);
        thread::scope(|scope| {
            for _ in 0..3 {
                let panicked = scope.spawn(|| {
                    let _slot = slots.take();
                    let _poisons = slots.free.lock();
                    panic!("on purpose");
                });
                assert!(panicked.join().is_err());
            }
        });
        assert!(slots.free.is_poisoned());
        let _both = (slots.take(), slots.take());
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
        assert!(!passwords.verify(&typed("wrong"), &guildhall_domain::password::PasswordHash(larger)).unwrap());
        assert_eq!(memory(), after_one);
    }
}
