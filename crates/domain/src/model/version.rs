//! Which state of a user or a group a change was made for (contract 10 row 23).

use std::collections::BTreeSet;

/// A state of a user's or a group's own properties. Every change makes the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

impl Version {
    /// The state in which it is created.
    pub const FIRST: Self = Self(1);

    /// The state after one change more.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// What a change asks of the state that it finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing: the last change wins.
    #[default]
    None,
    /// It must be one of these.
    OneOf(BTreeSet<Version>),
}

impl Precondition {
    /// Whether a thing in this state may be changed.
    #[must_use]
    pub fn allows(&self, version: Version) -> bool {
        match self {
            Self::None => true,
            Self::OneOf(versions) => versions.contains(&version),
        }
    }
}
