//! The errors of use cases about groups below groups, as responses.

use std::collections::BTreeSet;

use guildhall_domain::directory::{
    AddChildrenError, Cycle, PatchChildrenError, PatchedList, RemoveChildError, ScheduleChildError,
};
use guildhall_domain::group::GroupId;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::respond::problem::{GROUP_NOT_FOUND, GroupsBelow, InvalidFieldBody, NameList, NamedGroup, Problem};
use crate::security::patches::Groups;
use crate::security::patches::body::PatchBody;
use crate::security::patches::report::ChildrenNotFound;
use crate::security::validity::{LAST_ADMINISTRATOR_STAYS, invalid_dates, invalid_dates_of_element};

const CHILD_NOT_FOUND: &str = "Child group not found";
const INVALID: &str = "There are validation errors adding the child group";

impl From<AddChildrenError> for Problem {
    fn from(error: AddChildrenError) -> Self {
        match error {
            AddChildrenError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            AddChildrenError::ChildrenNotFound(group_ids) => {
                Self::not_found(CHILD_NOT_FOUND).with_data(&UnknownGroups { group_ids })
            }
            AddChildrenError::ChildNotFound => Self::not_found(CHILD_NOT_FOUND),
            AddChildrenError::Cycle(cycle) => closes_a_cycle(&cycle),
            AddChildrenError::Refused(refused) => refused.into(),
        }
    }
}

/// Why `body` did nothing.
pub(super) fn patch_problem(error: PatchChildrenError, body: &PatchBody<Groups>) -> Problem {
    match error {
        PatchChildrenError::GroupNotFound => Problem::not_found(GROUP_NOT_FOUND),
        PatchChildrenError::Contradiction(contradiction) => contradiction.into(),
        PatchChildrenError::ChildrenNotFound(places) => {
            Problem::not_found(CHILD_NOT_FOUND).with_data(&ChildrenNotFound::new(&places, body))
        }
        PatchChildrenError::Cycle(cycle) => closes_a_cycle(&cycle),
        PatchChildrenError::Invalid(place, error) => {
            invalid_dates_of_element("There are validation errors changing the child groups", place, error)
        }
        PatchChildrenError::LastAdministrator => RemoveChildError::LastAdministrator.into(),
        PatchChildrenError::Refused(refused) => refused.into(),
    }
}

/// The same for a bulk request of the platform, which names unknown groups by their ids.
pub(super) fn bulk_problem(error: PatchChildrenError, body: &PatchBody<Groups>) -> Problem {
    match error {
        PatchChildrenError::ChildrenNotFound(places) => {
            let list = body.patch.list(PatchedList::Add);
            let ids = places.iter().filter_map(|place| list?.id_at(place.index)).collect();
            AddChildrenError::ChildrenNotFound(ids).into()
        }
        error => patch_problem(error, body),
    }
}

impl From<ScheduleChildError> for Problem {
    fn from(error: ScheduleChildError) -> Self {
        match error {
            ScheduleChildError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            ScheduleChildError::ChildNotFound => Self::not_found(CHILD_NOT_FOUND),
            ScheduleChildError::Cycle(cycle) => closes_a_cycle(&cycle),
            ScheduleChildError::Invalid(error) => invalid_dates(INVALID, error),
            ScheduleChildError::LastAdministrator => Self::conflict(LAST_ADMINISTRATOR_STAYS),
            ScheduleChildError::Refused(refused) => refused.into(),
        }
    }
}

impl From<RemoveChildError> for Problem {
    fn from(error: RemoveChildError) -> Self {
        match error {
            RemoveChildError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            RemoveChildError::ChildNotFound => Self::not_found(CHILD_NOT_FOUND),
            RemoveChildError::NotAChild => Self::not_found("The group is not a child of the group"),
            RemoveChildError::IndirectChild(id, name) => {
                let groups = [(id, name)];
                let message =
                    format!("The group is not a child of the group, but below its child {}", NameList(&groups));
                Self::not_found(message).with_data(&GroupsBelow::new(&groups, false))
            }
            RemoveChildError::LastAdministrator => Self::conflict("The last System Administrator cannot be removed"),
            RemoveChildError::Refused(refused) => refused.into(),
        }
    }
}

// The ids of a bulk request that no group has.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UnknownGroups {
    /// In their order.
    #[serde(serialize_with = "ids")]
    #[schema(min_items = 1, value_type = Vec<Uuid>)]
    group_ids: BTreeSet<GroupId>,
}

fn ids<S: Serializer>(ids: &BTreeSet<GroupId>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ids.iter().map(ToString::to_string))
}

/// The path leads from the parent over the child back down to the parent, which is named once.
fn closes_a_cycle(cycle: &Cycle) -> Problem {
    let message = if cycle.len() == 1 {
        "A group cannot be added as a child of itself"
    } else {
        "The child group already has this group below it, so adding it would close a cycle"
    };
    let path = cycle.iter().map(|(id, name)| NamedGroup { id: id.to_string(), name: name.as_str() }).collect();
    let child = InvalidFieldBody { field: "childGroupId", message, path: Some(path) };
    Problem::validation(INVALID).with_data(&[child])
}
