//! Passwords: the policy they must meet, and their hashes (contract 7).

use std::fmt;

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
    /// It holds a part of its owner's name.
    #[error("The password must not include any part of the user's name")]
    HoldsName,
    /// Characters of fewer than three kinds.
    #[error("The password must mix three or more of: lower case, upper case, digits, symbols")]
    TooUniform,
}

/// Checks `text` against the policy for a person with these names, and names every rule it breaks.
pub(crate) fn check(text: String, names: [Option<&str>; 2]) -> Result<Password, Vec<BrokenRule>> {
    let mut broken = Vec::new();
    if text.chars().count() < SHORTEST {
        broken.push(BrokenRule::TooShort);
    }
    if text.len() > LONGEST {
        broken.push(BrokenRule::TooLong);
    }
    if names.into_iter().flatten().any(|name| holds_part_of(&text, name)) {
        broken.push(BrokenRule::HoldsName);
    }
    if kinds(&text) < 3 {
        broken.push(BrokenRule::TooUniform);
    }
    if broken.is_empty() { Ok(Password(text)) } else { Err(broken) }
}

fn holds_part_of(text: &str, name: &str) -> bool {
    let text = text.to_lowercase();
    name.to_lowercase()
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
    use super::BrokenRule::{HoldsName, TooLong, TooShort, TooUniform};
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
        ] {
            let expected = if broken.is_empty() { Ok(Password(text.to_owned())) } else { Err(broken) };
            assert_eq!(check(text.to_owned(), tyler), expected, "{text}");
        }
        assert_eq!(check("aB3".repeat(400), [None, None]), Err(vec![TooLong]));
    }
}
