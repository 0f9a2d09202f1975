//! How names are compared and ordered.

use std::num::NonZeroU32;

/// The form of a text in which it is compared, sorted and searched.
///
/// Case is ignored by Unicode simple folding (contract 10 row 28). Compared byte by byte, keys put symbols before
/// digits and digits before letters (contract 4.1), whatever the collation of the database: characters of a class that
/// stand elsewhere in Unicode have a mark before them. A key holds another one exactly if the one text holds the other,
/// because no character stands in a key as a mark and as itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextKey(String);

/// The mark before symbols that follow the digits in Unicode: the last byte before the digits.
pub const SYMBOL_MARK: char = '/';
/// The mark before numbers other than the ASCII digits: the first byte after the digits.
pub const NUMBER_MARK: char = ':';
/// The characters that replace the marks themselves in a key, behind a mark.
pub const MARKS: [(char, char); 2] = [(SYMBOL_MARK, '\u{2}'), (NUMBER_MARK, '\u{3}')];

impl TextKey {
    /// The key of `text`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut key = String::with_capacity(text.len());
        for character in text.chars().map(fold) {
            match (class_mark(character), MARKS.into_iter().find(|(mark, _)| *mark == character)) {
                (Some(mark), Some((_, stand_in))) => key.extend([mark, stand_in]),
                (Some(mark), None) => key.extend([mark, character]),
                (None, _) => key.push(character),
            }
        }
        Self(key)
    }

    /// A key that was stored.
    #[must_use]
    pub fn stored(key: String) -> Self {
        Self(key)
    }

    /// The key as stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folded text that it is the key of.
    #[must_use]
    pub fn folded(&self) -> String {
        let mut folded = self.0.replace([SYMBOL_MARK, NUMBER_MARK], "");
        for (mark, stand_in) in MARKS {
            folded = folded.replace(stand_in, &mark.to_string());
        }
        folded
    }

    /// Whether `word`, which is letters and numbers, stands in the text with neither before nor after it.
    #[must_use]
    pub fn has_word(&self, word: &Self) -> bool {
        let begins = |at: usize| {
            let mut before = self.0.get(..at).unwrap_or_default().chars().rev();
            let last = before.next();
            last.is_none_or(|last| last < SYMBOL_MARK) || before.next() == Some(SYMBOL_MARK)
        };
        let ends =
            |at: usize| self.0.get(at..).unwrap_or_default().chars().next().is_none_or(|next| next <= SYMBOL_MARK);
        self.0.match_indices(&word.0).any(|(at, found)| begins(at) && ends(at + found.len()))
    }
}

/// The key by which names are compared and sorted: two names with the same key are the same name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameKey(TextKey);

impl NameKey {
    /// The key of `name`; white space around it does not count.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self(TextKey::of(name.trim()))
    }

    /// The key as stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Folds by Unicode's simple case folding. No name holds a control character; those that mean something in a key or to a
/// database become another one.
fn fold(character: char) -> char {
    if matches!(character, '\0'..='\u{3}') {
        return '\u{1}';
    }
    unicode_case_mapping::case_folded(character).map(NonZeroU32::get).and_then(char::from_u32).unwrap_or(character)
}

/// The mark that moves a character into its class.
fn class_mark(character: char) -> Option<char> {
    match character {
        '\0'..='.' | '0'..='9' => None,
        _ if character.is_alphabetic() => None,
        _ if character.is_numeric() => Some(NUMBER_MARK),
        _ => Some(SYMBOL_MARK),
    }
}

/// Whether `text` holds a control character.
pub(crate) fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::{NameKey, TextKey};

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

    #[test]
    fn a_key_holds_another_exactly_if_the_text_does() {
        let texts = [
            "", "a", "/", ":", "//", "/:", "/\u{663}", ":\u{663}", "\u{663}", "_", "/_", "_/", "~:/", "a/b", "Ab", "9",
            ".", "a.b",
        ];
        for text in texts {
            assert_eq!(TextKey::of(text).folded(), text.to_lowercase(), "{text}");
            for part in texts {
                let holds = TextKey::of(text).as_str().contains(TextKey::of(part).as_str());
                assert_eq!(holds, text.to_lowercase().contains(&part.to_lowercase()), "{text} {part}");
            }
        }
    }

    #[test]
    fn a_word_stands_alone() {
        let has = |text: &str, word: &str| TextKey::of(text).has_word(&TextKey::of(word));
        for text in ["soap", "Soap!", "_soap_", "(soap)", "a soap b", "soaps soap", "/soap:", "e\u{301}/soap"] {
            assert!(has(text, "SOAP"), "{text}");
        }
        for text in ["", "soaps", "a1soap", "\u{663}soap", "soap\u{663}", "soapé", "so ap"] {
            assert!(!has(text, "soap"), "{text}");
        }
    }
}
