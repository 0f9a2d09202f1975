//! Users (spec section 3.3).

mod changes;
mod draft;

use std::fmt;

use uuid::Uuid;

use crate::custom::Custom;
use crate::identifier::parse_guid;
use crate::name::{NameKey, has_control};
use crate::time::Timestamp;
use crate::version::Version;

pub use changes::UserChanges;
pub use draft::UserDraft;
pub(crate) use draft::{Account, DEFAULT_PASSWORD_CHANGE_FREQUENCY};

/// The id of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub Uuid);

impl fmt::Display for UserId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Changes whenever a user's tokens must stop working; a token carries the one it was issued under (spec section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SecurityStamp(pub Uuid);

/// The name a user signs in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

/// Why a text is no username.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    /// Nothing but white space.
    #[error("The username is required")]
    Missing,
    /// More than [`Username::LONGEST`] characters.
    #[error("The username must have {} or fewer characters", Username::LONGEST)]
    TooLong,
    /// A control character, or a name that no URL can hold (`.` and `..`).
    #[error("The username contains invalid characters")]
    InvalidCharacters,
    /// A word of the API, something that starts with `@`, or a GUID (spec section 10, row 16).
    #[error("The username is reserved")]
    Reserved,
}

impl Username {
    /// The most characters a username has.
    pub const LONGEST: usize = 255;

    /// The username as its owner writes it.
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

impl TryFrom<String> for Username {
    type Error = UsernameError;

    fn try_from(text: String) -> Result<Self, UsernameError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(UsernameError::Missing);
        }
        if text.chars().count() > Self::LONGEST {
            return Err(UsernameError::TooLong);
        }
        if has_control(text) || text == "." || text == ".." {
            return Err(UsernameError::InvalidCharacters);
        }
        if text.starts_with('@') || text.eq_ignore_ascii_case("search") || parse_guid(text).is_some() {
            return Err(UsernameError::Reserved);
        }
        Ok(Self(text.to_owned()))
    }
}

/// An email address, such as `t.durden@fightclub.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

/// The text is no email address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The email address is not valid")]
pub struct EmailError;

impl Email {
    /// The most characters an address has (RFC 5321, section 4.5.3.1.3).
    pub const LONGEST: usize = 254;

    /// The address as its owner writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What tells it from others.
    #[must_use]
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.0)
    }

    /// What stands after the last `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl TryFrom<String> for Email {
    type Error = EmailError;

    fn try_from(text: String) -> Result<Self, EmailError> {
        let text = text.trim();
        let (mailbox, domain) = text.rsplit_once('@').ok_or(EmailError)?;
        let plain = !has_control(text) && !text.contains(char::is_whitespace);
        let quoted = mailbox.len() > 2 && mailbox.starts_with('"') && mailbox.ends_with('"');
        let has_mailbox = quoted || (!mailbox.is_empty() && !mailbox.contains('@'));
        if !plain || !has_mailbox || !is_domain(domain) || text.chars().count() > Self::LONGEST {
            return Err(EmailError);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Whether `text` has the form of a DNS name: labels of letters, digits and inner hyphens, joined by dots.
pub(crate) fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|character| character.is_alphanumeric() || character == '-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// Who keeps a user's password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// This service.
    Contensis,
    /// A directory outside, reached by single sign-on.
    External,
}

/// Where a user's credentials are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Which kind of place it is.
    pub kind: ProviderKind,
    /// Its name; `contensis` for accounts of this service.
    pub name: String,
}

impl Provider {
    /// The provider of accounts whose password this service keeps.
    #[must_use]
    pub fn contensis() -> Self {
        Self { kind: ProviderKind::Contensis, name: "contensis".to_owned() }
    }
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// The name it signs in with; no two users share one.
    pub username: Username,
    /// Its address; no two users share one. Users of API keys have none.
    pub email: Option<Email>,
    /// Its first name.
    pub first_name: Option<String>,
    /// Its last name.
    pub last_name: Option<String>,
    /// Its time zone, as an IANA name.
    pub timezone: String,
    /// Its language: ISO 639-1, or that and ISO 3166-1.
    pub language: String,
    /// What the installation adds.
    pub custom: Custom,
    /// After how many days the password must change; 0 is never, none is not this service's business.
    pub password_change_frequency: Option<u32>,
    /// Where its credentials are kept.
    pub provider: Provider,
    /// An administrator keeps it from signing in.
    pub suspended: bool,
    /// Too many wrong passwords keep it from signing in.
    pub locked: bool,
    /// It must change its password before anything else.
    pub password_reset_required: bool,
    /// When it was created.
    pub created: Timestamp,
    /// When its own properties last changed.
    pub modified: Timestamp,
    /// When it last signed in.
    pub last_login: Option<Timestamp>,
    /// When a sign-in last failed.
    pub last_failed_login: Option<Timestamp>,
    /// From when on it counts as suspended.
    pub expiry: Option<Timestamp>,
    /// When its password last changed.
    pub password_changed: Option<Timestamp>,
    /// It wants no notifications.
    pub opt_out_of_notifications: bool,
    /// Failed sign-ins, ever.
    pub failed_login_attempts: u32,
    /// Failed sign-ins since the last that succeeded.
    pub failed_login_attempts_since_last_success: u32,
    /// Successful sign-ins, ever.
    pub successful_login_attempts: u32,
    /// Which state of the user this is.
    pub version: Version,
}

impl User {
    /// Whether it is kept out: by an administrator, or because it has expired (spec section 3.3).
    #[must_use]
    pub fn is_suspended(&self, now: Timestamp) -> bool {
        self.suspended || self.expiry.is_some_and(|expiry| expiry <= now)
    }

    /// Whether its password must change first: by order, or because of its age (spec section 7).
    #[must_use]
    pub fn must_reset_password(&self, now: Timestamp) -> bool {
        self.password_reset_required || password_is_stale(self.password_change_frequency, self.password_changed, now)
    }
}

/// Whether a password that changed at `changed` is older than `frequency` days (spec section 7).
#[must_use]
pub fn password_is_stale(frequency: Option<u32>, changed: Option<Timestamp>, now: Timestamp) -> bool {
    match (frequency, changed) {
        (Some(days @ 1..), Some(changed)) => changed.plus_days(days) < now,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Email, EmailError, Username, UsernameError};

    #[test]
    fn usernames_that_the_api_could_not_tell_apart_are_refused() {
        for (text, expected) in [
            (" ", UsernameError::Missing),
            ("a\u{0}b", UsernameError::InvalidCharacters),
            ("..", UsernameError::InvalidCharacters),
            ("@current", UsernameError::Reserved),
            ("Search", UsernameError::Reserved),
            ("{24312B9F-0B66-4E6D-AEC0-6348C5B8D867}", UsernameError::Reserved),
        ] {
            assert_eq!(Username::try_from(text.to_owned()), Err(expected), "{text:?}");
        }
        assert_eq!(Username::try_from("x".repeat(256)), Err(UsernameError::TooLong));
        assert_eq!(
            Username::try_from(" !! New key ".to_owned()).map(|name| name.as_str().to_owned()),
            Ok("!! New key".to_owned())
        );
    }

    #[test]
    fn addresses_have_a_mailbox_and_a_domain() {
        for text in
            ["", "tyler", "@fightclub.com", "t@@fightclub.com", "t@", "t@-x.com", "t d@fightclub.com", "t@fight..com"]
        {
            assert_eq!(Email::try_from(text.to_owned()), Err(EmailError), "{text}");
        }
        let email = Email::try_from("\"t@d\"@FightClub.com".to_owned());
        assert_eq!(email.map(|email| email.domain().to_owned()), Ok("FightClub.com".to_owned()));
    }
}
