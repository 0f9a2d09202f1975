//! Units of work that begin with one question: the account of the caller, together with what the work is about.

use super::Directory;
use super::unit_of_work::{Finish, Reading, Undone, Work, Writing, end};
use crate::access::{Actor, Admitted, Permission, Refused, Target};
use crate::context::Context;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::{AccountStatus, Member, MembersChange, Reader, Registration, StoreError, Writer};
use crate::user::{User, UserId};

/// Which other units of work that write may run beside one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Any.
    Any,
    /// Any, where the last call of the writer makes the only change.
    Once,
    /// Those that do not run alone.
    Shared,
    /// None that runs alone or shared.
    Alone,
}

/// The account of the caller, if there is one, and what the work is about.
type Answer<A> = Result<(Option<AccountStatus>, A), StoreError>;

/// A user that something is done on.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) id: UserId,
    pub(super) status: AccountStatus,
}

impl Subject {
    pub(super) fn target(&self) -> Target<'_> {
        Target::Account(self.id, &self.status)
    }
}

/// Asks for the user that `user` names.
pub(super) fn about_user(
    user: &UserIdentifier,
) -> impl Fn(&mut dyn Reader, Option<UserId>) -> Answer<Option<Subject>> + '_ {
    move |store, caller| {
        let accounts = store.accounts(caller, user)?;
        Ok((accounts.caller, accounts.user.map(|(id, status)| Subject { id, status })))
    }
}

/// Asks for the group that `group` names, and for what decides about a change of who belongs to it.
pub(super) fn about_group<'a>(
    group: &'a GroupIdentifier,
    member: Member<'a>,
) -> impl Fn(&mut dyn Reader, Option<UserId>) -> Answer<MembersChange> + 'a {
    move |store, caller| {
        let mut change = store.members_change(caller, group, member)?;
        Ok((change.caller.take(), change))
    }
}

/// Asks for what decides about the new account `user`.
pub(super) fn about_new_user(user: &User) -> impl Fn(&mut dyn Reader, Option<UserId>) -> Answer<Registration> + '_ {
    move |store, caller| {
        let mut registration = store.registration(caller, user)?;
        Ok((registration.caller.take(), registration))
    }
}

impl Directory {
    /// Asks `ask`, admits the actor, and runs `work` with the answer over one consistent state, as long as the result is wanted.
    pub(super) fn read_about<A, T, E: From<Refused> + From<StoreError>>(
        &self,
        context: &Context,
        ask: impl Fn(&mut dyn Reader, Option<UserId>) -> Answer<A>,
        mut work: impl FnMut(&mut Reading<'_>, A) -> Result<T, E>,
    ) -> Result<T, E> {
        self.store.read_unless(context.cancellation(), |store| {
            let (account, answer) = ask(store, caller_of(context))?;
            let actor = self.admit_actor(context, account)?;
            work(&mut Work { store, actor, notes: Vec::new() }, answer)
        })
    }

    /// Asks `ask`, admits the actor, and runs `work` with the answer beside the writers that `turn` lets run.
    pub(super) fn write_about<A, T, E: From<Refused> + From<StoreError>>(
        &self,
        context: &Context,
        turn: Turn,
        ask: impl Fn(&mut dyn Reader, Option<UserId>) -> Answer<A>,
        mut work: impl FnMut(&mut Writing<'_>, A) -> Result<Finish<T>, E>,
    ) -> Result<T, E> {
        let mut notes = Vec::new();
        let unit = |store: &mut dyn Writer| {
            let (account, answer) = ask(store, caller_of(context))?;
            let actor = self.admit_actor(context, account).map_err(|refused| Undone::Refused(E::from(refused)))?;
            let mut unit = Work { store, actor, notes: Vec::new() };
            let finish = work(&mut unit, answer).map_err(Undone::Refused)?;
            notes = unit.notes;
            finish.into()
        };
        let ended = match turn {
            Turn::Any => self.store.write(unit),
            Turn::Once => self.store.write_once(unit),
            Turn::Shared => self.store.write_shared(unit),
            Turn::Alone => self.store.write_alone(unit),
        };
        end(context, ended, notes)
    }

    /// The same with the group that `group` names, for an actor who has `permission` on groups.
    pub(super) fn write_group<T, E: From<Refused> + From<StoreError>>(
        &self,
        context: &Context,
        (turn, permission): (Turn, Permission),
        (group, member): (&GroupIdentifier, Member<'_>),
        mut work: impl FnMut(&mut Writing<'_>, MembersChange) -> Result<Finish<T>, E>,
    ) -> Result<T, E> {
        self.write_about(context, turn, about_group(group, member), |unit, change| {
            unit.authorise(permission, Target::All)?;
            work(unit, change)
        })
    }

    /// The same with the user that `user` names, for an actor who has `permission` on them. Whether a user exists is not told to those
    /// who lack it.
    pub(super) fn write_user<T, E: From<Refused> + From<StoreError>>(
        &self,
        context: &Context,
        (turn, permission): (Turn, Permission),
        user: &UserIdentifier,
        mut work: impl FnMut(&mut Writing<'_>, Option<Subject>) -> Result<Finish<T>, E>,
    ) -> Result<T, E> {
        self.write_about(context, turn, about_user(user), |unit, subject| {
            unit.authorise_subject(permission, subject.as_ref())?;
            work(unit, subject)
        })
    }

    /// The same as [`write_user`](Self::write_user) for work that reads.
    pub(super) fn read_user<T, E: From<Refused> + From<StoreError>>(
        &self,
        context: &Context,
        permission: Permission,
        user: &UserIdentifier,
        mut work: impl FnMut(&mut Reading<'_>, Option<Subject>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.read_about(context, about_user(user), |unit, subject| {
            unit.authorise_subject(permission, subject.as_ref())?;
            work(unit, subject)
        })
    }

    fn admit_actor(&self, context: &Context, account: Option<AccountStatus>) -> Result<Admitted, Refused> {
        match context.actor() {
            Actor::Caller(caller) => self.admit_account(context, caller, account),
            Actor::Operator => Ok(Admitted::Operator),
            Actor::Anonymous => Ok(Admitted::Anonymous),
        }
    }
}

impl<S: Reader + ?Sized> Work<'_, S> {
    /// Fails unless the actor has this permission on the user. One who does not exist counts as anybody.
    fn authorise_subject(&mut self, permission: Permission, subject: Option<&Subject>) -> Result<(), Refused> {
        self.authorise(permission, subject.map_or(Target::All, Subject::target))
    }
}

fn caller_of(context: &Context) -> Option<UserId> {
    match context.actor() {
        Actor::Caller(caller) => Some(caller.user),
        Actor::Operator | Actor::Anonymous => None,
    }
}
