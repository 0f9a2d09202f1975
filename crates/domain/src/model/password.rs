//! Passwords: their form, the policy they must meet, and their hashes (contract 7).

mod opaque_string;

use std::fmt;

use super::casefold::casefold;

/// The fewest characters of a password.
const SHORTEST: usize = 8;
/// The most bytes of a password. The limit bounds the work of hashing.
pub const LONGEST: usize = 1024;
/// The shortest part of a name that a password may not hold, in characters.
const SHORTEST_NAME_PART: usize = 3;

/// A password in clear. It is never written anywhere: not to a store, not to a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// A password that was entered to authenticate. The policy is not applied.
    #[must_use]
    pub fn typed(text: String) -> Self {
        Self(text)
    }

    /// What the password that was typed may have been hashed as: its form by `OpaqueString`, and the text as it is, which is how
    /// passwords were hashed before. How many there are depends on the text alone.
    pub(crate) fn forms(text: String) -> Vec<Self> {
        let prepared = opaque_string::prepare(&text).ok().filter(|prepared| *prepared != text);
        prepared.into_iter().chain([text]).map(Self).collect()
    }

    /// The password itself, for hashing and nothing else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(..)")
    }
}

/// The hash of a password, in the PHC string format.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash(..)")
    }
}

/// A rule that a password breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenRule {
    /// Fewer than eight characters.
    #[error("The password must have 8 or more characters")]
    TooShort,
    /// More than [`LONGEST`] bytes.
    #[error("The password must have 1,024 or fewer bytes")]
    TooLong,
    /// A character that no password has by RFC 8265: it is invisible, not assigned, or cannot be told from others.
    #[error("The password must not contain the character U+{:04X}, which cannot be typed everywhere", u32::from(*.0))]
    Character(char),
    /// It holds a part of its owner's name.
    #[error("The password must not include any part of the user's name")]
    HoldsName,
    /// Characters of fewer than three kinds.
    #[error("The password must mix three or more of: lower case, upper case, digits, symbols")]
    TooUniform,
}

/// Checks `text` against the policy for a person with these names, and names every rule it breaks. The password is in the form by
/// `OpaqueString`.
pub(crate) fn check(text: &str, names: [Option<&str>; 2]) -> Result<Password, Vec<BrokenRule>> {
    if text.len() > LONGEST {
        return Err(vec![BrokenRule::TooLong]);
    }
    let (prepared, mut broken) = match opaque_string::prepare(text) {
        Ok(prepared) => (prepared, Vec::new()),
        Err(character) => (text.to_owned(), vec![BrokenRule::Character(character)]),
    };
    if prepared.chars().count() < SHORTEST {
        broken.push(BrokenRule::TooShort);
    }
    if prepared.len() > LONGEST {
        broken.push(BrokenRule::TooLong);
    }
    if names.into_iter().flatten().any(|name| holds_part_of(&prepared, name)) {
        broken.push(BrokenRule::HoldsName);
    }
    if kinds(&prepared) < 3 {
        broken.push(BrokenRule::TooUniform);
    }
    if broken.is_empty() { Ok(Password(prepared)) } else { Err(broken) }
}

fn holds_part_of(text: &str, name: &str) -> bool {
    let text = casefold(text);
    casefold(name)
        .split(|character: char| character.is_whitespace() || character == '-')
        .any(|part| part.chars().count() >= SHORTEST_NAME_PART && text.contains(part))
}

fn kinds(text: &str) -> usize {
    let is_symbol = |character: char| !character.is_lowercase() && !character.is_uppercase() && !character.is_numeric();
    [
        text.contains(char::is_lowercase),
        text.contains(char::is_uppercase),
        text.contains(char::is_numeric),
        text.contains(is_symbol),
    ]
    .into_iter()
    .filter(|present| *present)
    .count()
}

#[cfg(test)]
mod tests {
    use super::BrokenRule::{Character, HoldsName, TooLong, TooShort, TooUniform};
    use super::{Password, check};

    #[test]
    fn the_policy_names_every_rule_that_is_broken() {
        let tyler = [Some("Tyler"), Some("Le Saint-Durden")];
        for (text, broken) in [
            ("pr0j3ctM4yh3m", vec![]),
            ("F1ghtC1ub1234!", vec![]),
            ("MyPassword", vec![TooUniform]),
            ("m4rl451ng3r", vec![TooUniform]),
            ("Tyler1234!", vec![HoldsName]),
            ("xDURDENx1", vec![HoldsName]),
            ("Le1!5678", vec![]),
            ("aB3", vec![TooShort]),
            ("", vec![TooShort, TooUniform]),
            ("\u{ff34}\u{ff39}\u{ff2c}\u{ff25}\u{ff32}x1", vec![TooShort, HoldsName]),
            ("Ty\u{ad}ler1234!", vec![Character('\u{ad}'), HoldsName]),
            ("e\u{301}e\u{301}e\u{301}e\u{301}A1", vec![TooShort]),
        ] {
            let expected = if broken.is_empty() { Ok(Password(text.to_owned())) } else { Err(broken) };
            assert_eq!(check(text, tyler), expected, "{text}");
        }
        assert_eq!(check(&"aB3".repeat(400), [None, None]), Err(vec![TooLong]));
        // Three bytes that become six.
        assert_eq!(check(&format!("aB3{}", "\u{958}".repeat(300)), [None, None]), Err(vec![TooLong]));
    }

    #[test]
    fn a_password_that_was_typed_is_compared_in_the_form_by_the_profile_and_as_it_is() {
        let forms = |text: &str| -> Vec<String> {
            Password::forms(text.to_owned()).iter().map(|form| form.reveal().to_owned()).collect()
        };
        assert_eq!(forms("pr0j3ctM4yh3m"), ["pr0j3ctM4yh3m"]);
        assert_eq!(forms("cafe\u{301}\u{a0}"), ["caf\u{e9} ", "cafe\u{301}\u{a0}"]);
        // What the profile does not allow may have been hashed before.
        assert_eq!(forms("a\u{ad}"), ["a\u{ad}"]);
    }
}
