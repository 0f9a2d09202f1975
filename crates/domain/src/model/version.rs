//! Versions of users and groups, for conditional changes (contract 10 row 23).

use std::collections::BTreeSet;

/// The version of a user's or a group's own properties. Every change increments it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

impl Version {
    /// The version at creation.
    pub const FIRST: Self = Self(1);

    /// The version after one more change.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// The condition of a change on the present version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// None: the last change wins.
    #[default]
    None,
    /// The present version must be one of these.
    OneOf(BTreeSet<Version>),
}

impl Precondition {
    /// Whether the condition holds for this version.
    #[must_use]
    pub fn allows(&self, version: Version) -> bool {
        match self {
            Self::None => true,
            Self::OneOf(versions) => versions.contains(&version),
        }
    }
}
