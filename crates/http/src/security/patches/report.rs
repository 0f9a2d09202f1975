//! What a patch did, and why it did nothing, as JSON.

use guildhall_domain::directory::{
    Contradiction, Effects, PatchEffect, PatchMode, PatchOptions, PatchReport, PatchedList, Place, RefusalReason,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::{PatchBody, list_name};
use super::{Groups, Kind, Users};
use crate::respond::preview::EffectsBody;
use crate::respond::problem::Problem;
use crate::security::validity::{EVERYONE_HAS_NO_DATES, LAST_ADMINISTRATOR_STAYS};

/// What is done if something cannot be done.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Mode {
    /// Nothing.
    Atomic,
    /// The rest.
    Partial,
}

/// A list of the request. The array of a bulk request is `add`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ListName {
    Add,
    Remove,
    Set,
}

/// The report on one kind, and what it consists of. They differ in two names.
macro_rules! report {
    ($kind:ty, $report:ident, $not_found:ident, $named:ident, $refused:ident, $property:ident, $count:ident) => {
        /// What a change of many did, or would do.
        #[derive(Serialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $report<'a> {
            #[schema(value_type = Uuid)]
            group: String,
            mode: Mode,
            /// Whether nothing of it was done.
            dry_run: bool,
            /// How many joined, or are scheduled to.
            #[schema(minimum = 0)]
            added: u64,
            /// How many were in already or scheduled to join, and are so from or until another moment.
            #[schema(minimum = 0)]
            updated: u64,
            /// How many left, or are scheduled to join no more.
            #[schema(minimum = 0)]
            removed: u64,
            /// How many were named and needed no change.
            #[schema(minimum = 0)]
            unchanged: u64,
            /// How many are in the group directly afterwards.
            #[schema(minimum = 0)]
            $count: u64,
            /// What names nobody and nothing, in the order of the request. In the mode `partial` alone.
            not_found: Vec<$named>,
            /// What was not done. In the mode `partial` alone.
            refused: Vec<$refused>,
            /// What it would change, if nothing of it was done.
            #[schema(required = false, value_type = EffectsBody)]
            #[serde(skip_serializing_if = "Option::is_none")]
            effects: Option<EffectsBody<'a>>,
        }

        // What names nobody and nothing.
        #[derive(Serialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $not_found {
            /// In the order of the request.
            #[schema(min_items = 1)]
            not_found: Vec<$named>,
        }

        /// An element of a list of the request.
        #[derive(Serialize, ToSchema)]
        pub(crate) struct $named {
            list: ListName,
            /// From 0.
            #[schema(minimum = 0)]
            index: usize,
            /// As in the request.
            $property: String,
        }

        /// What was not done, and why.
        #[derive(Serialize, ToSchema)]
        pub(crate) struct $refused {
            list: ListName,
            /// From 0. `null`: it was to leave, because `set` does not name it.
            #[schema(minimum = 0, required = true)]
            index: Option<usize>,
            /// As in the request, or else the id.
            $property: String,
            /// For people.
            reason: &'static str,
        }

        impl<'a> $report<'a> {
            pub(crate) fn new(
                (report, effects): &'a (PatchReport<<$kind as Kind>::Id>, Option<Effects>),
                options: PatchOptions,
                body: &PatchBody<$kind>,
            ) -> Self {
                let refused = report.refused.iter().map(|refusal| {
                    let name = |place| body.name(place);
                    $refused {
                        list: refusal.place.map_or(PatchedList::Set, |place| place.list).into(),
                        index: refusal.place.map(|place| place.index),
                        $property: refusal.place.map_or_else(|| <$kind>::uuid(refusal.id).to_string(), name),
                        reason: reason(refusal.reason, refusal.place),
                    }
                });
                Self {
                    group: report.group.to_string(),
                    mode: options.mode.into(),
                    dry_run: options.effect == PatchEffect::DryRun,
                    added: report.added,
                    updated: report.updated,
                    removed: report.removed,
                    unchanged: report.unchanged,
                    $count: report.count,
                    not_found: $not_found::new(&report.not_found, body).not_found,
                    refused: refused.collect(),
                    effects: effects.as_ref().map(EffectsBody::from),
                }
            }
        }

        impl $not_found {
            pub(crate) fn new(places: &[Place], body: &PatchBody<$kind>) -> Self {
                let named = |place: &Place| $named {
                    list: place.list.into(),
                    index: place.index,
                    $property: body.name(*place),
                };
                Self { not_found: places.iter().map(named).collect() }
            }
        }
    };
}

report!(Users, MembersReport, UsersNotFound, NamedUser, RefusedUser, user, user_count);
report!(Groups, ChildrenReport, ChildrenNotFound, NamedChild, RefusedChild, group, child_group_count);

impl<K: Kind> PatchBody<K> {
    /// What the element at this place is called in the request.
    fn name(&self, place: Place) -> String {
        let id = || self.patch.list(place.list).and_then(|list| list.id_at(place.index));
        match self.names.get(&place) {
            Some(name) => name.to_string(),
            None => id().map(|id| K::uuid(id).to_string()).unwrap_or_default(),
        }
    }
}

impl From<PatchedList> for ListName {
    fn from(list: PatchedList) -> Self {
        match list {
            PatchedList::Add => Self::Add,
            PatchedList::Remove => Self::Remove,
            PatchedList::Set => Self::Set,
        }
    }
}

impl From<PatchMode> for Mode {
    fn from(mode: PatchMode) -> Self {
        match mode {
            PatchMode::Atomic => Self::Atomic,
            PatchMode::Partial => Self::Partial,
        }
    }
}

impl From<Contradiction> for Problem {
    fn from(Contradiction { add, remove }: Contradiction) -> Self {
        let (added, removed) = (list_name(PatchedList::Add), list_name(PatchedList::Remove));
        Self::bad_request(format!(
            "The element at index {remove} of '{removed}' is the one at index {add} of '{added}'"
        ))
    }
}

fn reason(reason: RefusalReason, place: Option<Place>) -> &'static str {
    // Who is named there stays, so that it is their dates that are refused.
    let is_joining = place.is_some_and(|place| place.list != PatchedList::Remove);
    match reason {
        RefusalReason::Everyone if is_joining => EVERYONE_HAS_NO_DATES,
        RefusalReason::Everyone => "Users cannot be removed from 'Everyone'",
        RefusalReason::LastAdministrator if is_joining => LAST_ADMINISTRATOR_STAYS,
        RefusalReason::LastAdministrator => "The last System Administrator cannot be removed",
        RefusalReason::Cycle => "The group is this group or above it, so adding it would close a cycle",
    }
}
