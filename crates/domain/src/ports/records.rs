//! What a store is asked with and what it answers with, beside the things themselves.

use std::collections::BTreeSet;

use crate::access::Scopes;
use crate::api_key::ApiKeyId;
use crate::group::{GroupId, SystemGroup};
use crate::password::PasswordHash;
use crate::time::Timestamp;
use crate::user::{Lockout, SecurityStamp, UserId};

/// Which members or children of a group count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those of the group itself.
    Direct,
    /// Those of the group and of every group below it.
    Effective,
}

/// Which groups below a group are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Children {
    /// Direct children, or all groups below.
    pub reach: Reach,
    /// Whether the group itself is one of them.
    pub include_self: bool,
    /// Groups below which nothing is wanted.
    pub excluded: BTreeSet<GroupId>,
}

/// What changes with a user that only the store keeps; `None` leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The hash of a new password.
    pub password: Option<PasswordHash>,
    /// A new stamp: every token of before stops working.
    pub stamp: Option<SecurityStamp>,
    /// Who gives the user the username and the address that are not theirs yet.
    pub names: NameSource,
}

/// Who gave a user a name: whether outside issuers may find the user by it (contract 2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameSource {
    /// A System Administrator, an operator or an outside issuer.
    Authority,
    /// The user, or somebody whose powers are delegated.
    #[default]
    Unverified,
}

/// An address from which an account was signed in to with the right password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownAddress {
    /// When that was last.
    pub signed_in: Timestamp,
    /// Wrong passwords from there.
    pub lockout: Lockout,
}

/// What a refresh token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshGrant {
    /// Whose it is.
    pub user: UserId,
    /// The security stamp under which it was issued; it is good for nothing under another one.
    pub stamp: SecurityStamp,
    /// The most that an access token made from it may be used for.
    pub scopes: Scopes,
    /// From when on it is good for nothing.
    pub expires: Timestamp,
}

/// What decides whether a caller is heard at all, and for what: read in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountStatus {
    /// The username.
    pub username: String,
    /// The stamp that the caller's token must carry.
    pub stamp: SecurityStamp,
    /// The API key that acts as this user, and the most that its tokens may be used for.
    pub api_key: Option<(ApiKeyId, Scopes)>,
    /// Whether an administrator suspended it.
    pub suspended: bool,
    /// From when on it counts as suspended.
    pub expiry: Option<Timestamp>,
    /// Whether it was told to change its password.
    pub password_reset_required: bool,
    /// After how many days its password must change.
    pub password_change_frequency: Option<u32>,
    /// When its password last changed.
    pub password_changed: Option<Timestamp>,
    /// Whether it is an effective member of System Administrators.
    pub system_administrator: bool,
    /// Whether it is an effective member of User Administrators.
    pub user_administrator: bool,
    /// Whether it is an effective member of Group Administrators.
    pub group_administrator: bool,
    /// Whether it is an effective member of API Key Administrators.
    pub api_key_administrator: bool,
}

impl AccountStatus {
    /// Whether the account is neither suspended nor expired. A lock by wrong passwords closes nothing (contract 2.4).
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        !self.suspended && self.expiry.is_none_or(|expiry| expiry > now)
    }

    /// Whether it is an effective member of any group that administers.
    #[must_use]
    pub fn administers(&self) -> bool {
        SystemGroup::ADMINISTRATORS.into_iter().any(|group| self.is_in(group))
    }

    /// Whether it is an effective member of this group that administers; false of any other group.
    #[must_use]
    pub fn is_in(&self, group: SystemGroup) -> bool {
        match group {
            SystemGroup::SystemAdministrators => self.system_administrator,
            SystemGroup::UserAdministrators => self.user_administrator,
            SystemGroup::GroupAdministrators => self.group_administrator,
            SystemGroup::ApiKeyAdministrators => self.api_key_administrator,
            _ => false,
        }
    }
}
