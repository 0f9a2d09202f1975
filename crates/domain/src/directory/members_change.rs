//! Units of work that change who belongs to a group.

use super::Directory;
use super::unit_of_work::{Finish, Undone, Work, Writing, end};
use crate::access::{Actor, Admitted, Permission, Refused, Target};
use crate::context::Context;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::{MembersChange, StoreError, Writer};

/// Which other units of work that write may run beside one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Any.
    Any,
    /// Those that do not run alone.
    Shared,
    /// None that runs alone or shared.
    Alone,
}

impl Directory {
    /// Admits an actor who may change members of groups and runs `work`, with what decides about a change of who belongs to `group`, and
    /// beside the writers that `turn` lets run.
    pub(super) fn change_members<T, E: From<Refused> + From<StoreError>>(
        &self,
        context: &Context,
        turn: Turn,
        (group, user): (&GroupIdentifier, Option<&UserIdentifier>),
        mut work: impl FnMut(&mut Writing<'_>, &MembersChange) -> Result<Finish<T>, E>,
    ) -> Result<T, E> {
        let mut notes = Vec::new();
        let unit = |store: &mut dyn Writer| {
            let refused = |refused: Refused| Undone::Refused(E::from(refused));
            let caller = match context.actor() {
                Actor::Caller(caller) => Some(caller),
                Actor::Operator | Actor::Anonymous => None,
            };
            let mut change = store.members_change(caller.map(|caller| caller.user), group, user)?;
            let actor = match caller {
                Some(caller) => self.admit_account(context, caller, change.caller.take()),
                None => Admitted::admit(store, context.actor(), context.now(), self.policy),
            };
            let mut unit = Work { store, actor: actor.map_err(refused)?, notes: Vec::new() };
            unit.authorise(Permission::ChangeMembers, Target::All).map_err(refused)?;
            let finish = work(&mut unit, &change).map_err(Undone::Refused)?;
            notes = unit.notes;
            finish.into()
        };
        let ended = match turn {
            Turn::Any => self.store.write(unit),
            Turn::Shared => self.store.write_shared(unit),
            Turn::Alone => self.store.write_alone(unit),
        };
        end(context, ended, notes)
    }
}
