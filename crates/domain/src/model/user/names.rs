//! Usernames.

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
    /// Nothing of it is visible, so that no other name could differ from it (contract 10 row 28).
    #[error("The username has no visible characters")]
    Invisible,
    /// More than [`Username::LONGEST`] characters.
    #[error("The username must have {} or fewer characters", Username::LONGEST)]
    TooLong,
    /// More than [`NameKey::LONGEST`] bytes as it is compared: some of its characters stand for many.
    #[error("The username is too long when its characters are written out")]
    KeyTooLong,
    /// A control character, or a name that no URL can hold (`.` and `..`).
    #[error("The username contains invalid characters")]
    InvalidCharacters,
    /// It reads as a word of the API, as something that starts with `@`, or as a GUID (contract 10 row 16).
    #[error("The username is reserved")]
    Reserved,
}

impl Username {
    /// The most characters a username has.
    pub const LONGEST: usize = 255;

    /// A username as it was stored. It is not checked again: the rules of before may have let it pass.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

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
        let key = NameKey::of(text);
        if key.is_empty() {
            return Err(UsernameError::Invisible);
        }
        if key.is_too_long() {
            return Err(UsernameError::KeyTooLong);
        }
        let read = key.folded();
        if read.starts_with('@') || read == "search" || parse_guid(&read).is_some() {
            return Err(UsernameError::Reserved);
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Username, UsernameError};

    #[test]
    fn usernames_that_the_api_could_not_tell_apart_are_refused() {
        for (text, expected) in [
            (" ", UsernameError::Missing),
            ("a\u{0}b", UsernameError::InvalidCharacters),
            ("..", UsernameError::InvalidCharacters),
            ("@current", UsernameError::Reserved),
            ("Search", UsernameError::Reserved),
            ("{24312B9F-0B66-4E6D-AEC0-6348C5B8D867}", UsernameError::Reserved),
            ("\u{ff20}current", UsernameError::Reserved),
            ("se\u{200b}arch", UsernameError::Reserved),
            ("\u{ff12}4312b9f0b664e6daec06348c5b8d867", UsernameError::Reserved),
            ("\u{200b}\u{3164}", UsernameError::Invisible),
            ("\u{ad}", UsernameError::Invisible),
        ] {
            assert_eq!(Username::try_from(text.to_owned()), Err(expected), "{text:?}");
        }
        assert_eq!(Username::try_from("x".repeat(256)), Err(UsernameError::TooLong));
        assert_eq!(Username::try_from("\u{fdfa}".repeat(255)), Err(UsernameError::KeyTooLong));
        // As long as a key of ordinary characters can be: four bytes and a mark each.
        assert!(Username::try_from("\u{1f600}".repeat(255)).is_ok());
        assert_eq!(
            Username::try_from(" !! New key ".to_owned()).map(|name| name.as_str().to_owned()),
            Ok("!! New key".to_owned())
        );
    }

    #[test]
    fn what_is_shown_keeps_its_joiners() {
        for text in [
            "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
            "\u{915}\u{94d}\u{200d}\u{937}",
            "\u{e19}\u{e49}\u{e33}",
            "❤\u{fe0f}",
        ] {
            let name = Username::try_from(text.to_owned()).map(|name| name.as_str().to_owned());
            assert_eq!(name, Ok(text.to_owned()), "{text}");
        }
    }
}
