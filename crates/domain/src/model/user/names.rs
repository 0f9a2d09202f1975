//! Usernames and email addresses.

use crate::identifier::parse_guid;
use crate::name::{NameKey, has_control};

/// The name a user signs in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

/// Why a text is no username.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    /// It is empty or white space.
    #[error("The username is required")]
    Missing,
    /// More than [`Username::LONGEST`] characters.
    #[error("The username must have {} or fewer characters", Username::LONGEST)]
    TooLong,
    /// A control character, or a name that no URL can hold (`.` and `..`).
    #[error("The username contains invalid characters")]
    InvalidCharacters,
    /// A word of the API, something that starts with `@`, or a GUID (contract 10 row 16).
    #[error("The username is reserved")]
    Reserved,
}

impl Username {
    /// The most characters a username has.
    pub const LONGEST: usize = 255;

    /// The username as it was entered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key by which names are compared.
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

    /// The address as it was entered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key by which names are compared.
    #[must_use]
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.0)
    }

    /// The part after the last `@`.
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
