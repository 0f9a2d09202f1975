//! The identifiers in a path (contract 6).

use guildhall_domain::api_key::ApiKeyIdentifier;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::name::NameKey;
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

impl UserSegment {
    /// The same, or nobody: no user has an id of the platform's time before GUIDs (contract 4.4).
    pub(crate) fn unless_legacy(self, is_legacy: bool) -> Self {
        if is_legacy { Self(UserIdentifier::Name(NameKey::of(""))) } else { self }
    }
}

impl<'de> Deserialize<'de> for UserSegment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(UserIdentifier::from(text.as_str())))
    }
}

/// A segment that names an API key.
pub(crate) struct ApiKeySegment(pub(crate) ApiKeyIdentifier);

impl<'de> Deserialize<'de> for ApiKeySegment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(ApiKeyIdentifier::from(text.as_str())))
    }
}
