//! Cancels work of a store whose result nobody waits for.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Interrupt = Box<dyn Fn() + Send>;

/// Whether work was cancelled. Clones share one state.
#[derive(Clone, Default)]
pub struct Cancellation(Arc<Shared>);

#[derive(Default)]
struct Shared {
    is_cancelled: AtomicBool,
    interrupt: Mutex<Option<Interrupt>>,
}

impl Cancellation {
    /// One that is not cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels the work: its result is not wanted. Interrupts the work that is running. A second call does nothing.
    pub fn cancel(&self) {
        let interrupt = self.0.interrupt();
        if !self.0.is_cancelled.swap(true, Ordering::SeqCst)
            && let Some(interrupt) = &*interrupt
        {
            interrupt();
        }
    }

    /// Whether [`cancel`](Self::cancel) was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled.load(Ordering::SeqCst)
    }

    /// Runs `work`, and calls `interrupt` at most once if it is cancelled meanwhile. `interrupt` must not block, and is never
    /// called after `work` has ended. If it was cancelled before, `interrupt` is not called: `work` must check that itself.
    pub fn interrupting<T>(&self, interrupt: impl Fn() + Send + 'static, work: impl FnOnce() -> T) -> T {
        *self.0.interrupt() = Some(Box::new(interrupt));
        let _running = Running(&self.0);
        work()
    }
}

impl Shared {
    fn interrupt(&self) -> MutexGuard<'_, Option<Interrupt>> {
        self.interrupt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the callback when it is dropped, also by a panic: the work has ended.
struct Running<'a>(&'a Shared);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *self.0.interrupt() = None;
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Cancellation").field(&self.is_cancelled()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::Cancellation;

    #[test]
    fn running_work_is_interrupted_once_and_none_after_it() {
        let cancellation = Cancellation::new();
        let interrupts = Arc::new(AtomicU32::new(0));
        let counted = || {
            let interrupts = Arc::clone(&interrupts);
            move || {
                interrupts.fetch_add(1, Ordering::SeqCst);
            }
        };
        cancellation.interrupting(counted(), || ());
        cancellation.interrupting(counted(), || {
            cancellation.clone().cancel();
            cancellation.cancel();
        });
        assert!(cancellation.is_cancelled());
        assert_eq!(interrupts.load(Ordering::SeqCst), 1);
        let cancellation = Cancellation::new();
        let panicked =
            catch_unwind(AssertUnwindSafe(|| cancellation.interrupting(counted(), || panic!("work failed"))));
        assert!(panicked.is_err());
        cancellation.cancel();
        assert_eq!(interrupts.load(Ordering::SeqCst), 1);
    }
}
