//! Fields of groups.

use super::field::{self, Field, Kind, Value, custom_value, optional};
use crate::group::{Group, GroupKind};
use crate::name::TextKey;
use crate::time::Timestamp;

/// A field of a group (contract 8.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupField {
    /// `id`
    Id,
    /// `name`
    Name,
    /// `description`
    Description,
    /// `type`
    Type,
    /// `userCount`: direct members
    UserCount,
    /// `childGroupCount`: direct children
    ChildGroupCount,
    /// `custom.` and this name
    Custom(String),
    /// `created`
    Created,
    /// `modified`
    Modified,
}

/// The names that clients use.
const NAMES: [(&str, GroupField); 8] = [
    ("id", GroupField::Id),
    ("name", GroupField::Name),
    ("description", GroupField::Description),
    ("type", GroupField::Type),
    ("userCount", GroupField::UserCount),
    ("childGroupCount", GroupField::ChildGroupCount),
    ("created", GroupField::Created),
    ("modified", GroupField::Modified),
];

impl GroupField {
    /// Every field but custom properties, under the name that clients use.
    pub fn named_fields() -> impl Iterator<Item = (&'static str, Self)> {
        NAMES.iter().map(|(name, field)| (*name, field.clone()))
    }
}

impl Field for GroupField {
    type Item = Group;

    fn named(name: &str) -> Option<Self> {
        field::named(&NAMES, name, Self::Custom)
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Id => Kind::Id,
            Self::Name | Self::Description | Self::Type | Self::Custom(_) => Kind::Text,
            Self::UserCount | Self::ChildGroupCount => Kind::Integer,
            Self::Created | Self::Modified => Kind::Moment,
        }
    }

    fn value(&self, group: &Group, _now: Timestamp) -> Value {
        let text = |text: &str| Value::Text(TextKey::of(text));
        let count = |count: u64| Value::Integer(i64::try_from(count).unwrap_or(i64::MAX));
        match self {
            Self::Id => Value::Id(group.id.0),
            Self::Name => Value::Text(group.name.key().into()),
            Self::Description => optional(group.description.as_deref()),
            Self::Type => text(match group.kind {
                GroupKind::System => "sys",
                GroupKind::Contensis => "contensis",
                GroupKind::External => "external",
            }),
            Self::UserCount => count(group.user_count),
            Self::ChildGroupCount => count(group.child_group_count),
            Self::Custom(name) => custom_value(&group.custom, name),
            Self::Created => Value::Moment(group.created),
            Self::Modified => Value::Moment(group.modified),
        }
    }

    fn is_name(&self) -> bool {
        matches!(self, Self::Name)
    }

    fn is_custom(&self) -> bool {
        matches!(self, Self::Custom(_))
    }

    fn is_unique(&self) -> bool {
        matches!(self, Self::Id | Self::Name)
    }

    fn is_long(&self) -> bool {
        matches!(self, Self::Custom(_) | Self::Description)
    }

    fn id() -> Self {
        Self::Id
    }

    fn default_order() -> Self {
        Self::Name
    }

    /// A group is known by one name.
    fn names() -> Self {
        Self::Name
    }

    fn texts() -> Vec<Self> {
        field::texts(&NAMES)
    }
}
