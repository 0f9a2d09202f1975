//! What a token may be used for (contract 2.1).

use std::collections::BTreeSet;

/// The scope that everything beyond one's own account asks for (contract 2.1).
pub const SECURITY_ADMINISTRATOR: &str = "Security_Administrator";

/// Every scope that is granted (contract 2.1).
pub const KNOWN_SCOPES: [&str; 15] = [
    "openid",
    "offline_access",
    SECURITY_ADMINISTRATOR,
    "ContentType_Read",
    "ContentType_Write",
    "ContentType_Delete",
    "Entry_Read",
    "Entry_Write",
    "Entry_Delete",
    "Project_Read",
    "Project_Write",
    "Project_Delete",
    "Workflow_Administrator",
    "DiagnosticsAllUsers",
    "DiagnosticsAdministrator",
];

/// What a token may be used for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<String>);

impl Scopes {
    /// Every known scope.
    #[must_use]
    pub fn all() -> Self {
        Self(KNOWN_SCOPES.into_iter().map(str::to_owned).collect())
    }

    /// The known ones among those in `text`, which are separated by spaces; others are dropped.
    #[must_use]
    pub fn known_in(text: &str) -> Self {
        Self(text.split_whitespace().filter(|scope| KNOWN_SCOPES.contains(scope)).map(str::to_owned).collect())
    }

    /// Those that are among `others` too.
    #[must_use]
    pub fn among(&self, others: &Self) -> Self {
        Self(&self.0 & &others.0)
    }

    /// These, and `others` too.
    #[must_use]
    pub fn and(&self, others: &Self) -> Self {
        Self(&self.0 | &others.0)
    }

    /// Whether `scope` is one of them.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// All of them in one text, separated by spaces.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.0.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}
