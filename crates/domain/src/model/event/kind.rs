//! The types of events.

use std::fmt;

/// Makes the list of all types from their names.
macro_rules! event_types {
    ($(#[doc = $meaning:literal] $variant:ident = $name:literal,)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventType {
            $(#[doc = $meaning] $variant,)*
        }

        impl EventType {
            /// All types.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in events.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!("guildhall.", $name),)*
                }
            }

            /// What an event of this type tells, as a sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning.trim_ascii(),)*
                }
            }
        }
    };
}

event_types! {
    /// A user was created, who joined `Everyone`.
    UserCreated = "user.created",
    /// Properties of a user changed.
    UserUpdated = "user.updated",
    /// A user was deleted, with their memberships.
    UserDeleted = "user.deleted",
    /// A user was suspended.
    UserSuspended = "user.suspended",
    /// A user is suspended no more.
    UserUnsuspended = "user.unsuspended",
    /// Wrong passwords locked an account, or the account for one address.
    UserLocked = "user.locked",
    /// Wrong passwords of an account were forgotten.
    UserUnlocked = "user.unlocked",
    /// A user has another password.
    UserPasswordChanged = "user.password-changed",
    /// A user has to change their password.
    UserPasswordResetForced = "user.password-reset-forced",
    /// A user signed in.
    UserSignedIn = "user.signed-in",
    /// A sign-in was refused.
    UserSignInFailed = "user.sign-in-failed",
    /// A group was created.
    GroupCreated = "group.created",
    /// Properties of a group changed.
    GroupUpdated = "group.updated",
    /// A group was deleted, with its memberships and edges.
    GroupDeleted = "group.deleted",
    /// Users became direct members of a group.
    MembersAdded = "group.members.added",
    /// Users are direct members of a group no more, or are not going to be.
    MembersRemoved = "group.members.removed",
    /// Users are going to be direct members of a group.
    MembersScheduled = "group.members.scheduled",
    /// Memberships of a group have other dates.
    MembersRescheduled = "group.members.rescheduled",
    /// Groups became direct children of a group.
    ChildrenAdded = "group.children.added",
    /// Groups are direct children of a group no more, or are not going to be.
    ChildrenRemoved = "group.children.removed",
    /// Groups are going to be direct children of a group.
    ChildrenScheduled = "group.children.scheduled",
    /// Children of a group have other dates.
    ChildrenRescheduled = "group.children.rescheduled",
    /// Managers of a group were appointed.
    ManagersAdded = "group.managers.added",
    /// Managers of a group were dismissed.
    ManagersRemoved = "group.managers.removed",
    /// An API key was created.
    ApiKeyCreated = "api-key.created",
    /// Properties of an API key changed.
    ApiKeyUpdated = "api-key.updated",
    /// An API key has another secret.
    ApiKeySecretRotated = "api-key.secret-rotated",
    /// An API key was deleted.
    ApiKeyDeleted = "api-key.deleted",
    /// A webhook was created.
    WebhookCreated = "webhook.created",
    /// Properties of a webhook changed.
    WebhookUpdated = "webhook.updated",
    /// A webhook was deleted.
    WebhookDeleted = "webhook.deleted",
    /// A webhook failed for so long that nothing is sent to it any more.
    WebhookDisabled = "webhook.disabled",
    /// The service started.
    SettingsStarted = "settings.started",
}

impl EventType {
    /// The type of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Whether it may be about a name that no user has.
    pub(super) fn is_of_names(self) -> bool {
        matches!(self, Self::UserSignInFailed | Self::UserLocked)
    }

    /// A number for it that never changes, for storage: new types come last.
    #[must_use]
    pub fn code(self) -> i16 {
        // There are few.
        self as i16
    }

    /// The type with this number.
    #[must_use]
    pub fn of_code(code: i16) -> Option<Self> {
        usize::try_from(code).ok().and_then(|code| Self::ALL.get(code)).copied()
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Which types are wanted: one, or all whose name begins in some way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypePattern(Vec<EventType>);

/// The text names no type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such type of event")]
pub struct UnknownType;

impl TypePattern {
    /// Reads the name of a type, or the beginning of one with `*` after it.
    ///
    /// # Errors
    ///
    /// When there is no such type.
    pub fn parse(text: &str) -> Result<Self, UnknownType> {
        let matches = |kind: &EventType| match text.strip_suffix('*') {
            Some(start) => kind.name().starts_with(start),
            None => kind.name() == text,
        };
        let types: Vec<_> = EventType::ALL.iter().copied().filter(matches).collect();
        if types.is_empty() { Err(UnknownType) } else { Ok(Self(types)) }
    }

    /// The types.
    #[must_use]
    pub fn types(&self) -> &[EventType] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_by_name_and_number() {
        for kind in EventType::ALL {
            assert_eq!(EventType::named(kind.name()), Some(*kind));
            assert_eq!(EventType::of_code(kind.code()), Some(*kind));
        }
        assert_eq!(EventType::of_code(-1), None);
    }

    #[test]
    fn a_pattern_is_a_name_or_the_beginning_of_one() {
        let types = |text| TypePattern::parse(text).map(|pattern| pattern.types().to_vec());
        assert_eq!(types("guildhall.group.managers.*"), Ok(vec![EventType::ManagersAdded, EventType::ManagersRemoved]));
        assert_eq!(types("guildhall.user.locked"), Ok(vec![EventType::UserLocked]));
        assert_eq!(types("*").map(|types| types.len()), Ok(EventType::ALL.len()));
        assert_eq!(types("guildhall.user.lock"), Err(UnknownType));
    }
}
