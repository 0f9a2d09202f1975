//! The errors of use cases about members, as responses.

use std::collections::BTreeSet;

use guildhall_domain::directory::{
    AddMembersError, InheritedMembership, MemberError, PatchMembersError, PatchedList, RemoveMemberError,
    ScheduleMemberError,
};
use guildhall_domain::user::UserId;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::respond::problem::{GROUP_NOT_FOUND, GroupsBelow, NOT_A_MEMBER, NameList, Problem, USER_NOT_FOUND};
use crate::security::patches::Users;
use crate::security::patches::body::PatchBody;
use crate::security::patches::report::UsersNotFound;
use crate::security::validity::{
    EVERYONE_HAS_NO_DATES, LAST_ADMINISTRATOR_STAYS, invalid_dates, invalid_dates_of_element,
};

impl From<AddMembersError> for Problem {
    fn from(error: AddMembersError) -> Self {
        match error {
            AddMembersError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            AddMembersError::UsersNotFound(user_ids) => {
                Self::not_found(USER_NOT_FOUND).with_data(&UnknownUsers { user_ids })
            }
            AddMembersError::Refused(refused) => refused.into(),
        }
    }
}

/// Why `body` did nothing.
pub(super) fn patch_problem(error: PatchMembersError, body: &PatchBody<Users>) -> Problem {
    match error {
        PatchMembersError::GroupNotFound => Problem::not_found(GROUP_NOT_FOUND),
        PatchMembersError::Contradiction(contradiction) => contradiction.into(),
        PatchMembersError::UsersNotFound(places) => {
            Problem::not_found(USER_NOT_FOUND).with_data(&UsersNotFound::new(&places, body))
        }
        PatchMembersError::Everyone => RemoveMemberError::Everyone.into(),
        PatchMembersError::EveryoneHasNoDates => Problem::conflict(EVERYONE_HAS_NO_DATES),
        PatchMembersError::Invalid(place, error) => {
            invalid_dates_of_element("There are validation errors changing the members", place, error)
        }
        PatchMembersError::LastAdministrator => RemoveMemberError::LastAdministrator.into(),
        PatchMembersError::Refused(refused) => refused.into(),
    }
}

/// The same for a bulk request of the platform, which names unknown users by their ids.
pub(super) fn bulk_problem(error: PatchMembersError, body: &PatchBody<Users>) -> Problem {
    match error {
        PatchMembersError::UsersNotFound(places) => {
            let list = body.patch.list(PatchedList::Add);
            let ids = places.iter().filter_map(|place| list?.id_at(place.index)).collect();
            AddMembersError::UsersNotFound(ids).into()
        }
        error => patch_problem(error, body),
    }
}

impl From<MemberError> for Problem {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            MemberError::UserNotFound => Self::not_found(USER_NOT_FOUND),
            MemberError::Refused(refused) => refused.into(),
        }
    }
}

impl From<ScheduleMemberError> for Problem {
    fn from(error: ScheduleMemberError) -> Self {
        match error {
            ScheduleMemberError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            ScheduleMemberError::UserNotFound => Self::not_found(USER_NOT_FOUND),
            ScheduleMemberError::Invalid(error) => {
                invalid_dates("There are validation errors adding the member", error)
            }
            ScheduleMemberError::Everyone => Self::conflict(EVERYONE_HAS_NO_DATES),
            ScheduleMemberError::LastAdministrator => Self::conflict(LAST_ADMINISTRATOR_STAYS),
            ScheduleMemberError::Refused(refused) => refused.into(),
        }
    }
}

impl From<RemoveMemberError> for Problem {
    fn from(error: RemoveMemberError) -> Self {
        match error {
            RemoveMemberError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            RemoveMemberError::UserNotFound => Self::not_found(USER_NOT_FOUND),
            RemoveMemberError::NotAMember => Self::not_found(NOT_A_MEMBER),
            RemoveMemberError::Inherited(InheritedMembership { groups, has_more }) => Self::not_found(format!(
                "The user is in the group only by groups below it: {}{}",
                NameList(&groups),
                if has_more { " and others" } else { "" }
            ))
            .with_data(&GroupsBelow::new(&groups, has_more)),
            RemoveMemberError::Everyone => Self::conflict("Users cannot be removed from 'Everyone'"),
            RemoveMemberError::LastAdministrator => Self::conflict("The last System Administrator cannot be removed"),
            RemoveMemberError::Refused(refused) => refused.into(),
        }
    }
}

// The ids of a bulk request that no user has.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UnknownUsers {
    /// In their order.
    #[serde(serialize_with = "ids")]
    #[schema(min_items = 1, value_type = Vec<Uuid>)]
    user_ids: BTreeSet<UserId>,
}

fn ids<S: Serializer>(ids: &BTreeSet<UserId>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ids.iter().map(|id| id.0.hyphenated().to_string()))
}
