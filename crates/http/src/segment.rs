//! The identifiers in a path (spec section 6).

use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use serde::{Deserialize, Deserializer};

/// A segment that names a group.
pub(crate) struct GroupSegment(pub(crate) GroupIdentifier);

impl<'de> Deserialize<'de> for GroupSegment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(GroupIdentifier::from(text.as_str())))
    }
}

/// A segment that names a user.
pub(crate) struct UserSegment(pub(crate) UserIdentifier);

impl<'de> Deserialize<'de> for UserSegment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(UserIdentifier::from(text.as_str())))
    }
}
