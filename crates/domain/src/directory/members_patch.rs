//! Many members in one request, with a report.

use std::collections::BTreeSet;
use std::mem;

use super::Directory;
use super::patches::{
    Attempt, Attempted, Contradiction, MemberList, Patch, PatchMode, PatchOptions, PatchReport, Place, RefusalReason,
    Resolution, Staying,
};
use super::scheduling::Schedule;
use super::unit_of_work::{Finish, Turn, Writing};
use crate::access::{Permission, Refused, contains_refused};
use crate::audit::{AdministratorsChange, AuditNote};
use crate::context::Context;
use crate::group::{GroupId, SystemGroup};
use crate::identifier::GroupIdentifier;
use crate::ports::{Difference, Joined, Member, MembersChange};
use crate::user::UserId;
use crate::validity::{ValidityChange, ValidityError};

/// Why no member was added or removed.
#[derive(Debug, thiserror::Error)]
pub enum PatchMembersError {
    /// No group has this identifier.
    #[error("group not found")]
    GroupNotFound,
    /// A user is to join and to leave.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// These name no users. [`PatchMode::Atomic`] alone.
    #[error("{} of the users were not found", .0.len())]
    UsersNotFound(Vec<Place>),
    /// Nobody can be removed from `Everyone` (contract 10 row 11). [`PatchMode::Atomic`] alone.
    #[error("users cannot be removed from 'Everyone'")]
    Everyone,
    /// Memberships of `Everyone` have no dates. [`PatchMode::Atomic`] alone.
    #[error("memberships of 'Everyone' have no dates")]
    EveryoneHasNoDates,
    /// The dates of an element contradict one another, or the present.
    #[error("the dates of an element are refused")]
    Invalid(Place, #[source] ValidityError),
    /// No active System Administrator would be left who stays one (contract 10 row 12). [`PatchMode::Atomic`] alone.
    #[error("the last System Administrator cannot be removed")]
    LastAdministrator,
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

contains_refused!(PatchMembersError);

impl Directory<'_> {
    /// Changes who the direct members of `group` are. A constant number of statements, however many are named.
    ///
    /// Where [`PatchMode::Partial`] would remove the last active System Administrator, the first of them by id stays.
    ///
    /// # Errors
    ///
    /// When the group does not exist, or a user is to join and to leave. In [`PatchMode::Atomic`] also when anything of the patch cannot
    /// be done. Nothing was changed then.
    pub fn patch_members(
        &self,
        context: &Context,
        group: &GroupIdentifier,
        patch: &Patch<UserId>,
        options: PatchOptions,
    ) -> Result<PatchReport<UserId>, PatchMembersError> {
        let turn = match patch {
            _ if patch.is_dated() => Turn::Alone,
            _ if patch.removes() => Turn::Shared,
            _ => Turn::Any,
        };
        let mut attempt = Attempt { turn, staying: Staying::Nobody };
        loop {
            let kind = (attempt.turn, Permission::ChangeMembers);
            let attempted = self.write_group(context, kind, (group, Member::Unnamed), |work, change| {
                patch_members(work, context, (patch, options), attempt, change)
            })?;
            match attempted {
                Attempted::Done(report) => return Ok(report),
                Attempted::Again(next) => attempt = next,
            }
        }
    }
}

fn patch_members(
    work: &mut Writing<'_>,
    context: &Context,
    (patch, options): (&Patch<UserId>, PatchOptions),
    attempt: Attempt,
    change: MembersChange,
) -> Result<Finish<Attempted<UserId>>, PatchMembersError> {
    let group = change.group.ok_or(PatchMembersError::GroupNotFound)?;
    let administrators = change.administrators;
    let takes_administrators =
        (patch.removes() || patch.is_dated()) && administrators.contains(&SystemGroup::SystemAdministrators);
    if takes_administrators && attempt.turn != Turn::Alone {
        return Ok(Finish::Rollback(Attempted::Again(attempt.alone())));
    }
    // Of two patches of one group, one comes first: otherwise each could leave what the other was to take.
    if patch.removes() && work.group_to_change(group)?.is_none() {
        return Err(PatchMembersError::GroupNotFound);
    }
    let resolution = Resolution { named: work.users_named(&patch.names())?, oneself: work.actor.user() };
    let mut plan = plan(work, group, patch, &resolution)?;
    let not_found = resolution.not_found(patch, &plan.unknown);
    let is_atomic = options.mode == PatchMode::Atomic;
    if is_atomic && !not_found.is_empty() {
        return Err(PatchMembersError::UsersNotFound(not_found));
    }
    let mut dates = resolution.dates(patch);
    dates.retain(|user, _| !plan.unknown.contains(user));
    let has_dates = |(user, (_, change)): (&UserId, &(Place, ValidityChange))| change.has_dates().then_some(*user);
    let with_dates: BTreeSet<UserId> = dates.iter().filter_map(has_dates).collect();
    if is_atomic && change.is_everyone && !plan.leaving.is_empty() {
        return Err(PatchMembersError::Everyone);
    }
    if is_atomic && change.is_everyone && !with_dates.is_empty() {
        return Err(PatchMembersError::EveryoneHasNoDates);
    }
    let mut schedule = Schedule::default();
    if !dates.is_empty() {
        let standings = work.standings_of_members(group, &dates.keys().copied().collect())?;
        schedule = Schedule::of_elements(&standings, &dates, context.now())
            .map_err(|(place, error)| PatchMembersError::Invalid(place, error))?;
        plan.joining.retain(|user| !dates.contains_key(user));
    }
    let (staying, reason) = if change.is_everyone {
        let mut staying = mem::take(&mut plan.leaving);
        staying.extend(&with_dates);
        (staying, RefusalReason::Everyone)
    } else {
        let staying = staying(work, group, attempt.staying, (&plan.leaving, &schedule.ending))?;
        for user in &staying {
            plan.leaving.remove(user);
        }
        (staying, RefusalReason::LastAdministrator)
    };
    schedule.leave(&staying);
    plan.joining.append(&mut schedule.joining);
    let rescheduled = schedule.leaving.len() as u64;
    plan.leaving.append(&mut schedule.leaving);
    let added = work.provenance(context);
    let Joined { new, gone, cancelled } = work.change_members(group, (&plan.joining, added), &plan.leaving)?;
    let [new, gone, cancelled] = [new, gone, cancelled].map(|users| users.len() as u64);
    if !schedule.validities.is_empty() {
        work.date_members(group, &schedule.validities, added, context.now())?;
    }
    let takes_administrators = takes_administrators && (gone > 0 || !schedule.ending.is_empty());
    if takes_administrators && !work.has_lasting_administrator()? {
        if is_atomic {
            return Err(PatchMembersError::LastAdministrator);
        }
        return Ok(Finish::Rollback(Attempted::Again(attempt.keeping_more())));
    }
    let scheduled = schedule.noted();
    for (number, change, users) in [
        (new, AdministratorsChange::UsersAdded, &plan.joining),
        (gone + cancelled, AdministratorsChange::UserRemoved, &plan.leaving),
        (scheduled.len() as u64, AdministratorsChange::UsersScheduled, &scheduled),
    ] {
        if number > 0 {
            let note = AuditNote::of_group(change, administrators.clone(), group);
            work.note(note.map(|note| note.naming_users(users)));
        }
    }
    let count = work.group(group)?.map_or(0, |group| group.user_count);
    let (joined, updated) = (new + schedule.scheduled.len() as u64, schedule.updated.len() as u64);
    let removed = gone + cancelled - rescheduled;
    let refused = resolution.refusals(patch, staying, reason);
    Ok(options.finish(PatchReport {
        group,
        added: joined,
        updated,
        removed,
        unchanged: plan.named.saturating_sub(joined + updated + removed + refused.len() as u64),
        count,
        not_found,
        refused,
    }))
}

/// Who joins and who leaves.
struct Plan {
    joining: BTreeSet<UserId>,
    leaving: BTreeSet<UserId>,
    /// How many users the patch names, or does not name who are to leave.
    named: u64,
    /// The ids that no user has.
    unknown: BTreeSet<UserId>,
}

fn plan(
    work: &mut Writing<'_>,
    group: GroupId,
    patch: &Patch<UserId>,
    resolution: &Resolution<'_, UserId>,
) -> Result<Plan, PatchMembersError> {
    let ids = |list: &MemberList<UserId>| resolution.ids(list);
    match patch {
        Patch::Change { add, remove } => {
            let (mut joining, mut leaving) = (ids(add), ids(remove));
            resolution.check((add, &joining), (remove, &leaving))?;
            let mut unknown = work.unknown_users(&joining)?;
            joining.retain(|user| !unknown.contains(user));
            if !leaving.is_empty() {
                let strangers = work.unknown_users(&leaving)?;
                leaving.retain(|user| !strangers.contains(user));
                unknown.extend(strangers);
            }
            let named = (joining.len() + leaving.len()) as u64;
            Ok(Plan { joining, leaving, named, unknown })
        }
        // A member exists.
        Patch::Set(set) => {
            let wanted = ids(set);
            let Difference { missing: mut joining, surplus: mut leaving } = work.compare_members(group, &wanted)?;
            leaving.extend(&work.scheduled_members(group)? - &wanted);
            let named = wanted.len() + leaving.len();
            drop(wanted);
            let unknown = work.unknown_users(&joining)?;
            joining.retain(|user| !unknown.contains(user));
            let named = (named - unknown.len()) as u64;
            Ok(Plan { joining, leaving, named, unknown })
        }
    }
}

/// Those of the `leaving`, who are to leave, and of the `ending`, who are to have an end, who have to stay as they are.
fn staying(
    work: &mut Writing<'_>,
    group: GroupId,
    staying: Staying,
    (leaving, ending): (&BTreeSet<UserId>, &BTreeSet<UserId>),
) -> Result<BTreeSet<UserId>, PatchMembersError> {
    Ok(match staying {
        Staying::Nobody => BTreeSet::new(),
        Staying::One => work.first_lasting_member(group, &(leaving | ending))?.into_iter().collect(),
        Staying::All => leaving | ending,
    })
}
