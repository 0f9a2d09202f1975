//! What can be permitted, and on what.

use crate::identifier::{GroupIdentifier, UserIdentifier};

/// Something that a caller may be permitted to do. [`Policy`](super::Policy) says who has which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// List and read users, and the groups they belong to.
    ReadUsers,
    /// Ask whether a user belongs to any of some groups.
    CheckMemberships,
    /// Create users.
    CreateUsers,
    /// Change the properties of users, and delete users.
    ChangeUsers,
    /// Suspend and unlock users, ask for new passwords, and remove links to external issuers.
    ManageUsers,
    /// Give users a new password.
    ChangePasswords,
    /// List and read groups, their members and the groups below them.
    ReadGroups,
    /// Ask whether a user belongs to a group.
    CheckMembers,
    /// Ask about many memberships in one request.
    CheckManyMemberships,
    /// Tell why a user is in a group.
    ExplainMemberships,
    /// Create groups.
    CreateGroups,
    /// Change the properties of groups.
    ManageGroups,
    /// Change which email domains make new users members of a group.
    ChangeEmailDomains,
    /// Delete groups.
    DeleteGroups,
    /// Change the users and child groups of a group.
    ChangeMembers,
    /// Make groups the children of another.
    NestGroups,
    /// Take groups from below another.
    UnnestGroups,
    /// List, appoint and dismiss the managers of groups.
    AppointManagers,
    /// List the groups that a user manages.
    ReadManagedGroups,
    /// List, read, create, change and delete API keys (contract 11).
    ManageApiKeys,
    /// Read the log of all changes.
    ReadEvents,
    /// List, read, create, change and delete webhooks, to which events are sent.
    ManageWebhooks,
}

/// What something is to be done on, as a request names it.
#[derive(Clone, Copy, Debug)]
pub enum On<'a> {
    /// Anything of its kind.
    All,
    /// This user. One who does not exist counts as anybody.
    User(&'a UserIdentifier),
    /// This group. One that does not exist is managed by nobody.
    Group(&'a GroupIdentifier),
    /// The membership of this user in this group.
    Membership(&'a GroupIdentifier, &'a UserIdentifier),
}
