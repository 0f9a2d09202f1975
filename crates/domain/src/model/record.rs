//! What is imported: users, groups and who belongs to which, as another program or another installation tells them.
//!
//! In a field, `None` says nothing: what is stored stays, and what is new gets its default. `Some(None)` says that there is no value. The values are not yet validated.

use crate::custom::Custom;
use crate::group::GroupId;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::password::PasswordHash;
use crate::time::Timestamp;
use crate::user::UserId;
use crate::validity::ValidityChange;

/// A user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserRecord {
    /// The id. Without one, the user is found by the username, and a new one gets an id.
    pub id: Option<UserId>,
    /// The username. Without one, a new user gets their email address as username.
    pub username: Option<String>,
    /// The email address.
    pub email: Option<Option<String>>,
    /// The first name.
    pub first_name: Option<Option<String>>,
    /// The last name.
    pub last_name: Option<Option<String>>,
    /// The time zone; without a value, the default.
    pub timezone: Option<Option<String>>,
    /// The language; without a value, the default.
    pub language: Option<Option<String>>,
    /// All custom properties.
    pub custom: Option<Custom>,
    /// Days until the password must change; without a value, the password is managed elsewhere.
    pub password_change_frequency: Option<Option<i64>>,
    /// `contensis` or `external`.
    pub provider_type: Option<String>,
    /// The name of the provider.
    pub provider_name: Option<String>,
    /// Whether an administrator has suspended the account.
    pub suspended: Option<bool>,
    /// Whether the password must be changed at the next sign-in.
    pub password_reset_required: Option<bool>,
    /// When the account expires; without a value, never.
    pub expiry: Option<Option<Timestamp>>,
    /// Whether the user wants no notifications.
    pub opt_out_of_notifications: Option<bool>,
    /// When the user was created.
    pub created: Option<Timestamp>,
    /// When the user's own properties last changed.
    pub modified: Option<Timestamp>,
    /// When the user last signed in.
    pub last_login: Option<Option<Timestamp>>,
    /// When a sign-in last failed.
    pub last_failed_login: Option<Option<Timestamp>>,
    /// When the password last changed.
    pub password_changed: Option<Option<Timestamp>>,
    /// Failed sign-ins, ever.
    pub failed_login_attempts: Option<u32>,
    /// Failed sign-ins since the last that succeeded.
    pub failed_login_attempts_since_last_success: Option<u32>,
    /// Successful sign-ins, ever.
    pub successful_login_attempts: Option<u32>,
    /// The hash of the password, in the PHC string format. A user who has a password keeps it.
    pub password: Option<PasswordHash>,
}

/// A group. A system group is the one of its name, whatever its id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupRecord {
    /// The id. Without one, the group is found by its name, and a new one gets an id.
    pub id: Option<GroupId>,
    /// The name.
    pub name: Option<String>,
    /// `sys`, `contensis` or `external`.
    pub kind: Option<String>,
    /// The description.
    pub description: Option<Option<String>>,
    /// All custom properties.
    pub custom: Option<Custom>,
    /// Email domains whose users join when their account is created.
    pub auto_membership_email_domains: Option<Vec<String>>,
    /// When the group was created.
    pub created: Option<Timestamp>,
    /// When the group's own properties last changed.
    pub modified: Option<Timestamp>,
}

/// When something was added, and by whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddedRecord {
    /// When; without a value, nobody knows.
    pub at: Option<Option<Timestamp>>,
    /// By whom; without a value, by nobody who has an account.
    pub by: Option<UserId>,
}

/// A group that is directly below another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeRecord {
    /// The upper group. Where both an id and a name are told, a system group is found by its name.
    pub parent: RecordedGroup,
    /// The lower group.
    pub child: RecordedGroup,
    /// When it was put there, and by whom.
    pub added: AddedRecord,
    /// From when until when it counts.
    pub validity: ValidityChange,
}

/// A user who is a direct member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipRecord {
    /// The group.
    pub group: RecordedGroup,
    /// The user.
    pub user: UserIdentifier,
    /// When they were added, and by whom.
    pub added: AddedRecord,
    /// From when until when it counts.
    pub validity: ValidityChange,
}

/// A manager of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagerRecord {
    /// The group.
    pub group: RecordedGroup,
    /// Who manages it.
    pub manager: RecordedManager,
    /// When they were appointed, and by whom.
    pub added: AddedRecord,
}

/// Who manages a group: a user, or all effective members of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordedManager {
    /// A user.
    User(UserIdentifier),
    /// A group.
    Group(RecordedGroup),
}

/// A group as a record names it: by id, by name, or by both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedGroup {
    /// The first that is told: the id, or else the name.
    pub identifier: GroupIdentifier,
    /// The name, where both are told.
    pub name: Option<String>,
}

impl From<&str> for RecordedGroup {
    fn from(text: &str) -> Self {
        Self { identifier: text.into(), name: None }
    }
}

impl From<GroupId> for RecordedGroup {
    fn from(id: GroupId) -> Self {
        Self { identifier: GroupIdentifier::Id(id), name: None }
    }
}

/// Something that is imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A user.
    User(Box<UserRecord>),
    /// A group.
    Group(Box<GroupRecord>),
    /// An edge between groups.
    Edge(EdgeRecord),
    /// A membership.
    Membership(MembershipRecord),
    /// A manager.
    Manager(ManagerRecord),
}
