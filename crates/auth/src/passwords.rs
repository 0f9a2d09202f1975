//! Password hashes by Argon2id.

use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, PoisonError};

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use aws_lc_rs::rand;
use guildhall_domain::password::{Password, PasswordHash};
use guildhall_domain::ports::{Passwords, PasswordsError};

use crate::generated::NoRandomness;

/// Memory of one hash, in KiB; with the two below, what OWASP recommends for Argon2id (Password Storage Cheat Sheet).
const MEMORY: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Bytes of a salt (RFC 9106, section 3.1).
const SALT: usize = 16;

/// Hashes passwords with Argon2id. Each hash takes 19 MiB, so only so many are made at once and the others wait their turn.
pub struct Argon2Passwords {
    slots: Slots,
}

impl Argon2Passwords {
    /// Hashes at most `at_once` passwords at a time.
    #[must_use]
    pub fn new(at_once: NonZeroUsize) -> Self {
        Self { slots: Slots { free: Mutex::new(at_once.get()), freed: Condvar::new() } }
    }
}

impl Passwords for Argon2Passwords {
    fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordsError> {
        let mut salt = [0; SALT];
        rand::fill(&mut salt).map_err(|_| failed(NoRandomness))?;
        let params = Params::new(MEMORY, PASSES, LANES, None).map_err(failed)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let _slot = self.slots.take();
        let hash = argon2.hash_password_with_salt(password.reveal().as_bytes(), &salt).map_err(failed)?;
        Ok(PasswordHash(hash.to_string()))
    }

    fn verify(&self, password: &Password, hash: &PasswordHash) -> Result<bool, PasswordsError> {
        let hash = phc::PasswordHash::new(&hash.0).map_err(failed)?;
        let _slot = self.slots.take();
        match Argon2::default().verify_password(password.reveal().as_bytes(), &hash) {
            Ok(()) => Ok(true),
            Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> PasswordsError {
    PasswordsError(Box::new(error))
}

/// How many more may work now.
struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
}

/// The right to work until it is dropped.
struct Slot<'a>(&'a Slots);

impl Slots {
    /// Waits for a slot. A poisoned lock is no reason to fail: the number behind it is always whole.
    fn take(&self) -> Slot<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Slot(self)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Condvar, Mutex};
    use std::thread;

    use super::Slots;

    fn two_slots() -> Slots {
        Slots { free: Mutex::new(2), freed: Condvar::new() }
    }

    #[test]
    fn no_more_works_at_once_than_there_are_slots() {
        let slots = two_slots();
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
    fn work_that_panics_gives_its_slot_back() {
        let slots = two_slots();
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
}
