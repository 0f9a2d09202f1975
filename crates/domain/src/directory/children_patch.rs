//! Many groups below a group in one request, with a report.

use std::collections::BTreeSet;
use std::mem;

use super::Directory;
use super::children::{Cycle, cycle};
use super::patches::{
    Attempt, Attempted, Contradiction, Patch, PatchMode, PatchOptions, PatchReport, Place, RefusalReason, Resolution,
    Staying,
};
use super::unit_of_work::{Finish, Turn, Writing};
use crate::access::{Permission, Refused, Target, contains_refused};
use crate::audit::{AdministratorsChange, AuditNote};
use crate::context::Context;
use crate::group::{GroupId, SystemGroup};
use crate::identifier::GroupIdentifier;
use crate::ports::{Member, MembersChange};

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
    /// It would remove the last active System Administrator (contract 10 row 12). [`PatchMode::Atomic`] alone.
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
    let staying = match attempt.staying {
        Staying::Nobody => BTreeSet::new(),
        Staying::One => {
            let one = work.first_child_with_active_member(parent, &plan.leaving, context.now())?;
            one.into_iter().filter(|child| plan.leaving.remove(child)).collect()
        }
        Staying::All => mem::take(&mut plan.leaving),
    };
    let recorded = work.recorded_children(parent, &plan.leaving)?;
    let gone = work.remove_children(parent, &plan.leaving)?;
    // The removed edges begin at the parent, so no path down to it had one of them.
    let above = work.at_or_above_among(parent, &plan.joining)?;
    if let Some(cycle) = if is_atomic { cycle(work.store, parent, &above)? } else { None } {
        return Err(PatchChildrenError::Cycle(cycle));
    }
    plan.joining.retain(|child| !above.contains(child));
    let added = work.provenance(context);
    let new = work.insert_children(parent, &plan.joining, added)?;
    work.record_removed_children(parent, &recorded)?;
    let takes_administrators = gone > 0 && administrators.contains(&SystemGroup::SystemAdministrators);
    if takes_administrators && !work.has_active_administrator(context.now())? {
        if is_atomic {
            return Err(PatchChildrenError::LastAdministrator);
        }
        return Ok(Finish::Rollback(Attempted::Again(attempt.keeping_more())));
    }
    for (number, change, children) in [
        (new, AdministratorsChange::GroupsAdded, &plan.joining),
        (gone, AdministratorsChange::GroupRemoved, &plan.leaving),
    ] {
        if number > 0 {
            let note = AuditNote::of_group(change, administrators.clone(), parent);
            work.note(note.map(|note| note.naming_groups(children)));
        }
    }
    let count = work.group(parent)?.map_or(0, |group| group.child_group_count);
    let named = plan.settled + (plan.joining.len() + plan.leaving.len()) as u64;
    let mut refused = resolution.refusals(patch, above, RefusalReason::Cycle);
    refused.extend(resolution.refusals(patch, staying, RefusalReason::LastAdministrator));
    refused.sort_by_key(|refusal| (refusal.place.is_none(), refusal.place));
    Ok(options.finish(PatchReport {
        group: parent,
        added: new,
        updated: 0,
        removed: gone,
        unchanged: named - new - gone,
        count,
        not_found,
        refused,
    }))
}

/// Which groups are put below the parent, and which are taken from there.
struct Plan {
    joining: BTreeSet<GroupId>,
    leaving: BTreeSet<GroupId>,
    /// How many others the patch names, which are children and stay.
    settled: u64,
    /// The ids that no group has.
    unknown: BTreeSet<GroupId>,
}

fn plan(
    work: &mut Writing<'_>,
    parent: GroupId,
    patch: &Patch<GroupId>,
    resolution: &Resolution<'_, GroupId>,
) -> Result<Plan, PatchChildrenError> {
    let (mut joining, mut leaving, settled) = match patch {
        Patch::Change { add, remove } => {
            let (joining, leaving) = (resolution.ids(add), resolution.ids(remove));
            resolution.check((add, &joining), (remove, &leaving))?;
            (joining, leaving, 0)
        }
        Patch::Set(set) => {
            let (wanted, present) = (resolution.ids(set), work.direct_children(parent)?);
            (&wanted - &present, &present - &wanted, (&wanted & &present).len() as u64)
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
    Ok(Plan { joining, leaving, settled, unknown })
}
