//! The seam through which every use case reaches the store.

use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::Directory;
use super::opening::about_nothing;
use super::preview_log::PreviewLog;
use super::recording::{Fact, Recorder, Teller};
use crate::access::{Actor, Admitted, Caller, Grant, NO_GROUP, Permission, Refused, Target};
use crate::audit::AuditNote;
use crate::context::Context;
use crate::event::NewEvent;
use crate::group::GroupId;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::{
    AccountStatus, CheckedGroups, FoundFor, MembershipAnswer, MembershipQuestion, Reader, StoreError, Writer,
};
use crate::provenance::Provenance;
use crate::user::UserId;

/// How a unit of work that changes something ends, unless it ends with an error. An error undoes everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish<T> {
    /// Keep the changes, and return this.
    Commit(T),
    /// Undo the changes, and return this.
    Rollback(T),
}

/// Which other units of work that write may run beside one. Each is stronger than those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Turn {
    /// Any.
    Any,
    /// Any, where the last call of the writer makes the only change.
    Once,
    /// Those that do not run alone.
    Shared,
    /// None that runs alone or shared.
    Alone,
}

/// A unit of work of an admitted actor. It is also the store's [`Reader`] or [`Writer`].
pub(crate) struct Work<'a, S: ?Sized> {
    pub(super) store: &'a mut S,
    pub(super) actor: Admitted,
    pub(super) notes: Vec<AuditNote>,
    /// Where changes are recorded, if they are previewed.
    pub(super) preview: Option<Arc<PreviewLog>>,
}

/// A unit of work that reads.
pub(crate) type Reading<'a> = Work<'a, dyn Reader + 'a>;
/// A unit of work that may change something.
pub(crate) type Writing<'a> = Work<'a, dyn Writer + 'a>;

impl<S: ?Sized> Deref for Work<'_, S> {
    type Target = S;

    fn deref(&self) -> &S {
        self.store
    }
}

impl<S: ?Sized> DerefMut for Work<'_, S> {
    fn deref_mut(&mut self) -> &mut S {
        self.store
    }
}

impl<S: Reader + ?Sized> Work<'_, S> {
    /// Fails unless the actor has this permission on `target`.
    pub(super) fn authorise(&mut self, permission: Permission, target: Target<'_>) -> Result<Grant, Refused> {
        self.actor.authorise(self.store, permission, target)
    }

    /// The groups that any of `identifiers` name, which the members or children of are to be left out of a listing. Managers name none but
    /// groups that they manage: what is left out would tell of the others.
    pub(super) fn excluded_groups(
        &mut self,
        identifiers: &[GroupIdentifier],
        grant: Grant,
    ) -> Result<BTreeSet<GroupId>, Refused> {
        match grant {
            _ if identifiers.is_empty() => Ok(BTreeSet::new()),
            Grant::Whole => Ok(self.group_ids(identifiers)?),
            Grant::AsManager => {
                let groups = self.each_group(identifiers)?;
                self.authorise(Permission::ReadGroups, Target::Groups(&groups))?;
                Ok(groups)
            }
        }
    }

    /// The groups that `identifiers` name. [`NO_GROUP`] stands for names that no group has. Whether there is a group of an id is not
    /// looked up. A constant number of statements.
    pub(super) fn each_group<'i>(
        &mut self,
        identifiers: impl IntoIterator<Item = &'i GroupIdentifier>,
    ) -> Result<BTreeSet<GroupId>, StoreError> {
        let (mut groups, mut names) = (BTreeSet::new(), BTreeSet::new());
        for identifier in identifiers {
            match identifier {
                GroupIdentifier::Id(id) => _ = groups.insert(*id),
                GroupIdentifier::Name(name) if name.is_empty() || name.is_too_long() => _ = groups.insert(NO_GROUP),
                GroupIdentifier::Name(name) => _ = names.insert(name),
            }
        }
        if !names.is_empty() {
            let found = self.groups_named(&names)?;
            if found.len() < names.len() {
                groups.insert(NO_GROUP);
            }
            groups.extend(found.into_values());
        }
        Ok(groups)
    }

    /// The user that `identifier` names.
    pub(super) fn find_user(&mut self, identifier: &UserIdentifier) -> Result<Option<UserId>, StoreError> {
        match identifier {
            UserIdentifier::Current => Ok(self.actor.user()),
            _ => self.user_id(identifier),
        }
    }

    /// What is added is added by the actor, at the moment of the call.
    pub(crate) fn provenance(&self, context: &Context) -> Provenance {
        Provenance { at: context.now(), by: self.actor.user() }
    }

    /// Keeps a note for the audit log, if the work is committed.
    pub(crate) fn note(&mut self, note: impl IntoIterator<Item = AuditNote>) {
        self.notes.extend(note);
    }
}

/// The reason for undoing a unit of work: a rollback that the use case asked for, or its error.
pub(super) enum Undone<T, E> {
    Rollback(T),
    Refused(E),
}

impl<T, E> From<Finish<T>> for Result<T, Undone<T, E>> {
    fn from(finish: Finish<T>) -> Self {
        match finish {
            Finish::Commit(value) => Ok(value),
            Finish::Rollback(value) => Err(Undone::Rollback(value)),
        }
    }
}

impl<T, E: From<StoreError>> From<StoreError> for Undone<T, E> {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl Directory<'_> {
    /// Admits the actor and runs `work` over one consistent state, as long as the result is wanted.
    pub(super) fn read<T, E: From<Refused> + From<StoreError>>(
        &self,
        context: &Context,
        mut work: impl FnMut(&mut Reading<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.store.read_unless(context.cancellation(), |store| work(&mut self.begin(context, store)?))
    }

    /// Whether `user` is an effective member of any of `groups`, for an actor with `permission` on the user: in one round trip
    /// to the store, unless the permission depends on more than the actor's account.
    pub(super) fn check<E: From<Refused> + From<StoreError>>(
        &self,
        context: &Context,
        permission: Permission,
        user: &UserIdentifier,
        groups: &CheckedGroups<'_>,
    ) -> Result<MembershipAnswer, E> {
        if let Some(check) = question(context, user, groups) {
            let answer = self.store.check(context.cancellation(), &check)?;
            if let Some(answer) = self.decided(context, permission, answer)? {
                return Ok(answer);
            }
        }
        self.read(context, |work| {
            let found = work.find_user(user)?;
            let group = match groups {
                CheckedGroups::One(group) => work.group_id(group)?,
                CheckedGroups::FirstOf { .. } => None,
            };
            work.authorise(permission, Target::Membership(group, found))?;
            let user = found.map_or(user.clone(), UserIdentifier::Id);
            let check = MembershipQuestion { caller: work.actor.user(), user: &user, groups: groups.clone() };
            Ok(check.answer(work.store)?)
        })
    }

    /// The store's answer for a caller who has `permission` on the membership. `None`: that depends on more than the caller's account.
    pub(super) fn decided(
        &self,
        context: &Context,
        permission: Permission,
        mut answer: MembershipAnswer,
    ) -> Result<Option<MembershipAnswer>, Refused> {
        let Actor::Caller(caller) = context.actor() else { return Ok(None) };
        let actor = self.admit_account(context, caller, answer.caller.take())?;
        let Some(decided) = actor.authorise_on_group_at_once(permission, answer.user) else { return Ok(None) };
        decided?;
        Ok(Some(answer))
    }

    /// What `ask` finds for a caller who has `permission` on it, where that depends on nothing but the caller's own account, or the error
    /// `missing`; `user` is the user that the found thing is. `None`: the actor is no caller, or it depends on more.
    pub(super) fn find<T, E: From<Refused> + From<StoreError>>(
        &self,
        context: &Context,
        permission: Permission,
        ask: impl FnOnce(UserId) -> Result<FoundFor<T>, StoreError>,
        user: impl FnOnce(&T) -> Option<UserId>,
        missing: E,
    ) -> Result<Option<T>, E> {
        let Actor::Caller(caller) = context.actor() else { return Ok(None) };
        let FoundFor { caller: account, found } = ask(caller.user)?;
        let actor = self.admit_account(context, caller, account)?;
        let decided = actor.authorise_on_group_at_once(permission, found.as_ref().and_then(user));
        let Some(decided) = decided else { return Ok(None) };
        decided.map_err(Refused::from)?;
        found.map(Some).ok_or(missing)
    }

    /// The caller, by their account alone. `None`: the actor is no caller.
    pub(super) fn admit(&self, context: &Context) -> Result<Option<Admitted>, Refused> {
        let Actor::Caller(caller) = context.actor() else { return Ok(None) };
        let account = self.store.account(context.cancellation(), caller.user)?;
        self.admit_account(context, caller, account).map(Some)
    }

    pub(super) fn admit_account(
        &self,
        context: &Context,
        caller: &Caller,
        account: Option<AccountStatus>,
    ) -> Result<Admitted, Refused> {
        Ok(admitted(context, Admitted::admit_caller(caller, account, context.now(), self.policy)?))
    }

    /// Admits the actor and runs `work` beside the writers that `turn` lets run.
    pub(crate) fn write<T, E: From<Refused> + From<StoreError>>(
        &self,
        context: &Context,
        turn: Turn,
        mut work: impl FnMut(&mut Writing<'_>) -> Result<Finish<T>, E>,
    ) -> Result<T, E> {
        self.write_about(context, turn, about_nothing, |unit, ()| work(unit))
    }

    /// Runs `unit` beside the writers that `turn` lets run. It is run again if it collides with other work, so the notes are those of the
    /// last run.
    pub(super) fn in_turn<T, E: From<StoreError>>(
        &self,
        context: &Context,
        turn: Turn,
        mut unit: impl FnMut(&mut dyn Writer) -> (Vec<AuditNote>, Result<T, Undone<T, E>>),
    ) -> Result<T, E> {
        let mut notes = Vec::new();
        let teller = Teller::new(context, self.via.as_ref(), &*self.ids);
        // A preview is undone.
        let is_recorded = self.records && context.preview().is_none();
        let run = |store: &mut dyn Writer| {
            if !is_recorded {
                let (of_this_run, ended) = unit(store);
                notes = of_this_run;
                return ended;
            }
            let mut recorder = Recorder::over(store, &teller, turn, &self.everyone);
            let (of_this_run, ended) = unit(&mut recorder);
            notes = of_this_run;
            let value = ended?;
            recorder.finish()?;
            Ok(value)
        };
        let ended = match turn {
            Turn::Any => self.store.write(run),
            Turn::Once => self.store.write_once(run),
            Turn::Shared => self.store.write_shared(run),
            Turn::Alone => self.store.write_alone(run),
        };
        match ended {
            Ok(value) => {
                context.note(notes);
                Ok(value)
            }
            Err(Undone::Rollback(value)) => Ok(value),
            Err(Undone::Refused(error)) => Err(error),
        }
    }

    /// The event that tells a fact which no change of the store tells.
    pub(super) fn event_of(&self, context: &Context, fact: Fact) -> NewEvent {
        Teller::new(context, self.via.as_ref(), &*self.ids).event(fact)
    }

    fn begin<'a, S: Reader + ?Sized>(&self, context: &Context, store: &'a mut S) -> Result<Work<'a, S>, Refused> {
        if context.actor().user().is_none() {
            store.check_due()?;
        }
        let actor = admitted(context, Admitted::admit(store, context.actor(), context.now(), self.policy)?);
        Ok(Work { store, actor, notes: Vec::new(), preview: context.preview() })
    }
}

/// What the store is asked for a caller. `None`: the actor is no caller.
pub(super) fn question<'a>(
    context: &Context,
    user: &'a UserIdentifier,
    groups: &CheckedGroups<'a>,
) -> Option<MembershipQuestion<'a>> {
    let Actor::Caller(caller) = context.actor() else { return None };
    Some(MembershipQuestion { caller: Some(caller.user), user, groups: groups.clone() })
}

/// Notes in the context who the actor is.
fn admitted(context: &Context, actor: Admitted) -> Admitted {
    if let Some(admission) = actor.admission() {
        context.admitted(admission);
    }
    actor
}
