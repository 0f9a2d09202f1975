//! How a request names a user or a group (contract 6).

use uuid::Uuid;

use crate::group::GroupId;
use crate::name::NameKey;
use crate::user::UserId;

/// Reads a GUID as .NET writes it: 32 hexadecimal digits, with or without hyphens, in `{}`, `()` or neither.
#[must_use]
pub fn parse_guid(text: &str) -> Option<Uuid> {
    let text = text.trim();
    let braced = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let bare = braced.or_else(|| text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'))).unwrap_or(text);
    match bare.len() {
        32 | 36 => Uuid::try_parse(bare).ok(),
        _ => None,
    }
}

/// A user, by id, username or email address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserIdentifier {
    /// The caller: `@current`.
    Current,
    /// The user's id.
    Id(UserId),
    /// The key of a username or an email address.
    Name(NameKey),
}

impl UserIdentifier {
    /// The name, if it is one.
    #[must_use]
    pub fn name(&self) -> Option<&NameKey> {
        match self {
            Self::Name(name) => Some(name),
            Self::Current | Self::Id(_) => None,
        }
    }
}

impl From<&str> for UserIdentifier {
    /// A text that reads as `@current` or as a GUID is one, because no name does.
    fn from(text: &str) -> Self {
        // An id needs no key, which would take many times as long to make.
        if let Some(id) = parse_guid(text) {
            return Self::Id(UserId(id));
        }
        let key = NameKey::of(text);
        let read = key.folded();
        if read == "@current" {
            return Self::Current;
        }
        parse_guid(&read).map_or(Self::Name(key), |id| Self::Id(UserId(id)))
    }
}

/// A group, by id or name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupIdentifier {
    /// The group's id.
    Id(GroupId),
    /// The key of the group's name.
    Name(NameKey),
}

impl GroupIdentifier {
    /// The name, if it is one.
    #[must_use]
    pub fn name(&self) -> Option<&NameKey> {
        match self {
            Self::Name(name) => Some(name),
            Self::Id(_) => None,
        }
    }
}

impl From<&str> for GroupIdentifier {
    fn from(text: &str) -> Self {
        if let Some(id) = parse_guid(text) {
            return Self::Id(GroupId(id));
        }
        let key = NameKey::of(text);
        parse_guid(&key.folded()).map_or(Self::Name(key), |id| Self::Id(GroupId(id)))
    }
}

#[cfg(test)]
mod tests {
    use super::{GroupIdentifier, UserIdentifier, parse_guid};
    use crate::name::NameKey;

    #[test]
    fn every_dotnet_spelling_of_a_guid_is_read() {
        let guid = "24312b9f-0b66-4e6d-aec0-6348c5b8d867";
        for text in [
            guid,
            "24312B9F0B664E6DAEC06348C5B8D867",
            "{24312B9F-0B66-4E6D-AEC0-6348C5B8D867}",
            "(24312b9f-0b66-4e6d-aec0-6348c5b8d867)",
        ] {
            assert_eq!(parse_guid(text).map(|id| id.to_string()), Some(guid.to_owned()), "{text}");
        }
        for text in ["", "24312b9f-0b66-4e6d-aec0-6348c5b8d86", "urn:uuid:24312b9f-0b66-4e6d-aec0-6348c5b8d867", "{}"] {
            assert_eq!(parse_guid(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_guid_is_a_name() {
        assert_eq!(UserIdentifier::from("@Current"), UserIdentifier::Current);
        assert_eq!(UserIdentifier::from("\u{200b}\u{ff20}current"), UserIdentifier::Current);
        assert_eq!(UserIdentifier::from("TDurden"), UserIdentifier::Name(NameKey::of("tdurden")));
        assert_eq!(GroupIdentifier::from("Everyone"), GroupIdentifier::Name(NameKey::of("everyone")));
    }
}
