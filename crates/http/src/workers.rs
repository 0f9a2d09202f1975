//! Threads that may wait, and the queue before them.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

/// A fixed number of threads that do the jobs of one bounded queue in their order. They end when this is dropped and the queue
/// is empty.
pub(crate) struct Workers {
    queue: Arc<Queue>,
}

/// Who is first where processors are scarce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// As every thread.
    Normal,
    /// After every other thread.
    Low,
}

/// How much a thread of low priority steps back, of 19 at most. Every step takes a fifth of what it gets.
const NICENESS: i32 = 15;

impl Priority {
    /// Gives it to this thread. Elsewhere than in Linux, it would be given to the whole process.
    fn apply(self) {
        if self == Self::Low && cfg!(target_os = "linux") {
            // Best effort: without it the work is done all the same.
            let _ = rustix::process::nice(NICENESS);
        }
    }
}

/// The queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests of this kind wait already")]
pub(crate) struct QueueFull;

struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    capacity: usize,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    is_closed: bool,
}

impl Workers {
    /// Starts `threads` threads whose names begin with `name`. At most `capacity` jobs wait for them.
    pub(crate) fn start(name: &str, threads: NonZeroUsize, capacity: usize, priority: Priority) -> io::Result<Self> {
        let queue = Arc::new(Queue { state: Mutex::default(), changed: Condvar::new(), capacity });
        let workers = Self { queue };
        for number in 0..threads.get() {
            let queue = Arc::clone(&workers.queue);
            thread::Builder::new().name(format!("{name}-{number}")).spawn(move || {
                priority.apply();
                queue.work();
            })?;
        }
        Ok(workers)
    }

    /// Hands a job over, which may not panic.
    pub(crate) fn submit(&self, job: impl FnOnce() + Send + 'static) -> Result<(), QueueFull> {
        let mut state = self.queue.lock();
        if state.jobs.len() >= self.queue.capacity {
            return Err(QueueFull);
        }
        state.jobs.push_back(Box::new(job));
        drop(state);
        self.queue.changed.notify_one();
        Ok(())
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.queue.lock().is_closed = true;
        self.queue.changed.notify_all();
    }
}

impl Queue {
    fn work(&self) {
        while let Some(job) = self.next() {
            job();
        }
    }

    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.is_closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::sync::mpsc;

    use super::{Priority, QueueFull, Workers};

    #[test]
    fn a_full_queue_refuses_and_a_closed_one_is_finished() {
        let workers = Workers::start("test", NonZeroUsize::MIN, 2, Priority::Low).unwrap();
        let (begun, has_begun) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let (done, is_done) = mpsc::channel();
        workers
            .submit(move || {
                begun.send(()).unwrap();
                released.recv().unwrap();
            })
            .unwrap();
        has_begun.recv().unwrap();
        for number in 0..2 {
            let done = done.clone();
            workers.submit(move || done.send(number).unwrap()).unwrap();
        }
        assert_eq!(workers.submit(|| ()), Err(QueueFull));
        drop((workers, done));
        release.send(()).unwrap();
        assert_eq!(is_done.iter().collect::<Vec<_>>(), [0, 1]);
    }
}
