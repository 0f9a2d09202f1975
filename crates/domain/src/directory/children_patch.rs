//! Many groups below a group in one request, with a report.

use std::collections::BTreeSet;

use super::Directory;
use super::children::{Cycle, cycle};
use super::patches::{
    Attempt, Attempted, Contradiction, Patch, PatchMode, PatchOptions, PatchReport, Place, RefusalReason, Resolution,
    Staying,
};
use super::scheduling::Schedule;
use super::unit_of_work::{Finish, Turn, Writing};
use crate::access::{Permission, Refused, Target, contains_refused};
use crate::audit::{AdministratorsChange, AuditNote};
use crate::context::Context;
use crate::group::{GroupId, SystemGroup};
use crate::identifier::GroupIdentifier;
use crate::ports::{EndedEdges, Member, MembersChange};
use crate::validity::ValidityError;

/// Why no group was put below another or taken from there.
#[derive(Debug, thiserror::Error)]
pub enum PatchChildrenError {
    /// No group has this identifier.
    #[error("group not found")]
    GroupNotFound,
    /// A group is to be put below the parent and taken from there.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// These name no groups. [`PatchMode::Atomic`] alone.
    #[error("{} of the child groups were not found", .0.len())]
    ChildrenNotFound(Vec<Place>),
    /// A child is the parent, or already has the parent below it. [`PatchMode::Atomic`] alone.
    #[error("the edge would close a cycle")]
    Cycle(Cycle),
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

contains_refused!(PatchChildrenError);

impl Directory<'_> {
    /// Changes which groups are the direct children of `parent`. A constant number of statements, however many are named.
    ///
    /// Where [`PatchMode::Partial`] would remove the last active System Administrator, the first child by id stays that has one.
    ///
    /// # Errors
    ///
    /// When the parent does not exist, or a group is to be put below it and taken from there. In [`PatchMode::Atomic`] also when anything
    /// of the patch cannot be done. Nothing was changed then.
    pub fn patch_children(
        &self,
        context: &Context,
        parent: &GroupIdentifier,
        patch: &Patch<GroupId>,
        options: PatchOptions,
    ) -> Result<PatchReport<GroupId>, PatchChildrenError> {
        let mut attempt = Attempt { turn: Turn::Alone, staying: Staying::Nobody };
        loop {
            let kind = (attempt.turn, Permission::ChangeMembers);
            let attempted = self.write_group(context, kind, (parent, Member::Unnamed), |work, change| {
                patch_children(work, context, (patch, options), attempt, change)
            })?;
            match attempted {
                Attempted::Done(report) => return Ok(report),
                Attempted::Again(next) => attempt = next,
            }
        }
    }
}

fn patch_children(
    work: &mut Writing<'_>,
    context: &Context,
    (patch, options): (&Patch<GroupId>, PatchOptions),
    attempt: Attempt,
    change: MembersChange,
) -> Result<Finish<Attempted<GroupId>>, PatchChildrenError> {
    let parent = change.group.ok_or(PatchChildrenError::GroupNotFound)?;
    let administrators = change.administrators;
    let resolution = Resolution { named: work.groups_named(&patch.names())?, oneself: None };
    let mut plan = plan(work, parent, patch, &resolution)?;
    let not_found = resolution.not_found(patch, &plan.unknown);
    let is_atomic = options.mode == PatchMode::Atomic;
    if is_atomic && !not_found.is_empty() {
        return Err(PatchChildrenError::ChildrenNotFound(not_found));
    }
    let mut dates = resolution.dates(patch);
    dates.retain(|child, _| !plan.unknown.contains(child));
    let mut schedule = Schedule::default();
    if !dates.is_empty() {
        let standings = work.standings_of_children(parent, &dates.keys().copied().collect())?;
        schedule = Schedule::of_elements(&standings, &dates, context.now())
            .map_err(|(place, error)| PatchChildrenError::Invalid(place, error))?;
        plan.joining.retain(|child| !dates.contains_key(child));
    }
    let staying = match attempt.staying {
        Staying::Nobody => BTreeSet::new(),
        Staying::One => {
            let ending = &plan.leaving | &schedule.ending;
            work.first_child_with_lasting_member(parent, &ending)?.into_iter().collect()
        }
        Staying::All => &plan.leaving | &schedule.ending,
    };
    for child in &staying {
        plan.leaving.remove(child);
    }
    schedule.leave(&staying);
    let rescheduled = schedule.leaving.len() as u64;
    plan.leaving.append(&mut schedule.leaving);
    let recorded = work.recorded_children(parent, &plan.leaving)?;
    let EndedEdges { present, scheduled: ended } = work.remove_children(parent, &plan.leaving, context.now())?;
    let (gone, cancelled) = (present.len() as u64, ended.len() as u64);
    plan.joining.append(&mut schedule.joining);
    // The removed edges begin at the parent, so no path down to it had one of them. What is there or scheduled closes no cycle.
    let above = work.at_or_above_among(parent, &plan.joining.union(&schedule.scheduled).copied().collect())?;
    if let Some(cycle) = if is_atomic { cycle(work.store, parent, &above)? } else { None } {
        return Err(PatchChildrenError::Cycle(cycle));
    }
    plan.joining.retain(|child| !above.contains(child));
    schedule.leave(&above);
    let added = work.provenance(context);
    let new = work.insert_children(parent, &plan.joining, added)?.len() as u64;
    if !schedule.validities.is_empty() {
        work.date_children(parent, &schedule.validities, added, context.now())?;
    }
    work.record_removed_children(parent, &recorded)?;
    let may_take = gone > 0 || !schedule.ending.is_empty();
    let takes_administrators = may_take && administrators.contains(&SystemGroup::SystemAdministrators);
    if takes_administrators && !work.has_lasting_administrator()? {
        if is_atomic {
            return Err(PatchChildrenError::LastAdministrator);
        }
        return Ok(Finish::Rollback(Attempted::Again(attempt.keeping_more())));
    }
    let scheduled = schedule.noted();
    for (number, change, children) in [
        (new, AdministratorsChange::GroupsAdded, &plan.joining),
        (gone + cancelled, AdministratorsChange::GroupRemoved, &plan.leaving),
        (scheduled.len() as u64, AdministratorsChange::GroupsScheduled, &scheduled),
    ] {
        if number > 0 {
            let note = AuditNote::of_group(change, administrators.clone(), parent);
            work.note(note.map(|note| note.naming_groups(children)));
        }
    }
    let count = work.group(parent)?.map_or(0, |group| group.child_group_count);
    let mut refused = resolution.refusals(patch, above, RefusalReason::Cycle);
    refused.extend(resolution.refusals(patch, staying, RefusalReason::LastAdministrator));
    refused.sort_by_key(|refusal| (refusal.place.is_none(), refusal.place));
    let (joined, updated) = (new + schedule.scheduled.len() as u64, schedule.updated.len() as u64);
    let removed = gone + cancelled - rescheduled;
    Ok(options.finish(PatchReport {
        group: parent,
        added: joined,
        updated,
        removed,
        unchanged: plan.named.saturating_sub(joined + updated + removed + refused.len() as u64),
        count,
        not_found,
        refused,
    }))
}

/// Which groups are put below the parent, and which are taken from there.
struct Plan {
    joining: BTreeSet<GroupId>,
    leaving: BTreeSet<GroupId>,
    /// How many groups the patch names, or does not name which are to leave.
    named: u64,
    /// The ids that no group has.
    unknown: BTreeSet<GroupId>,
}

fn plan(
    work: &mut Writing<'_>,
    parent: GroupId,
    patch: &Patch<GroupId>,
    resolution: &Resolution<'_, GroupId>,
) -> Result<Plan, PatchChildrenError> {
    let (mut joining, mut leaving, present) = match patch {
        Patch::Change { add, remove } => {
            let (joining, leaving) = (resolution.ids(add), resolution.ids(remove));
            resolution.check((add, &joining), (remove, &leaving))?;
            (joining, leaving, 0)
        }
        Patch::Set(set) => {
            let (wanted, present) = (resolution.ids(set), work.direct_children(parent)?);
            let scheduled = work.scheduled_children(parent)?;
            let leaving = present.union(&scheduled).copied().filter(|child| !wanted.contains(child)).collect();
            (&wanted - &present, leaving, (&wanted & &present).len())
        }
    };
    // Whether a group exists is not told to those who may not nest it.
    work.authorise(Permission::NestGroups, Target::Groups(&joining))?;
    work.authorise(Permission::UnnestGroups, Target::Groups(&leaving))?;
    if resolution.named.len() < patch.names().len() {
        work.authorise(Permission::NestGroups, Target::All)?;
    }
    let unknown = work.unknown_groups(&joining.union(&leaving).copied().collect())?;
    for groups in [&mut joining, &mut leaving] {
        groups.retain(|group| !unknown.contains(group));
    }
    let named = (present + joining.len() + leaving.len()) as u64;
    Ok(Plan { joining, leaving, named, unknown })
}
