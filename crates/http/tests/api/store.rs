//! A store that fails when it is told to.

use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use guildhall_domain::memory::Memory;
use guildhall_domain::ports::{
    Cancellation, Clock, MembershipAnswer, MembershipQuestion, Reader, Store, StoreError, Undo, Writer,
};

/// What the store does with the next unit of work.
#[derive(Default)]
pub(crate) enum Mood {
    /// Its work.
    #[default]
    Well,
    /// It cannot be reached.
    Away,
    /// It is broken.
    Broken,
    /// It panics.
    Panicking,
    /// It waits for a message, then does its work.
    Waiting(Receiver<()>),
    /// It says that it begins to read, does so until nobody wants that any more, and says so too.
    UntilCancelled(Sender<()>),
}

/// Memory with moods.
pub(crate) struct Moody {
    memory: Memory,
    mood: Mutex<Mood>,
}

impl Moody {
    /// An empty store, in which memberships begin and end by `clock`.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { memory: Memory::new(clock), mood: Mutex::default() }
    }

    /// From now on it is in this mood.
    pub(crate) fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = mood;
    }

    fn work(&self) -> Result<(), StoreError> {
        let mood = self.mood.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match &*mood {
            Mood::Well | Mood::UntilCancelled(_) => Ok(()),
            Mood::Away => Err(StoreError::unavailable("nobody answers")),
            Mood::Broken => Err(StoreError::failed("a table is missing")),
            Mood::Panicking => panic!("the store panics because a test told it to"),
            Mood::Waiting(sign) => sign.recv().map_err(StoreError::failed),
        }
    }
}

impl Store for Moody {
    fn reading(&self, cancellation: &Cancellation, work: &mut dyn FnMut(&mut dyn Reader)) -> Result<(), StoreError> {
        self.work()?;
        let mood = self.mood.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Mood::UntilCancelled(tell) = &*mood {
            tell.send(()).map_err(StoreError::failed)?;
            while !cancellation.is_cancelled() {
                std::thread::sleep(Duration::from_millis(5));
            }
            tell.send(()).map_err(StoreError::failed)?;
        }
        drop(mood);
        self.memory.reading(cancellation, work)
    }

    fn writing(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.work()?;
        self.memory.writing(work)
    }

    fn writing_alone(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.work()?;
        self.memory.writing_alone(work)
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.work()?;
        self.memory.ready()
    }
}

/// Reads in units of work when it is told to, and answers single statements at once.
pub(crate) struct SlowToRead(Arc<Moody>, Mutex<Receiver<()>>);

impl SlowToRead {
    /// It reads when a message comes, or its sender is gone.
    pub(crate) fn of(store: Arc<Moody>, may_read: Receiver<()>) -> Self {
        Self(store, may_read.into())
    }
}

impl Store for SlowToRead {
    fn reading(&self, cancellation: &Cancellation, work: &mut dyn FnMut(&mut dyn Reader)) -> Result<(), StoreError> {
        let _ = self.1.lock().unwrap().recv();
        self.0.reading(cancellation, work)
    }

    fn writing(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.0.writing(work)
    }

    fn writing_alone(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.0.writing_alone(work)
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.0.ready()
    }

    fn check(&self, wanted: &Cancellation, check: &MembershipQuestion<'_>) -> Result<MembershipAnswer, StoreError> {
        self.0.check(wanted, check)
    }

    fn check_together(&self, checks: &[MembershipQuestion<'_>]) -> Vec<Result<MembershipAnswer, StoreError>> {
        self.0.check_together(checks)
    }
}
