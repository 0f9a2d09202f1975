//! Groups (spec section 3.4).

use std::collections::BTreeSet;
use std::fmt;

use uuid::Uuid;

use crate::custom::{self, Custom};
use crate::identifier::{GroupIdentifier, parse_guid};
use crate::name::{NameKey, has_control};
use crate::time::Timestamp;
use crate::user::is_domain;
use crate::version::Version;
use crate::validation::{Faults, InvalidField};

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
    /// Nothing but white space.
    #[error("The group name is required")]
    Missing,
    /// More than [`GroupName::LONGEST`] characters.
    #[error("The group name must have {} or fewer characters", GroupName::LONGEST)]
    TooLong,
    /// A control character, or a name that no URL can hold (`.` and `..`).
    #[error("The group name contains invalid characters")]
    InvalidCharacters,
    /// It reads as a GUID, so it would be taken for an id (spec section 10, row 16).
    #[error("The group name must not be a GUID")]
    Guid,
}

impl GroupName {
    /// The most characters a group name has.
    pub const LONGEST: usize = 255;

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What tells it from others.
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
        if has_control(text) || text == "." || text == ".." {
            return Err(GroupNameError::InvalidCharacters);
        }
        if parse_guid(text).is_some() {
            return Err(GroupNameError::Guid);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Where a group comes from (spec section 5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// Built in.
    System,
    /// Created here.
    Contensis,
    /// Created by single sign-on.
    External,
}

/// The groups that every installation has (spec section 5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    /// What it is for.
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
    /// What it is for.
    pub description: Option<String>,
    /// Where it comes from; this never changes.
    pub kind: GroupKind,
    /// How many users are direct members.
    pub user_count: u64,
    /// How many groups are direct children.
    pub child_group_count: u64,
    /// What the installation adds.
    pub custom: Custom,
    /// Email domains, in lower case, whose users join when their account is created (spec section 5.6).
    pub auto_membership_email_domains: BTreeSet<String>,
    /// When it was created.
    pub created: Timestamp,
    /// When its own properties last changed.
    pub modified: Timestamp,
    /// Which state of the group's own properties this is; counts do not change it.
    pub version: Version,
}

/// What a request says of a group that is to be (spec section 5.b). Nothing in it has been checked.
#[derive(Clone, Debug, Default)]
pub struct GroupDraft {
    /// The id that the client wants; absent or all zeros, one is made.
    pub id: Option<Uuid>,
    /// The name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// `contensis`, which is also meant by absence, or `external`.
    pub kind: Option<String>,
    /// Custom properties.
    pub custom: Custom,
    /// Email domains whose users join when their account is created.
    pub auto_membership_email_domains: Vec<String>,
}

/// The most bytes of a group's description.
const LONGEST_DESCRIPTION: usize = 32 * 1024;

impl GroupDraft {
    /// Checks everything at once.
    pub(crate) fn check(self, id: GroupId, now: Timestamp) -> Result<Group, Vec<InvalidField>> {
        let mut faults = Faults::default();
        let name = faults.check("name", GroupName::try_from(self.name.unwrap_or_default()));
        let kind = check_kind(&mut faults, self.kind.as_deref());
        check_description(&mut faults, self.description.as_deref());
        custom::check(&self.custom, &mut faults);
        let domains = check_domains(&mut faults, &self.auto_membership_email_domains);
        let group = name.zip(kind).map(|(name, kind)| Group {
            id: self.id.filter(|id| !id.is_nil()).map_or(id, GroupId),
            name,
            description: self.description,
            kind,
            user_count: 0,
            child_group_count: 0,
            custom: self.custom,
            auto_membership_email_domains: domains,
            created: now,
            modified: now,
            version: Version::FIRST,
        });
        faults.into_result(group)
    }
}

fn check_kind(faults: &mut Faults, kind: Option<&str>) -> Option<GroupKind> {
    match kind.map(str::to_ascii_lowercase).as_deref() {
        None | Some("contensis") => Some(GroupKind::Contensis),
        Some("external") => Some(GroupKind::External),
        Some(other) => {
            faults.add("type", format!("The group type '{other}' is not valid"));
            None
        }
    }
}

fn check_description(faults: &mut Faults, description: Option<&str>) {
    if description.is_some_and(|text| text.contains('\0') || text.len() > LONGEST_DESCRIPTION) {
        faults.add("description", "The description is not valid");
    }
}

/// Lower case, without a leading `@` (spec section 5.6).
fn check_domains(faults: &mut Faults, domains: &[String]) -> BTreeSet<String> {
    let mut accepted = BTreeSet::new();
    for (index, given) in domains.iter().enumerate() {
        let domain = given.trim().trim_start_matches('@').to_lowercase();
        if is_domain(&domain) {
            accepted.insert(domain);
        } else {
            faults.add(format!("autoMembershipEmailDomains[{index}]"), format!("The domain '{given}' is not valid"));
        }
    }
    accepted
}
