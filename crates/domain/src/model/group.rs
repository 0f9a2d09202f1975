//! Groups (contract 3.4).

mod draft;
mod recorded;

use std::collections::BTreeSet;
use std::fmt;

use uuid::Uuid;

use crate::custom::Custom;
use crate::email_domain::EmailDomain;
use crate::identifier::{GroupIdentifier, parse_guid};
use crate::name::{NameKey, has_control};
use crate::time::Timestamp;
use crate::version::Version;

pub use draft::{GroupChanges, GroupDraft};
pub(crate) use recorded::differing_columns;

/// The id of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub Uuid);

impl fmt::Display for GroupId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The name of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupName(String);

/// Why a text is no group name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupNameError {
    /// It is empty or white space.
    #[error("The group name is required")]
    Missing,
    /// Nothing of it is visible, so that no other name could differ from it (contract 10 row 28).
    #[error("The group name has no visible characters")]
    Invisible,
    /// More than [`GroupName::LONGEST`] characters.
    #[error("The group name must have {} or fewer characters", GroupName::LONGEST)]
    TooLong,
    /// More than [`NameKey::LONGEST`] bytes as it is compared: some of its characters stand for many.
    #[error("The group name is too long when its characters are written out")]
    KeyTooLong,
    /// A control character.
    #[error("The group name must not contain control characters")]
    InvalidCharacters,
    /// `.` or `..`, which no URL can hold as a segment of its path.
    #[error("The group name must not be '.' or '..'")]
    DotSegment,
    /// It reads as a GUID, so it would be taken for an id (contract 10 row 16).
    #[error("The group name must not be a GUID")]
    Guid,
}

impl GroupName {
    /// The most characters a group name has.
    pub const LONGEST: usize = 255;

    /// A name as it was stored. It is not checked again: the rules of before may have let it pass.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key by which names are compared.
    #[must_use]
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.0)
    }
}

impl TryFrom<String> for GroupName {
    type Error = GroupNameError;

    fn try_from(text: String) -> Result<Self, GroupNameError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(GroupNameError::Missing);
        }
        if text.chars().count() > Self::LONGEST {
            return Err(GroupNameError::TooLong);
        }
        if has_control(text) {
            return Err(GroupNameError::InvalidCharacters);
        }
        if text == "." || text == ".." {
            return Err(GroupNameError::DotSegment);
        }
        let key = NameKey::of(text);
        if key.is_empty() {
            return Err(GroupNameError::Invisible);
        }
        if key.is_too_long() {
            return Err(GroupNameError::KeyTooLong);
        }
        if parse_guid(&key.folded()).is_some() {
            return Err(GroupNameError::Guid);
        }
        Ok(Self(text.to_owned()))
    }
}

/// The origin of a group (contract 5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// Built in.
    System,
    /// Created here.
    Contensis,
    /// Created by single sign-on.
    External,
}

/// The groups that every installation has (contract 5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SystemGroup {
    /// Users who signed in through a directory.
    AdUsers,
    /// May manage API keys.
    ApiKeyAdministrators,
    /// May log in to the content platform.
    CmsEditors,
    /// Every user.
    Everyone,
    /// May manage groups.
    GroupAdministrators,
    /// May manage roles.
    RoleAdministrators,
    /// May manage site view nodes.
    SiteViewAdministrators,
    /// May do everything.
    SystemAdministrators,
    /// May manage users.
    UserAdministrators,
}

impl SystemGroup {
    /// All nine.
    pub const ALL: [Self; 9] = [
        Self::AdUsers,
        Self::ApiKeyAdministrators,
        Self::CmsEditors,
        Self::Everyone,
        Self::GroupAdministrators,
        Self::RoleAdministrators,
        Self::SiteViewAdministrators,
        Self::SystemAdministrators,
        Self::UserAdministrators,
    ];

    /// The administrators' groups (contract 5.3).
    pub const ADMINISTRATORS: [Self; 4] =
        [Self::SystemAdministrators, Self::UserAdministrators, Self::GroupAdministrators, Self::ApiKeyAdministrators];

    /// Its name, which never changes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AdUsers => "AD Users",
            Self::ApiKeyAdministrators => "API Key Administrators",
            Self::CmsEditors => "CMS Editors",
            Self::Everyone => "Everyone",
            Self::GroupAdministrators => "Group Administrators",
            Self::RoleAdministrators => "Role Administrators",
            Self::SiteViewAdministrators => "Site View Administrators",
            Self::SystemAdministrators => "System Administrators",
            Self::UserAdministrators => "User Administrators",
        }
    }

    /// Its description.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::AdUsers => "Users who signed in through a directory",
            Self::ApiKeyAdministrators => "May create, change and delete API keys",
            Self::CmsEditors => "May log in to the content platform",
            Self::Everyone => "Every user",
            Self::GroupAdministrators => "May create and manage groups",
            Self::RoleAdministrators => "May manage roles",
            Self::SiteViewAdministrators => "May manage site view nodes",
            Self::SystemAdministrators => "May do everything",
            Self::UserAdministrators => "May create and manage users",
        }
    }

    /// The key of its name.
    #[must_use]
    pub fn key(self) -> NameKey {
        NameKey::of(self.name())
    }

    pub(crate) fn identifier(self) -> GroupIdentifier {
        GroupIdentifier::Name(self.key())
    }
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its name; no two groups share one.
    pub name: GroupName,
    /// Its description.
    pub description: Option<String>,
    /// Its origin, which never changes.
    pub kind: GroupKind,
    /// How many users are direct members.
    pub user_count: u64,
    /// How many groups are direct children.
    pub child_group_count: u64,
    /// Custom properties, defined by the installation.
    pub custom: Custom,
    /// Email domains, in lower case, whose users join when their account is created (contract 5.6).
    pub auto_membership_email_domains: BTreeSet<EmailDomain>,
    /// When it was created.
    pub created: Timestamp,
    /// When its own properties last changed.
    pub modified: Timestamp,
    /// The version of the group's own properties, for conditional changes. Counts do not change it.
    pub version: Version,
}
