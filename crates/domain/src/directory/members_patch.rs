//! Many members in one request, with a report.

use std::collections::BTreeSet;
use std::mem;

use super::Directory;
use super::patches::{
    Attempt, Attempted, Contradiction, MemberList, Patch, PatchMode, PatchOptions, PatchReport, Place, RefusalReason,
    Resolution, Staying,
};
use super::unit_of_work::{Finish, Turn, Writing};
use crate::access::{Permission, Refused, contains_refused};
use crate::audit::{AdministratorsChange, AuditNote};
use crate::context::Context;
use crate::group::{GroupId, SystemGroup};
use crate::identifier::GroupIdentifier;
use crate::ports::{Difference, Joined, Member, MembersChange};
use crate::user::UserId;

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
    /// It would remove the last active System Administrator (contract 10 row 12). [`PatchMode::Atomic`] alone.
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
        let turn = if patch.removes() { Turn::Shared } else { Turn::Any };
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
    let takes_administrators = patch.removes() && administrators.contains(&SystemGroup::SystemAdministrators);
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
    if is_atomic && change.is_everyone && !plan.leaving.is_empty() {
        return Err(PatchMembersError::Everyone);
    }
    let (staying, reason) = if change.is_everyone {
        (mem::take(&mut plan.leaving), RefusalReason::Everyone)
    } else {
        (staying(work, context, group, attempt.staying, &mut plan.leaving)?, RefusalReason::LastAdministrator)
    };
    let added = work.provenance(context);
    let Joined { new, gone } = work.change_members(group, (&plan.joining, added), &plan.leaving)?;
    if takes_administrators && gone > 0 && !work.has_active_administrator(context.now())? {
        if is_atomic {
            return Err(PatchMembersError::LastAdministrator);
        }
        return Ok(Finish::Rollback(Attempted::Again(attempt.keeping_more())));
    }
    for (number, change, users) in [
        (new, AdministratorsChange::UsersAdded, &plan.joining),
        (gone, AdministratorsChange::UserRemoved, &plan.leaving),
    ] {
        if number > 0 {
            let note = AuditNote::of_group(change, administrators.clone(), group);
            work.note(note.map(|note| note.naming_users(users)));
        }
    }
    let count = work.group(group)?.map_or(0, |group| group.user_count);
    let named = plan.settled + (plan.joining.len() + plan.leaving.len()) as u64;
    let refused = resolution.refusals(patch, staying, reason);
    let unchanged = named - new - gone;
    Ok(options.finish(PatchReport {
        group,
        added: new,
        updated: 0,
        removed: gone,
        unchanged,
        count,
        not_found,
        refused,
    }))
}

/// Who joins and who leaves.
struct Plan {
    joining: BTreeSet<UserId>,
    leaving: BTreeSet<UserId>,
    /// How many others the patch names, who are members and stay.
    settled: u64,
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
            Ok(Plan { joining, leaving, settled: 0, unknown })
        }
        // A member exists.
        Patch::Set(set) => {
            let wanted = ids(set);
            let Difference { missing: mut joining, surplus: leaving } = work.compare_members(group, &wanted)?;
            let settled = (wanted.len() - joining.len()) as u64;
            drop(wanted);
            let unknown = work.unknown_users(&joining)?;
            joining.retain(|user| !unknown.contains(user));
            Ok(Plan { joining, leaving, settled, unknown })
        }
    }
}

/// Takes those out of `leaving` who have to stay.
fn staying(
    work: &mut Writing<'_>,
    context: &Context,
    group: GroupId,
    staying: Staying,
    leaving: &mut BTreeSet<UserId>,
) -> Result<BTreeSet<UserId>, PatchMembersError> {
    Ok(match staying {
        Staying::Nobody => BTreeSet::new(),
        Staying::One => {
            let one = work.first_active_member(group, leaving, context.now())?;
            one.into_iter().filter(|user| leaving.remove(user)).collect()
        }
        Staying::All => mem::take(leaving),
    })
}
