//! What each use case can refuse, and the status that says so. Every match is complete: a new refusal does not compile
//! until it has one.

use std::collections::BTreeSet;

use guildhall_domain::access::Denied;
use guildhall_domain::directory::{
    AddChildError, AddMemberError, AddMembersError, CheckMemberError, CreateGroupError, CreateUserError,
    ListMembersError, ReadGroupError, RemoveMemberError,
};
use guildhall_domain::ports::{Fault, StoreError};
use guildhall_domain::user::UserId;
use guildhall_domain::validation::InvalidField;
use serde::{Serialize, Serializer};

use super::Problem;
use crate::{group_json, user_json};

const GROUP_NOT_FOUND: &str = "Group not found";
const USER_NOT_FOUND: &str = "User not found";
/// A check answers with it too, although nobody can read it there.
pub(crate) const NOT_A_MEMBER: &str = "The user is not in the group";

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Unauthenticated => Self::unauthenticated(),
            Denied::NotPermitted => Self::forbidden("Access denied"),
            Denied::PasswordResetRequired => Self::forbidden("Password reset required"),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error.fault() {
            Fault::Unavailable => Self::unavailable(error),
            Fault::Failed => Self::unexpected(error),
        }
    }
}

impl From<CreateUserError> for Problem {
    fn from(error: CreateUserError) -> Self {
        match error {
            CreateUserError::Denied(denied) => denied.into(),
            CreateUserError::Invalid(fields) => Self::invalid(user_json::INVALID, &fields),
            CreateUserError::IdTaken(id) => Self::conflict(format!("A user with the id '{id}' already exists")),
            CreateUserError::UsernameTaken(name) => {
                Self::conflict(format!("A user with the username '{name}' already exists"))
            }
            CreateUserError::EmailTaken(email) => {
                Self::conflict(format!("A user with the email '{email}' already exists"))
            }
            CreateUserError::Passwords(error) => Self::unexpected(error),
            CreateUserError::Store(error) => error.into(),
        }
    }
}

impl From<CreateGroupError> for Problem {
    fn from(error: CreateGroupError) -> Self {
        match error {
            CreateGroupError::Denied(denied) => denied.into(),
            CreateGroupError::Invalid(fields) => Self::invalid(group_json::INVALID, &fields),
            CreateGroupError::IdTaken(id) => Self::conflict(format!("A group with the id '{id}' already exists")),
            CreateGroupError::NameTaken(name) => {
                Self::conflict(format!("A group with the name '{name}' already exists"))
            }
            CreateGroupError::Store(error) => error.into(),
        }
    }
}

impl From<ReadGroupError> for Problem {
    fn from(error: ReadGroupError) -> Self {
        match error {
            ReadGroupError::Denied(denied) => denied.into(),
            ReadGroupError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            ReadGroupError::Store(error) => error.into(),
        }
    }
}

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

impl From<AddChildError> for Problem {
    fn from(error: AddChildError) -> Self {
        match error {
            AddChildError::Denied(denied) => denied.into(),
            AddChildError::GroupNotFound => Self::not_found(GROUP_NOT_FOUND),
            AddChildError::ChildNotFound => Self::not_found("Child group not found"),
            AddChildError::Itself => invalid_child("A group cannot be added as a child of itself"),
            AddChildError::Cycle(_) => {
                invalid_child("The child group already has this group below it, so adding it would close a cycle")
            }
            AddChildError::Store(error) => error.into(),
        }
    }
}

fn invalid_child(message: &str) -> Problem {
    let field = InvalidField { field: "childGroupId".to_owned(), message: message.to_owned() };
    Problem::invalid("There are validation errors adding the child group", &[field])
}

#[derive(Serialize)]
struct UnknownUsers {
    #[serde(rename = "userIds", serialize_with = "ids")]
    user_ids: BTreeSet<UserId>,
}

fn ids<S: Serializer>(ids: &BTreeSet<UserId>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ids.iter().map(|id| id.0.hyphenated().to_string()))
}
