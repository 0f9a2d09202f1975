//! How names are compared and ordered.

use std::num::NonZeroU32;

/// The identity and the place of a name: two names with the same key are the same name, and keys sort as names do.
///
/// Case is ignored by Unicode simple folding (spec section 10, row 28). Compared byte by byte, keys put symbols before
/// digits and digits before letters (spec section 4.1), whatever the collation of the database.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameKey(String);

impl NameKey {
    /// The key of `name`; white space around it does not count.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let mut key = String::with_capacity(name.len());
        for character in name.trim().chars().map(fold) {
            if let Some(class) = class_mark(character) {
                key.push(class);
            }
            key.push(character);
        }
        Self(key)
    }

    /// The key as stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Folds by Unicode's simple case folding. No valid name holds a control character, and PostgreSQL cannot take U+0000
/// as a parameter: it becomes another one that names nothing.
fn fold(character: char) -> char {
    if character == '\0' {
        return '\u{1}';
    }
    unicode_case_mapping::case_folded(character).map(NonZeroU32::get).and_then(char::from_u32).unwrap_or(character)
}

/// The mark that moves a character into its class: `/` is the last byte before the digits, `:` the first after them.
fn class_mark(character: char) -> Option<char> {
    match character {
        '\0'..='.' | '0'..='9' => None,
        _ if character.is_alphabetic() => None,
        _ if character.is_numeric() => Some(':'),
        _ => Some('/'),
    }
}

/// Whether `text` holds a control character.
pub(crate) fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::NameKey;

    #[test]
    fn case_and_surrounding_space_do_not_matter() {
        assert_eq!(NameKey::of(" Straße ÄRGER "), NameKey::of("straße ärger"));
        assert_ne!(NameKey::of("a b"), NameKey::of("ab"));
    }

    #[test]
    fn symbols_come_before_digits_and_digits_before_letters() {
        let names = [
            "!! New key",
            ".net",
            "/srv",
            ":colon",
            "_child1",
            "~",
            "11179",
            "532 Group",
            "٣",
            "AD Users",
            "alias",
            "émile",
        ];
        let mut sorted = names;
        sorted.sort_by_key(|name| NameKey::of(name));
        assert_eq!(sorted, names);
    }
}
