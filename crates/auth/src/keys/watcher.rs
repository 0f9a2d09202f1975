//! Reloads the key set when its file changes, on a thread of its own.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;

use guildhall_domain::ports::{Clock, PendingKeys};

use super::file::KeyFile;
use super::generation::KeyGeneration;
use super::set::KeySet;
use super::watched_file::WatchedFile;
use super::watcher_schedule::{Look, WatcherSchedule};

/// The current key set of this service. Reading it never waits for the file system.
pub(crate) struct KeyWatcher {
    keys: Arc<CurrentKeys>,
    /// `None` if the keys are not from a file.
    thread: Option<Arc<Shared>>,
}

/// The key set as of the last reload.
pub(super) struct CurrentKeys {
    key_set: RwLock<Arc<KeySet>>,
    generation: Arc<KeyGeneration>,
}

/// The data shared with the background thread. The lock is never held while the thread looks at the file.
struct Shared {
    schedule: Mutex<WatcherSchedule>,
    /// Wakes the thread to check whether a look is due or it must stop.
    wake: Condvar,
    clock: Arc<dyn Clock>,
}

impl KeyWatcher {
    /// A key set that never changes.
    pub(crate) fn fixed(key_set: KeySet, generation: Arc<KeyGeneration>) -> Self {
        Self { keys: Arc::new(CurrentKeys::new(key_set, generation)), thread: None }
    }

    /// A key set that is reloaded when the file changes. Starts the thread that looks at the file; it ends after this is dropped.
    pub(crate) fn watching(file: KeyFile, generation: Arc<KeyGeneration>, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let KeyFile { path, key_set, version, .. } = file;
        let keys = Arc::new(CurrentKeys::new(key_set, generation));
        let schedule = Mutex::new(WatcherSchedule::begun_at(clock.now().milliseconds()));
        let shared = Arc::new(Shared { schedule, wake: Condvar::new(), clock });
        let (worker, current) = (Arc::clone(&shared), Arc::clone(&keys));
        let mut file = WatchedFile::new(path, version);
        thread::Builder::new().name("key file".to_owned()).spawn(move || {
            while let Some(look) = worker.wait_until_due() {
                file.look(look, worker.now(), &current);
                worker.lock().end();
            }
        })?;
        Ok(Self { keys, thread: Some(shared) })
    }

    /// The key set as of the last reload.
    pub(crate) fn key_set(&self) -> Arc<KeySet> {
        self.keys.get()
    }

    /// Wakes the thread if a look is due, because the clock that the thread sleeps by stops while the machine is suspended.
    pub(crate) fn wake_if_due(&self, now: i64) {
        if let Some(shared) = &self.thread
            && shared.lock().is_due(now)
        {
            shared.wake.notify_one();
        }
    }

    /// Has the thread look at the file for a token that names an unknown key, and returns what to wait for; `None` if the file was
    /// looked at after the token was verified for the first time, or there is no file. `awaited` is what the last call returned.
    ///
    /// There is one look at a time, for all tokens that came before it began.
    pub(crate) fn look_for_unknown_key(&self, awaited: Option<PendingKeys>) -> Option<PendingKeys> {
        let shared = self.thread.as_ref()?;
        let mut schedule = shared.lock();
        let number = awaited.map_or_else(|| schedule.request(), |PendingKeys(number)| number);
        if schedule.has_ended(number) {
            return None;
        }
        shared.wake.notify_one();
        Some(PendingKeys(number))
    }
}

impl Drop for KeyWatcher {
    /// Stops the thread without waiting for it. A look that has begun ends first.
    fn drop(&mut self) {
        if let Some(shared) = &self.thread {
            shared.lock().stop();
            shared.wake.notify_one();
        }
    }
}

impl CurrentKeys {
    fn new(key_set: KeySet, generation: Arc<KeyGeneration>) -> Self {
        Self { key_set: RwLock::new(Arc::new(key_set)), generation }
    }

    fn get(&self) -> Arc<KeySet> {
        Arc::clone(&self.key_set.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the key set, and ends what the keys of before have verified. Returns whether it is another one.
    pub(super) fn replace(&self, key_set: KeySet) -> bool {
        let mut current = self.key_set.write().unwrap_or_else(PoisonError::into_inner);
        if current.ids().eq(key_set.ids()) {
            return false;
        }
        *current = Arc::new(key_set);
        self.generation.advance();
        true
    }
}

impl Shared {
    /// Poisoning is ignored: no panic can leave the schedule inconsistent.
    fn lock(&self) -> MutexGuard<'_, WatcherSchedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> i64 {
        self.clock.now().milliseconds()
    }

    /// Waits until a look is due. Returns `None` when the thread must stop.
    fn wait_until_due(&self) -> Option<Look> {
        let mut schedule = self.lock();
        while !schedule.is_stopped() {
            let now = self.now();
            if let Some(look) = schedule.begin(now) {
                return Some(look);
            }
            let delay = schedule.delay(now);
            (schedule, _) = self.wake.wait_timeout(schedule, delay).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }
}

#[cfg(test)]
pub(super) mod testing {
    use std::sync::Arc;

    use super::CurrentKeys;
    use crate::keys::set::KeySet;

    pub(in crate::keys) fn current_keys(key_set: KeySet) -> CurrentKeys {
        CurrentKeys::new(key_set, Arc::default())
    }
}
