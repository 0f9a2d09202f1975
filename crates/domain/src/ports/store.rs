//! The store of the directory.

use super::{Cancellation, MembershipAnswer, MembershipCheck, Reader, StoreError, Writer};

/// Keeps the directory.
///
/// A unit of work commits by returning `Ok`; with `Err` it leaves no trace. A store may run `work` again from the start
/// when another unit of work changed what this one relied on, so `work` must not change anything but the store.
///
/// If any call of the reader or writer failed, the unit of work is not committed, even if `work` returns `Ok`: it is run again
/// if that may help, or fails with the error of that call.
///
/// Use the methods of `dyn Store` ([`read`](#method.read), [`write`](#method.write), [`write_alone`](#method.write_alone)),
/// which carry a value and a typed error.
pub trait Store: Send + Sync {
    /// Reads that agree with one another. A store may limit how long one call of the reader takes. A call that takes
    /// longer fails with [`Fault::TimedOut`](super::Fault::TimedOut). Once `cancellation` is cancelled, a store may end the
    /// work with an error, whatever the work returns.
    fn reading(&self, cancellation: &Cancellation, work: &mut dyn FnMut(&mut dyn Reader)) -> Result<(), StoreError>;
    /// Changes that commute: adding members, creating users and groups. Several may run at once.
    fn writing(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError>;
    /// Changes that must see no other such change from first read to end: edges between groups, and removals that could
    /// take the last administrator.
    fn writing_alone(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError>;
    /// Checks that a change could be committed. It is cheap, and does not wait until other units of work have ended.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached, or would not commit a change: because it is read-only, full or damaged, for example. After
    /// a unit of work failed for such a reason, it keeps failing until a change was committed.
    fn ready(&self) -> Result<(), StoreError>;
    /// The answer that [`MembershipCheck::answer`] gives in a unit of work that reads, with the same limit of time and the same
    /// cancellation. A store that can answer in one round trip does.
    fn check(&self, cancellation: &Cancellation, check: &MembershipCheck<'_>) -> Result<MembershipAnswer, StoreError> {
        check.answer_by_reading(self, cancellation)
    }
}

/// Asks a store to roll a unit of work back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undo;

impl dyn Store + '_ {
    /// Runs `work` over one consistent state.
    pub fn read<T, E: From<StoreError>>(&self, work: impl FnMut(&mut dyn Reader) -> Result<T, E>) -> Result<T, E> {
        self.read_unless(&Cancellation::new(), work)
    }

    /// Runs `work` over one consistent state, until `cancellation` is cancelled.
    pub fn read_unless<T, E: From<StoreError>>(
        &self,
        cancellation: &Cancellation,
        mut work: impl FnMut(&mut dyn Reader) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut outcome = None;
        self.reading(cancellation, &mut |reader| outcome = Some(work(reader)))?;
        outcome.unwrap_or_else(|| Err(StoreError::idle().into()))
    }

    /// Runs `work` beside other writers; what it did stays if it returns `Ok`.
    pub fn write<T, E: From<StoreError>>(&self, mut work: impl FnMut(&mut dyn Writer) -> Result<T, E>) -> Result<T, E> {
        typed(&mut work, |work| self.writing(work))
    }

    /// Runs `work` while no other such work runs; what it did stays if it returns `Ok`.
    pub fn write_alone<T, E: From<StoreError>>(
        &self,
        mut work: impl FnMut(&mut dyn Writer) -> Result<T, E>,
    ) -> Result<T, E> {
        typed(&mut work, |work| self.writing_alone(work))
    }
}

type WriteWork<'a> = dyn FnMut(&mut dyn Writer) -> Result<(), Undo> + 'a;

fn typed<T, E: From<StoreError>>(
    work: &mut dyn FnMut(&mut dyn Writer) -> Result<T, E>,
    run: impl FnOnce(&mut WriteWork<'_>) -> Result<(), StoreError>,
) -> Result<T, E> {
    let mut outcome = None;
    let ran = run(&mut |writer| {
        let result = work(writer);
        let done = result.as_ref().map(|_| ()).map_err(|_| Undo);
        outcome = Some(result);
        done
    });
    match (ran, outcome) {
        (Err(error), _) => Err(error.into()),
        (Ok(()), Some(outcome)) => outcome,
        (Ok(()), None) => Err(StoreError::idle().into()),
    }
}
