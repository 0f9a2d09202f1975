//! What is in groups from one moment to another, in memory: memberships and edges alike.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::past::History;
use crate::group::GroupId;
use crate::manager::ManagerId;
use crate::ports::{DueChange, Edge, MemberStanding, Membership};
use crate::provenance::Provenance;
use crate::time::Timestamp;
use crate::user::UserId;
use crate::validity::{Validity, ValidityState};

/// By group, who belongs to it or will.
pub(super) type ByGroup<Id, T> = BTreeMap<GroupId, BTreeMap<Id, T>>;

/// The same, as a state keeps it.
pub(super) type Stored<'s, Id, T> = &'s mut Arc<ByGroup<Id, T>>;

/// Who gave a date to those of a group of which none was yet to come.
pub(super) type DatedBy<Id> = ByGroup<Id, Option<UserId>>;

/// What has dates.
pub(super) trait Dated: Copy {
    /// Who added it, and when, if that is known.
    fn added(&self) -> Option<Provenance>;
    fn validity(&self) -> Validity;
    fn set_validity(&mut self, validity: Validity);
}

impl Dated for Membership {
    fn added(&self) -> Option<Provenance> {
        Some(self.added)
    }

    fn validity(&self) -> Validity {
        self.validity
    }

    fn set_validity(&mut self, validity: Validity) {
        self.validity = validity;
    }
}

impl Dated for Edge {
    fn added(&self) -> Option<Provenance> {
        self.added
    }

    fn validity(&self) -> Validity {
        self.validity
    }

    fn set_validity(&mut self, validity: Validity) {
        self.validity = validity;
    }
}

/// The moments at which something begins or ends next.
pub(super) fn next_of<Id, T: Dated>(present: &ByGroup<Id, T>, scheduled: &ByGroup<Id, T>) -> Option<Timestamp> {
    let ends = present.values().flat_map(BTreeMap::values).filter_map(|dated| dated.validity().until);
    let begins = scheduled.values().flat_map(BTreeMap::values).filter_map(|dated| dated.validity().from);
    ends.chain(begins).min()
}

pub(super) fn standings<Id: Copy + Ord, T: Dated>(
    group: GroupId,
    ids: &BTreeSet<Id>,
    present: &ByGroup<Id, T>,
    scheduled: &ByGroup<Id, T>,
) -> BTreeMap<Id, MemberStanding> {
    let of = |by_group: &ByGroup<Id, T>, state| -> Vec<(Id, MemberStanding)> {
        let found = ids.iter().filter_map(|id| Some((*id, by_group.get(&group)?.get(id)?.validity())));
        found.map(|(id, validity)| (id, MemberStanding { state, validity })).collect()
    };
    of(scheduled, ValidityState::Scheduled).into_iter().chain(of(present, ValidityState::Active)).collect()
}

/// Sets dates: of what is present, or of what begins later, which is made by `new` if it is not there yet.
pub(super) fn set<Id: Copy + Ord, T: Dated>(
    (present, scheduled): (Stored<'_, Id, T>, Stored<'_, Id, T>),
    group: GroupId,
    dates: &BTreeMap<Id, Validity>,
    now: Timestamp,
    new: impl Fn(Validity) -> T,
) {
    for (id, validity) in dates {
        let planned = Arc::make_mut(scheduled).entry(group).or_default();
        if validity.state(now) == ValidityState::Scheduled {
            planned.entry(*id).or_insert_with(|| new(*validity)).set_validity(*validity);
        } else {
            planned.remove(id);
            if let Some(dated) = Arc::make_mut(present).get_mut(&group).and_then(|present| present.get_mut(id)) {
                dated.set_validity(*validity);
            }
        }
    }
}

/// Notes that `author` gives dates to those of `dates` of which none is yet to come.
pub(super) fn note_author<Id: Copy + Ord, T: Dated>(
    (present, scheduled): (&ByGroup<Id, T>, &ByGroup<Id, T>),
    dated_by: &mut Arc<DatedBy<Id>>,
    (group, dates): (GroupId, &BTreeMap<Id, Validity>),
    author: Option<UserId>,
) {
    let authors = Arc::make_mut(dated_by).entry(group).or_default();
    for id in dates.keys().filter(|id| !is_pending((present, scheduled), group, id)) {
        authors.insert(*id, author);
    }
}

/// Whether a date of it is yet to come.
fn is_pending<Id: Ord, T: Dated>(
    (present, scheduled): (&ByGroup<Id, T>, &ByGroup<Id, T>),
    group: GroupId,
    id: &Id,
) -> bool {
    let ends = present.get(&group).and_then(|of| of.get(id)).is_some_and(|dated| dated.validity().until.is_some());
    ends || scheduled.get(&group).is_some_and(|of| of.contains_key(id))
}

/// How many of those whose dates `author` noted have one that is yet to come.
pub(super) fn count_pending<Id: Ord, T: Dated>(
    of: (&ByGroup<Id, T>, &ByGroup<Id, T>),
    dated_by: &DatedBy<Id>,
    author: UserId,
) -> u64 {
    let of_group = |(group, authors): (&GroupId, &BTreeMap<Id, Option<UserId>>)| {
        authors.iter().filter(|(id, by)| **by == Some(author) && is_pending(of, *group, id)).count()
    };
    dated_by.iter().map(of_group).sum::<usize>() as u64
}

/// What a kind of members is called, and the history of it.
type Told<'h, Id> = (fn(Id) -> ManagerId, &'h mut Arc<History<Id>>);

/// Takes what is due at `now` from `scheduled` and `present`, and adds what changed to `changes`.
pub(super) fn take_due<Id: Copy + Ord, T: Dated>(
    (present, scheduled): (Stored<'_, Id, T>, Stored<'_, Id, T>),
    now: Timestamp,
    (member, history): Told<'_, Id>,
    changes: &mut Vec<DueChange>,
) {
    let (present, scheduled, history) = (Arc::make_mut(present), Arc::make_mut(scheduled), Arc::make_mut(history));
    for (group, planned) in scheduled.iter_mut() {
        for (id, dated) in planned.extract_if(.., |_, dated| dated.validity().from.is_none_or(|from| from <= now)) {
            let at = dated.validity().from.unwrap_or(now);
            changes.push(DueChange { group: *group, member: member(id), is_in: true, at });
            history.begin(*group, id, at);
            present.entry(*group).or_default().insert(id, dated);
        }
    }
    for (group, members) in present.iter_mut() {
        for (id, dated) in members.extract_if(.., |_, dated| dated.validity().ended(now).is_some()) {
            let at = dated.validity().ended(now).unwrap_or(now);
            history.end(*group, id, &dated, at);
            changes.push(DueChange { group: *group, member: member(id), is_in: false, at });
        }
    }
}
