//! One unit of work around use cases: their units of work are parts of it, and what they did stays only with all the rest.

use std::sync::{Arc, Mutex, PoisonError};

use super::Directory;
use super::prepared_passwords::PreparedPasswords;
use super::unit_of_work::{Finish, Turn, Undone};
use crate::context::Context;
use crate::ports::{Cancellation, Reader, Store, StoreError, Undo, Writer};

/// A unit of work in which use cases run.
pub(super) struct Whole<'a> {
    pub(super) writer: &'a mut dyn Writer,
    directory: &'a Directory<'a>,
    context: &'a Context,
    turn: Turn,
    wanted: &'a Mutex<Option<Turn>>,
}

impl Whole<'_> {
    /// Runs use cases over a directory whose store is this unit of work.
    pub(super) fn run<R>(&mut self, use_cases: impl FnOnce(&Directory<'_>, &Context) -> R) -> R {
        let store = NestedStore { writer: Mutex::new(&mut *self.writer), turn: self.turn, wanted: self.wanted };
        use_cases(&self.directory.clone().within(Arc::new(store)), self.context)
    }
}

impl Directory<'_> {
    /// Runs `work` in one unit of work. It is run again from the start, after all was undone, if it collides with other work, if a use case needs a
    /// stronger turn than the unit of work has, and if one needs a password hashed or compared, which is done meanwhile: no connection is kept for as
    /// long as that takes. Notes are those of the last run, if it is committed.
    pub(super) fn in_one_unit<T, E: From<StoreError>>(
        &self,
        context: &Context,
        mut work: impl FnMut(&mut Whole<'_>) -> Result<Finish<T>, E>,
    ) -> Result<T, E> {
        let passwords = Arc::new(PreparedPasswords::over(Arc::clone(&self.passwords)));
        let directory = Self { passwords: Arc::clone(&passwords) as _, ..self.clone() };
        let mut turn = Turn::Any;
        loop {
            let wanted = Mutex::new(None);
            let ended = self.in_turn(context, turn, |writer| {
                let again = context.again();
                let mut whole = Whole { writer, directory: &directory, context: &again, turn, wanted: &wanted };
                let finish = work(&mut whole);
                if let Some(admission) = again.admission() {
                    context.admitted(admission.clone());
                }
                let is_incomplete = locked(&wanted).is_some() || passwords.is_asked();
                let ended = match finish {
                    _ if is_incomplete => Err(Undone::Rollback(None)),
                    Ok(Finish::Commit(value)) => Ok(Some(value)),
                    Ok(Finish::Rollback(value)) => Err(Undone::Rollback(Some(value))),
                    Err(error) => Err(Undone::Refused(error)),
                };
                (again.take_notes(), ended)
            });
            if let Some(value) = ended? {
                return Ok(value);
            }
            turn = locked(&wanted).unwrap_or(turn);
            passwords.answer();
        }
    }
}

fn locked(wanted: &Mutex<Option<Turn>>) -> std::sync::MutexGuard<'_, Option<Turn>> {
    wanted.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A unit of work, as the store of use cases that run in it.
struct NestedStore<'w> {
    writer: Mutex<&'w mut dyn Writer>,
    turn: Turn,
    /// The stronger turn that a part asked for.
    wanted: &'w Mutex<Option<Turn>>,
}

/// The unit of work is to be run again in a stronger turn.
#[derive(Debug, thiserror::Error)]
#[error("a part of the unit of work needs a stronger turn")]
struct NeedsTurn;

impl NestedStore<'_> {
    fn part(&self, turn: Turn, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        if turn > self.turn {
            *locked(self.wanted) = Some(turn);
            return Err(StoreError::unavailable(NeedsTurn));
        }
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).within_savepoint(work)
    }
}

impl Store for NestedStore<'_> {
    fn reading(&self, _: &Cancellation, work: &mut dyn FnMut(&mut dyn Reader)) -> Result<(), StoreError> {
        work(&mut **self.writer.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    fn writing(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.part(Turn::Any, work)
    }

    fn writing_shared(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.part(Turn::Shared, work)
    }

    fn writing_alone(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.part(Turn::Alone, work)
    }

    /// Whoever runs the unit of work finds out when it ends.
    fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
