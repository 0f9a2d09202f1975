//! Memberships and edges that begin and end by a date (contract 5.9).

use std::collections::{BTreeMap, BTreeSet};

use super::Directory;
use super::children::{Cycle, authorise_child, cycle};
use super::unit_of_work::{Finish, Turn, Writing};
use crate::access::{Permission, Refused, contains_refused};
use crate::audit::{AdministratorsChange, AuditNote};
use crate::context::Context;
use crate::group::{GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::{Member, MemberStanding};
use crate::provenance::Provenance;
use crate::time::Timestamp;
use crate::user::UserId;
use crate::validity::{Validity, ValidityChange, ValidityError, ValidityState};

/// Why a membership was given no dates.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleMemberError {
    /// No group has this identifier.
    #[error("group not found")]
    GroupNotFound,
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// The dates contradict one another, or the present.
    #[error(transparent)]
    Invalid(#[from] ValidityError),
    /// Memberships of `Everyone` have no dates.
    #[error("memberships of 'Everyone' have no dates")]
    Everyone,
    /// No active System Administrator would be left who stays one (contract 10 row 12).
    #[error("the membership of the last System Administrator cannot end")]
    LastAdministrator,
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Why an edge was given no dates.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleChildError {
    /// No group has the parent's identifier.
    #[error("group not found")]
    GroupNotFound,
    /// No group has the child's identifier.
    #[error("child group not found")]
    ChildNotFound,
    /// The child is the parent, or already has the parent below it, or is going to have.
    #[error("the edge would close a cycle")]
    Cycle(Cycle),
    /// The dates contradict one another, or the present.
    #[error(transparent)]
    Invalid(#[from] ValidityError),
    /// No active System Administrator would be left who stays one (contract 10 row 12).
    #[error("the membership of the last System Administrator cannot end")]
    LastAdministrator,
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

contains_refused!(ScheduleMemberError, ScheduleChildError);

/// What is to be done so that some belong to a group from when until when it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Schedule<Id> {
    /// Those who come in now.
    pub(super) joining: BTreeSet<Id>,
    /// Those who belong to it and go, until they come in later.
    pub(super) leaving: BTreeSet<Id>,
    /// Those who come in later, and are not scheduled yet.
    pub(super) scheduled: BTreeSet<Id>,
    /// Those who belong to it, or are scheduled, and have other dates then.
    pub(super) updated: BTreeSet<Id>,
    /// Those who belong to it without an end, and have one then, or go until they come in later.
    pub(super) ending: BTreeSet<Id>,
    /// The dates that are to be set.
    pub(super) validities: BTreeMap<Id, Validity>,
}

impl<Id> Default for Schedule<Id> {
    fn default() -> Self {
        Self {
            joining: BTreeSet::new(),
            leaving: BTreeSet::new(),
            scheduled: BTreeSet::new(),
            updated: BTreeSet::new(),
            ending: BTreeSet::new(),
            validities: BTreeMap::new(),
        }
    }
}

impl<Id: Copy + Ord> Schedule<Id> {
    /// What `change` asks for at `now`, of one who stands so.
    pub(super) fn of(
        standings: &BTreeMap<Id, MemberStanding>,
        (id, change): (Id, ValidityChange),
        now: Timestamp,
    ) -> Result<Self, ValidityError> {
        let changes = BTreeMap::from([(id, ((), change))]);
        Self::of_elements(standings, &changes, now).map_err(|((), error)| error)
    }

    /// What `changes` ask for at `now`, of those who stand so, each with its place in the request. If one of them is refused, the first by id is the error.
    pub(super) fn of_elements<P: Copy>(
        standings: &BTreeMap<Id, MemberStanding>,
        changes: &BTreeMap<Id, (P, ValidityChange)>,
        now: Timestamp,
    ) -> Result<Self, (P, ValidityError)> {
        let mut schedule = Self::default();
        for (id, (place, change)) in changes {
            let standing = standings.get(id);
            let before = standing.map_or(Validity::ALWAYS, |standing| standing.validity);
            let after = change.apply(before, now).map_err(|error| (*place, error))?;
            schedule.add(*id, standing, after, now);
        }
        Ok(schedule)
    }

    fn add(&mut self, id: Id, standing: Option<&MemberStanding>, after: Validity, now: Timestamp) {
        use ValidityState::{Active, Scheduled};

        if standing.is_some_and(|standing| standing.validity == after) {
            return;
        }
        match (standing.map(|standing| standing.state), after.state(now)) {
            (None | Some(Scheduled), Active) => _ = self.joining.insert(id),
            (None, Scheduled) => _ = self.scheduled.insert(id),
            (Some(_), _) => _ = self.updated.insert(id),
        }
        if standing.is_some_and(|standing| standing.state == Active) {
            let leaves = after.state(now) == Scheduled;
            if leaves {
                self.leaving.insert(id);
            }
            if leaves || after.until.is_some() {
                self.ending.insert(id);
            }
        }
        self.validities.insert(id, after);
    }

    /// Leaves everything as it is with these.
    pub(super) fn leave(&mut self, ids: &BTreeSet<Id>) {
        for of in [&mut self.joining, &mut self.leaving, &mut self.scheduled, &mut self.updated, &mut self.ending] {
            of.retain(|id| !ids.contains(id));
        }
        self.validities.retain(|id, _| !ids.contains(id));
    }

    /// Whom a note for auditors names who are not members yet, or have an end.
    pub(super) fn noted(&self) -> BTreeSet<Id> {
        self.scheduled.union(&self.updated).copied().collect()
    }
}

impl Writing<'_> {
    /// See [`ValidityWriter::set_validity_of_members`](crate::ports::ValidityWriter::set_validity_of_members). Fails if the actor may not give so many dates.
    pub(super) fn date_members(
        &mut self,
        group: GroupId,
        users: &BTreeMap<UserId, Validity>,
        added: Provenance,
        now: Timestamp,
    ) -> Result<(), Refused> {
        self.set_validity_of_members(group, users, added, now)?;
        self.refuse_too_many_dates(users)
    }

    /// The same for groups below `parent`.
    pub(super) fn date_children(
        &mut self,
        parent: GroupId,
        children: &BTreeMap<GroupId, Validity>,
        added: Provenance,
        now: Timestamp,
    ) -> Result<(), Refused> {
        self.set_validity_of_children(parent, children, added, now)?;
        self.refuse_too_many_dates(children)
    }

    fn refuse_too_many_dates<Id>(&mut self, given: &BTreeMap<Id, Validity>) -> Result<(), Refused> {
        let Some((caller, most)) = self.actor.most_pending_dates() else { return Ok(()) };
        let gives_dates = given.values().any(|validity| *validity != Validity::ALWAYS);
        if gives_dates && self.count_pending_dates(caller, most.saturating_add(1))? > most {
            return Err(Refused::TooManyDates { most });
        }
        Ok(())
    }
}

impl Directory<'_> {
    /// Makes `user` a direct member of `group` from when until when `change` says: what it does not say stays, and who is no member comes in now (contract 5.9).
    pub fn schedule_member(
        &self,
        context: &Context,
        group: &GroupIdentifier,
        user: &UserIdentifier,
        change: ValidityChange,
    ) -> Result<(), ScheduleMemberError> {
        let kind = (Turn::Alone, Permission::ChangeMembers);
        self.write_group(context, kind, (group, Member::User(user)), |work, found| {
            let group = found.group.ok_or(ScheduleMemberError::GroupNotFound)?;
            let user = found.user.ok_or(ScheduleMemberError::UserNotFound)?;
            if found.is_everyone && change.has_dates() {
                return Err(ScheduleMemberError::Everyone);
            }
            let standings = work.standings_of_members(group, &BTreeSet::from([user]))?;
            let schedule = Schedule::of(&standings, (user, change), context.now())?;
            let added = work.provenance(context);
            work.change_members(group, (&schedule.joining, added), &schedule.leaving)?;
            work.date_members(group, &schedule.validities, added, context.now())?;
            let takes_administrators = found.administrators.contains(&SystemGroup::SystemAdministrators);
            if takes_administrators && !schedule.ending.is_empty() && !work.has_lasting_administrator()? {
                return Err(ScheduleMemberError::LastAdministrator);
            }
            for (change, users) in [
                (AdministratorsChange::UsersAdded, &schedule.joining),
                (AdministratorsChange::UserRemoved, &schedule.leaving),
                (AdministratorsChange::UsersScheduled, &schedule.noted()),
            ] {
                let note = AuditNote::of_group(change, found.administrators.clone(), group);
                work.note(note.filter(|_| !users.is_empty()).map(|note| note.naming_users(users)));
            }
            Ok(Finish::Commit(()))
        })
    }

    /// Puts `child` below `parent` from when until when `change` says: what it does not say stays, and what is not there comes there now (contract 5.9).
    pub fn schedule_child(
        &self,
        context: &Context,
        parent: &GroupIdentifier,
        child: &GroupIdentifier,
        change: ValidityChange,
    ) -> Result<(), ScheduleChildError> {
        let kind = (Turn::Alone, Permission::ChangeMembers);
        self.write_group(context, kind, (parent, Member::Group(child)), |work, found| {
            let parent = found.group.ok_or(ScheduleChildError::GroupNotFound)?;
            authorise_child(work, Permission::NestGroups, found.child)?;
            let child = found.child.ok_or(ScheduleChildError::ChildNotFound)?;
            if let Some(cycle) =
                if found.is_child_above { cycle(work.store, parent, &BTreeSet::from([child]))? } else { None }
            {
                return Err(ScheduleChildError::Cycle(cycle));
            }
            let standings = work.standings_of_children(parent, &BTreeSet::from([child]))?;
            let schedule = Schedule::of(&standings, (child, change), context.now())?;
            let added = work.provenance(context);
            for child in &schedule.leaving {
                work.remove_child(parent, *child, context.now())?;
            }
            work.insert_children(parent, &schedule.joining, added)?;
            work.date_children(parent, &schedule.validities, added, context.now())?;
            let takes_administrators = found.administrators.contains(&SystemGroup::SystemAdministrators);
            if takes_administrators && !schedule.ending.is_empty() && !work.has_lasting_administrator()? {
                return Err(ScheduleChildError::LastAdministrator);
            }
            for (change, groups) in [
                (AdministratorsChange::GroupsAdded, &schedule.joining),
                (AdministratorsChange::GroupRemoved, &schedule.leaving),
                (AdministratorsChange::GroupsScheduled, &schedule.noted()),
            ] {
                let note = AuditNote::of_group(change, found.administrators.clone(), parent);
                work.note(note.filter(|_| !groups.is_empty()).map(|note| note.naming_groups(groups)));
            }
            Ok(Finish::Commit(()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validity::ValidityDate;

    #[test]
    fn who_stands_otherwise_is_treated_otherwise() {
        let at = Timestamp::from_milliseconds;
        let (now, soon, later) = (at(10), at(20), at(30));
        let active = |validity| MemberStanding { state: ValidityState::Active, validity };
        let standings = BTreeMap::from([
            (1, active(Validity::ALWAYS)),
            (2, active(Validity { from: None, until: Some(later) })),
            (
                3,
                MemberStanding {
                    state: ValidityState::Scheduled,
                    validity: Validity { from: Some(soon), until: None },
                },
            ),
        ]);
        let from = |from| ValidityChange { from: Some(from), until: None };
        let until = |until| ValidityChange { from: None, until: Some(until) };
        let of = |id: i32, change| Schedule::of(&standings, (id, change), now);
        let joins = of(4, ValidityChange::default()).unwrap();
        assert_eq!((joins.joining, joins.validities), (BTreeSet::from([4]), BTreeMap::from([(4, Validity::ALWAYS)])));
        assert_eq!(of(4, from(Some(soon))).unwrap().scheduled, BTreeSet::from([4]));
        assert!(of(1, ValidityChange::default()).unwrap().validities.is_empty());
        let goes = of(1, from(Some(soon))).unwrap();
        assert_eq!((&goes.leaving, &goes.ending, &goes.updated), (&goes.updated, &goes.updated, &BTreeSet::from([1])));
        assert_eq!(of(1, until(Some(later))).unwrap().ending, BTreeSet::from([1]));
        let stays = of(2, until(None)).unwrap();
        assert_eq!((stays.updated, stays.ending), (BTreeSet::from([2]), BTreeSet::new()));
        let comes = of(3, from(None)).unwrap();
        assert_eq!((comes.joining, comes.updated), (BTreeSet::from([3]), BTreeSet::new()));
        assert_eq!(of(3, from(Some(later))).unwrap().updated, BTreeSet::from([3]));
        assert_eq!(of(2, from(Some(later))), Err(ValidityError::EndsBeforeItBegins(ValidityDate::From)));
    }
}
