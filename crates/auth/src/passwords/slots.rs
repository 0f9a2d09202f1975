//! A pool of slots for hashing passwords.

use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, PoisonError};

use argon2::Block;

/// A pool that limits how many passwords are hashed at a time, and reuses the memory.
pub(super) struct Slots {
    /// The memory of each free slot.
    free: Mutex<Vec<Vec<Block>>>,
    /// Notified when a slot becomes free.
    freed: Condvar,
}

/// A slot that is in use. Dropping it frees it.
pub(super) struct Slot<'a> {
    slots: &'a Slots,
    pub(super) memory: Vec<Block>,
}

impl Slots {
    pub(super) fn new(count: NonZeroUsize) -> Self {
        let free = (0..count.get()).map(|_| Vec::new()).collect();
        Self { free: Mutex::new(free), freed: Condvar::new() }
    }

    /// Waits for a free slot. Poisoning is ignored: no panic can leave the list of free slots inconsistent.
    pub(super) fn take(&self) -> Slot<'_> {
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

    use super::Slots;

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
}
