//! A pool of threads for blocking jobs, with a bounded queue.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use crate::metrics::lanes::WorkersMetrics;

type Job = Box<dyn FnOnce() + Send>;

/// A fixed number of threads that run the jobs of one bounded queue in order. After this is dropped, they finish the queue and end.
pub(crate) struct Workers {
    queue: Arc<Queue>,
}

/// The scheduling priority of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// The default.
    Normal,
    /// Below all other threads.
    Low,
}

/// The nice value of threads with low priority, of at most 19. Each step reduces the processor time by a fifth.
const NICENESS: i32 = 15;

impl Priority {
    /// Applies it to the current thread. Only Linux has priorities of threads; elsewhere it would apply to the process.
    fn apply(self) {
        if self == Self::Low && cfg!(target_os = "linux") {
            // Best effort: without it, the jobs run at the default priority.
            let _ = rustix::process::nice(NICENESS);
        }
    }
}

/// The queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests of this kind wait already")]
pub(crate) struct QueueFull;

/// Whether the number of jobs that run at one time is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    Ordinary,
    /// Only a few run at one time.
    Heavy,
}

struct Queue {
    state: Mutex<QueueState>,
    changed: Condvar,
    capacity: usize,
    metrics: WorkersMetrics,
}

/// A job, and since when it waits.
struct Queued {
    weight: Weight,
    job: Job,
    since: Instant,
}

struct QueueState {
    jobs: VecDeque<Queued>,
    /// How many heavy jobs are running.
    heavy: usize,
    most_heavy: usize,
    most_heavy_waiting: usize,
    is_closed: bool,
}

impl Workers {
    /// Starts `threads` threads whose names begin with `name`, with a queue of at most `capacity` jobs.
    pub(crate) fn start(
        name: &str,
        threads: NonZeroUsize,
        capacity: usize,
        priority: Priority,
        metrics: WorkersMetrics,
    ) -> io::Result<Self> {
        let state = QueueState {
            jobs: VecDeque::new(),
            heavy: 0,
            most_heavy: threads.get(),
            most_heavy_waiting: capacity,
            is_closed: false,
        };
        metrics.threads.set(i64::try_from(threads.get()).unwrap_or(i64::MAX));
        let queue = Arc::new(Queue { state: Mutex::new(state), changed: Condvar::new(), capacity, metrics });
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

    /// Limits how many heavy jobs run and wait at one time.
    pub(crate) fn with_heavy(self, most: NonZeroUsize, most_waiting: usize) -> Self {
        let mut state = self.queue.lock();
        (state.most_heavy, state.most_heavy_waiting) = (most.get(), most_waiting);
        drop(state);
        self
    }

    /// Fails if the queue is full.
    pub(crate) fn check_room(&self) -> Result<(), QueueFull> {
        let has_room = self.queue.lock().jobs.len() < self.queue.capacity;
        if has_room { Ok(()) } else { Err(self.refused()) }
    }

    /// Queues a job, which must not panic.
    pub(crate) fn submit(&self, weight: Weight, job: impl FnOnce() + Send + 'static) -> Result<(), QueueFull> {
        let mut state = self.queue.lock();
        let heavy = || state.jobs.iter().filter(|queued| queued.weight == Weight::Heavy).count();
        if state.jobs.len() >= self.queue.capacity || (weight == Weight::Heavy && heavy() >= state.most_heavy_waiting) {
            drop(state);
            return Err(self.refused());
        }
        state.jobs.push_back(Queued { weight, job: Box::new(job), since: Instant::now() });
        self.queue.metrics.queued.inc();
        drop(state);
        self.queue.changed.notify_one();
        Ok(())
    }

    /// Counts work that is refused.
    pub(crate) fn refused(&self) -> QueueFull {
        self.queue.metrics.refused.inc();
        QueueFull
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
        while let Some(Queued { weight, job, since }) = self.next() {
            self.metrics.queued.dec();
            self.metrics.waits.observe(since.elapsed().as_secs_f64());
            self.metrics.running.inc();
            job();
            self.metrics.running.dec();
            if weight == Weight::Heavy {
                self.lock().heavy -= 1;
                // A queued heavy job may be able to run; an idle thread must be woken for it.
                self.changed.notify_one();
            }
        }
    }

    /// The first job that may run. Ordinary jobs pass heavy ones that must wait.
    fn next(&self) -> Option<Queued> {
        let mut state = self.lock();
        loop {
            let may_be_heavy = state.heavy < state.most_heavy;
            let place = state.jobs.iter().position(|queued| may_be_heavy || queued.weight == Weight::Ordinary);
            if let Some(queued) = place.and_then(|place| state.jobs.remove(place)) {
                if queued.weight == Weight::Heavy {
                    state.heavy += 1;
                }
                return Some(queued);
            }
            // Only heavy jobs are left, and the threads that run heavy jobs will take them.
            if state.is_closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::sync::mpsc;

    use super::{Priority, QueueFull, Weight, Workers};
    use crate::metrics::Metrics;
    use crate::metrics::lanes::WorkersMetrics;

    fn metrics() -> WorkersMetrics {
        Metrics::new().unwrap().lanes.of("test").unwrap()
    }

    #[test]
    fn a_full_queue_refuses_and_a_closed_one_is_finished() {
        let metrics = metrics();
        let workers = Workers::start("test", NonZeroUsize::MIN, 2, Priority::Low, metrics.clone()).unwrap();
        let (begun, has_begun) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let (done, is_done) = mpsc::channel();
        workers
            .submit(Weight::Ordinary, move || {
                begun.send(()).unwrap();
                released.recv().unwrap();
            })
            .unwrap();
        has_begun.recv().unwrap();
        for number in 0..2 {
            let done = done.clone();
            workers.submit(Weight::Ordinary, move || done.send(number).unwrap()).unwrap();
        }
        assert_eq!(workers.submit(Weight::Ordinary, || ()), Err(QueueFull));
        assert_eq!(workers.check_room(), Err(QueueFull));
        let numbers = [metrics.threads.get(), metrics.running.get(), metrics.queued.get()];
        assert_eq!((numbers, metrics.refused.get()), ([1, 1, 2], 2));
        drop((workers, done));
        release.send(()).unwrap();
        assert_eq!(is_done.iter().collect::<Vec<_>>(), [0, 1]);
        assert_eq!((metrics.queued.get(), metrics.waits.get_sample_count()), (0, 3));
    }

    #[test]
    fn heavy_jobs_wait_for_one_another_and_let_others_past() {
        let threads = NonZeroUsize::new(3).unwrap();
        let workers = Workers::start("test", threads, 8, Priority::Normal, metrics()).unwrap();
        let workers = workers.with_heavy(NonZeroUsize::MIN, 2);
        let (begun, has_begun) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let blocking = begun.clone();
        let block = move || {
            blocking.send("heavy").unwrap();
            released.recv().unwrap();
        };
        workers.submit(Weight::Heavy, block).unwrap();
        assert_eq!(has_begun.recv(), Ok("heavy"));
        for name in ["second", "third"] {
            let begun = begun.clone();
            workers.submit(Weight::Heavy, move || begun.send(name).unwrap()).unwrap();
        }
        assert_eq!(workers.submit(Weight::Heavy, || ()), Err(QueueFull));
        workers.submit(Weight::Ordinary, move || begun.send("ordinary").unwrap()).unwrap();
        assert_eq!(has_begun.recv(), Ok("ordinary"));
        assert!(has_begun.try_recv().is_err());
        drop(workers);
        release.send(()).unwrap();
        assert_eq!(has_begun.iter().collect::<Vec<_>>(), ["second", "third"]);
    }
}
