//! What a change would do: the change itself, made and undone.

use std::sync::Arc;

use super::Directory;
use super::preview_log::{Effects, PreviewLog};
use super::unit_of_work::Finish;
use crate::access::{On, Permission, Refused};
use crate::context::Context;
use crate::ports::StoreError;

impl Directory<'_> {
    /// Runs `work` in one unit of work, which is undone, and says what its use cases would have changed, with the result of `work`. It may be run
    /// several times, of which the last one counts. If it fails, so does this.
    ///
    /// An actor who may not read all groups is told of those alone that they manage, and how many others would change.
    ///
    /// What users would gain is found out after the unit of work was undone, so no lock is held for longer than the change itself holds it; what they would lose
    /// is found out in it.
    pub fn preview<T, E: From<Refused> + From<StoreError>>(
        &self,
        context: &Context,
        mut work: impl FnMut(&Directory<'_>, &Context) -> Result<T, E>,
    ) -> Result<(T, Effects), E> {
        let manager = match self.authorise(context, Permission::ReadGroups, On::All) {
            Ok(()) => None,
            Err(Refused::Denied(_)) => context.actor().user(),
            Err(error) => return Err(error.into()),
        };
        let log = Arc::new(PreviewLog::at(context.now(), manager));
        let recorded = context.again().recorded_in(Arc::clone(&log));
        let undone = self.in_one_unit(&recorded, |whole| {
            log.clear();
            whole.run(&mut work).map(Finish::Rollback)
        });
        if let Some(admission) = recorded.admission() {
            context.admitted(admission.clone());
        }
        let result = undone?;
        let effects = self.store.read(|store| log.effects(store))?;
        Ok((result, effects))
    }
}
