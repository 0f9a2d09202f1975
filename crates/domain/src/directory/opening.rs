//! Units of work that begin with one question: the account of the caller, together with what the work is about.

use super::Directory;
use super::unit_of_work::{Finish, Reading, Turn, Undone, Work, Writing};
use crate::access::{Actor, Admitted, Grant, Permission, Refused, Target, TargetGroup};
use crate::context::Context;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::{
    AccountStatus, GroupForUpdate, Member, MembersChange, Purpose, Reader, Registration, StoreError, UserForUpdate,
    UserToChange, Writer,
};
use crate::user::{User, UserId};

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

impl MembersChange {
    /// The group that is to change.
    pub(super) fn target(&self) -> Target<'_> {
        Target::Group(TargetGroup { id: self.group, administrators: &self.administrators, other: self.child })
    }
}

impl UserToChange {
    pub(super) fn target(&self) -> Target<'_> {
        Target::Account(self.user.id, &self.status)
    }
}

/// Asks for the account of the caller alone.
pub(super) fn about_nothing(store: &mut dyn Writer, caller: Option<UserId>) -> Answer<()> {
    Ok((caller.map(|caller| store.account_status(caller)).transpose()?.flatten(), ()))
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

impl Directory<'_> {
    /// Asks `ask`, admits the actor, and runs `work` with the answer over one consistent state, as long as the result is wanted.
    pub(super) fn read_about<A, T, E: From<Refused> + From<StoreError>>(
        &self,
        context: &Context,
        ask: impl Fn(&mut dyn Reader, Option<UserId>) -> Answer<A>,
        mut work: impl FnMut(&mut Reading<'_>, A) -> Result<T, E>,
    ) -> Result<T, E> {
        self.store.read_unless(context.cancellation(), |store| {
            let caller = caller_of(context, Turn::Any, store)?;
            let (account, answer) = ask(store, caller)?;
            let actor = self.admit_actor(context, account)?;
            work(&mut Work { store, actor, notes: Vec::new(), preview: None }, answer)
        })
    }

    /// Asks `ask`, admits the actor, and runs `work` with the answer beside the writers that `turn` lets run.
    pub(super) fn write_about<A, T, E: From<Refused> + From<StoreError>>(
        &self,
        context: &Context,
        turn: Turn,
        ask: impl Fn(&mut dyn Writer, Option<UserId>) -> Answer<A>,
        mut work: impl FnMut(&mut Writing<'_>, A) -> Result<Finish<T>, E>,
    ) -> Result<T, E> {
        self.in_turn(context, turn, |store| {
            let admitted = caller_of(context, turn, store)
                .and_then(|caller| ask(store, caller))
                .map_err(E::from)
                .and_then(|(account, answer)| Ok((self.admit_actor(context, account)?, answer)));
            let (actor, answer) = match admitted {
                Ok(admitted) => admitted,
                Err(error) => return (Vec::new(), Err(Undone::Refused(error))),
            };
            let mut unit = Work { store, actor, notes: Vec::new(), preview: context.preview() };
            let finish = work(&mut unit, answer);
            (unit.notes, finish.map_err(Undone::Refused).and_then(Finish::into))
        })
    }

    /// The same with the group that `group` names, for an actor who has `permission` on it. Whether a group exists is not told to those who
    /// lack it.
    pub(super) fn write_group<T, E: From<Refused> + From<StoreError>>(
        &self,
        context: &Context,
        (turn, permission): (Turn, Permission),
        (group, member): (&GroupIdentifier, Member<'_>),
        mut work: impl FnMut(&mut Writing<'_>, MembersChange) -> Result<Finish<T>, E>,
    ) -> Result<T, E> {
        let ask = about_group(group, member);
        self.write_about(
            context,
            turn,
            |store, caller| ask(store, caller),
            |unit, change| {
                unit.authorise(permission, change.target())?;
                work(unit, change)
            },
        )
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
        let ask = about_user(user);
        self.write_about(
            context,
            turn,
            |store, caller| ask(store, caller),
            |unit, subject| {
                unit.authorise_subject(permission, subject.as_ref())?;
                work(unit, subject)
            },
        )
    }

    /// The same with the user as [`UserWriter::user_for_update`](crate::ports::UserWriter::user_for_update) finds them for
    /// this purpose.
    pub(super) fn change_one_user<T, E: From<Refused> + From<StoreError>>(
        &self,
        context: &Context,
        (turn, permission): (Turn, Permission),
        (user, purpose): (&UserIdentifier, Purpose<'_>),
        mut work: impl FnMut(&mut Writing<'_>, UserForUpdate) -> Result<Finish<T>, E>,
    ) -> Result<T, E> {
        let ask = |store: &mut dyn Writer, caller: Option<UserId>| {
            let mut change = store.user_for_update(caller, user, purpose)?;
            Ok((change.caller.take(), change))
        };
        self.write_about(context, turn, ask, |unit, change| {
            let target = change.user.as_ref().map_or(Target::All, UserToChange::target);
            unit.authorise(permission, target)?;
            work(unit, change)
        })
    }

    /// The same as [`write_group`](Self::write_group) with the group as
    /// [`MembershipWriter::group_for_update`](crate::ports::MembershipWriter::group_for_update) finds it.
    pub(super) fn change_one_group<T, E: From<Refused> + From<StoreError>>(
        &self,
        context: &Context,
        (turn, permission): (Turn, Permission),
        (group, member): (&GroupIdentifier, Member<'_>),
        mut work: impl FnMut(&mut Writing<'_>, GroupForUpdate) -> Result<Finish<T>, E>,
    ) -> Result<T, E> {
        let ask = |store: &mut dyn Writer, caller: Option<UserId>| {
            let mut change = store.group_for_update(caller, group, member)?;
            Ok((change.members.caller.take(), change))
        };
        self.write_about(context, turn, ask, |unit, change| {
            unit.authorise(permission, change.members.target())?;
            work(unit, change)
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
    fn authorise_subject(&mut self, permission: Permission, subject: Option<&Subject>) -> Result<Grant, Refused> {
        self.authorise(permission, subject.map_or(Target::All, Subject::target))
    }
}

/// The caller, whose account is asked for first. If the actor is none, it is asked first whether something is due; of clients that have not authenticated, only
/// if they do more than the one change of a token's refreshing, which begins with the account of the token's user.
fn caller_of<S: Reader + ?Sized>(context: &Context, turn: Turn, store: &mut S) -> Result<Option<UserId>, StoreError> {
    match context.actor() {
        Actor::Caller(caller) => Ok(Some(caller.user)),
        Actor::Anonymous if turn == Turn::Once => Ok(None),
        Actor::Operator | Actor::Anonymous => store.check_due().map(|()| None),
    }
}
