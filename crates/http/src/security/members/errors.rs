//! Refusals of what is asked of memberships.

use std::collections::BTreeSet;

use guildhall_domain::directory::{
    AddMemberError, AddMembersError, CheckMemberError, ListMembersError, RemoveMemberError,
};
use guildhall_domain::user::UserId;
use serde::{Serialize, Serializer};

use crate::respond::problem::{GROUP_NOT_FOUND, NOT_A_MEMBER, Problem, USER_NOT_FOUND};

impl From<ListMembersError> for Problem {
    fn from(error: ListMembersError) -> Self {
        match error {
            ListMembersError::Denied(denied) => denied.into(),
            ListMembersError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            ListMembersError::Store(error) => error.into(),
        }
    }
}

impl From<AddMembersError> for Problem {
    fn from(error: AddMembersError) -> Self {
        match error {
            AddMembersError::Denied(denied) => denied.into(),
            AddMembersError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            AddMembersError::UsersNotFound(user_ids) => {
                Self::not_found(USER_NOT_FOUND).with_data(&UnknownUsers { user_ids })
            }
            AddMembersError::Store(error) => error.into(),
        }
    }
}

impl From<AddMemberError> for Problem {
    fn from(error: AddMemberError) -> Self {
        match error {
            AddMemberError::Denied(denied) => denied.into(),
            AddMemberError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            AddMemberError::UserNotFound => Self::not_found(USER_NOT_FOUND),
            AddMemberError::Store(error) => error.into(),
        }
    }
}

impl From<RemoveMemberError> for Problem {
    fn from(error: RemoveMemberError) -> Self {
        match error {
            RemoveMemberError::Denied(denied) => denied.into(),
            RemoveMemberError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            RemoveMemberError::UserNotFound => Self::not_found(USER_NOT_FOUND),
            RemoveMemberError::NotAMember => Self::not_found(NOT_A_MEMBER),
            RemoveMemberError::Everyone => Self::conflict("Users cannot be removed from 'Everyone'"),
            RemoveMemberError::LastAdministrator => Self::conflict("The last System Administrator cannot be removed"),
            RemoveMemberError::Store(error) => error.into(),
        }
    }
}

impl From<CheckMemberError> for Problem {
    fn from(error: CheckMemberError) -> Self {
        match error {
            CheckMemberError::Denied(denied) => denied.into(),
            CheckMemberError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            CheckMemberError::UserNotFound => Self::not_found(USER_NOT_FOUND),
            CheckMemberError::Store(error) => error.into(),
        }
    }
}

#[derive(Serialize)]
struct UnknownUsers {
    #[serde(rename = "userIds", serialize_with = "ids")]
    user_ids: BTreeSet<UserId>,
}

fn ids<S: Serializer>(ids: &BTreeSet<UserId>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ids.iter().map(|id| id.0.hyphenated().to_string()))
}
