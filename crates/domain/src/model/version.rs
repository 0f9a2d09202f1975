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

/// The condition of a change on the present version. By default there is none: the last change wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Precondition {
    /// The present version must be one of these.
    pub one_of: Option<BTreeSet<Version>>,
    /// The present version must be none of these.
    pub none_of: BTreeSet<Version>,
    /// The item must not exist, so nothing that exists is changed.
    pub must_not_exist: bool,
}

impl Precondition {
    /// The present version must be one of `versions`.
    #[must_use]
    pub fn one_of(versions: impl IntoIterator<Item = Version>) -> Self {
        Self { one_of: Some(versions.into_iter().collect()), ..Self::default() }
    }

    /// Whether the condition holds for this version of an item that exists.
    #[must_use]
    pub fn allows(&self, version: Version) -> bool {
        !self.must_not_exist
            && self.one_of.as_ref().is_none_or(|versions| versions.contains(&version))
            && !self.none_of.contains(&version)
    }
}
