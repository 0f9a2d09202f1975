//! How names are compared and ordered.

use std::borrow::Cow;

use super::casefold::{casefold, is_ignorable};
use super::email_domain::EmailDomain;

/// The version of the keys. It is raised with every change of the keys that any text has, as by another version of Unicode: stores
/// that keep keys make them anew when they were made by another version.
///
/// 1: simple case folding. 2: `NFKC_Casefold`, and domains of addresses by UTS 46.
pub const KEY_VERSION: i32 = 2;

/// The form of a text in which it is compared, sorted and searched.
///
/// It is made of the text's `NFKC_Casefold` (contract 10 row 28). Compared byte by byte, keys put symbols before
/// digits and digits before letters (contract 4.1), whatever the collation of the database: characters of a class that
/// stand elsewhere in Unicode have a mark before them. A key holds another one exactly if the one folded text holds the other,
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
        Self::of_folded(&casefold(text))
    }

    /// The key of a name or of a part of one: if it is an address, its domain is compared by UTS 46.
    #[must_use]
    pub fn of_name(text: &str) -> Self {
        Self::of_folded(&fold_name(text))
    }

    fn of_folded(text: &str) -> Self {
        let mut key = String::with_capacity(text.len());
        for character in text.chars().map(storable) {
            match (class_mark(character), MARKS.into_iter().find(|(mark, _)| *mark == character)) {
                (Some(mark), Some((_, stand_in))) => key.extend([mark, stand_in]),
                (Some(mark), None) => key.extend([mark, character]),
                (None, _) => key.push(character),
            }
        }
        Self(key)
    }

    /// The keys of the words of `text`: what stands between characters that are neither letters nor numbers.
    pub(crate) fn words(text: &str) -> Vec<Self> {
        let folded = casefold(text);
        let words = folded.split(|character: char| !character.is_alphanumeric());
        words.filter(|word| !word.is_empty()).map(Self::of_folded).collect()
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

impl From<NameKey> for TextKey {
    fn from(key: NameKey) -> Self {
        key.0
    }
}

/// The key by which names are compared and sorted: two names with the same key are the same name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameKey(TextKey);

impl NameKey {
    /// The most bytes of the key of a name. Databases can index that many; a character of the name may be 18 in its key.
    pub const LONGEST: usize = 2048;

    /// The key of `name`; white space and invisible characters around it do not count.
    #[must_use]
    pub fn of(name: &str) -> Self {
        // Folding may give a name white space at its ends: U+00A8 is a space and a mark.
        let name = name.trim_matches(|character: char| character.is_whitespace() || is_ignorable(character));
        Self(TextKey::of_folded(fold_name(name).trim()))
    }

    /// The key as stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The folded name that it is the key of.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.folded()
    }

    /// Whether nothing of the name is visible.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.0.is_empty()
    }

    /// Whether databases could not index it.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.0.0.len() > Self::LONGEST
    }
}

/// The characters that fold to `@`.
const AT_SIGNS: [char; 3] = ['@', '\u{fe6b}', '\u{ff20}'];

/// The folded name, in which the domain of an address is the same for all spellings that UTS 46 takes for one domain.
fn fold_name(name: &str) -> Cow<'_, str> {
    let Some((at, sign)) = name.char_indices().rev().find(|(_, character)| AT_SIGNS.contains(character)) else {
        return casefold(name);
    };
    let (mailbox, domain) = (name.get(..at).unwrap_or_default(), name.get(at + sign.len_utf8()..).unwrap_or_default());
    let folded = casefold(domain);
    let Ok(domain) = EmailDomain::try_from(domain).or_else(|_| EmailDomain::try_from(folded.as_ref())) else {
        return casefold(name);
    };
    Cow::Owned(format!("{}@{}", casefold(mailbox), fold_domain(&domain)))
}

/// As people read it, unless folding makes another domain of that: `straße.example` is not `strasse.example`.
fn fold_domain(domain: &EmailDomain) -> String {
    let folded = casefold(&domain.to_unicode()).into_owned();
    let is_the_same = EmailDomain::try_from(folded.as_str()).is_ok_and(|other| other == *domain);
    if is_the_same { folded } else { domain.as_ascii().to_owned() }
}

/// No name holds a control character; those that mean something in a key or to a database become another one.
fn storable(character: char) -> char {
    if matches!(character, '\0'..='\u{3}') { '\u{1}' } else { character }
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
    use proptest::prelude::*;

    use super::{AT_SIGNS, NameKey, TextKey};
    use crate::model::casefold::casefold;

    #[test]
    fn names_that_read_the_same_have_one_key() {
        for (one, other) in [
            (" Straße ÄRGER ", "strasse a\u{308}rger"),
            ("\u{200b}\u{3000}ty\u{200d}ler\u{a0}\u{feff}", "Tyler"),
            ("\u{a8}", "\u{308}"),
            ("T@M\u{fc}nchen.DE", "t@xn--mnchen-3ya.de"),
            ("t\u{ff20}mu\u{308}nchen\u{3002}de", "t@m\u{fc}nchen.de"),
            ("t@xn--mnchen-3ya\u{200d}.de", "t@m\u{fc}nchen.de"),
            ("t@stra\u{df}e.de", "T@xn--strae-oqa.de"),
            ("R&D @ Berlin", "r&d @ berlin"),
            ("\u{200b}", ""),
        ] {
            assert_eq!(NameKey::of(one), NameKey::of(other), "{one:?} {other:?}");
        }
        for (one, other) in [("a b", "ab"), ("t@stra\u{df}e.de", "t@strasse.de"), ("e", "\u{e9}")] {
            assert_ne!(NameKey::of(one), NameKey::of(other), "{one:?} {other:?}");
        }
        assert!(NameKey::of("\u{3164}\u{200b} ").is_empty());
    }

    #[test]
    fn these_are_all_characters_that_fold_to_an_at_sign() {
        let folding = ('\0'..=char::MAX).filter(|character| casefold(&character.to_string()) == "@");
        assert_eq!(folding.collect::<Vec<_>>(), AT_SIGNS);
    }

    proptest! {
        #[test]
        fn the_key_of_a_key_is_itself(
            name in prop_oneof![
                any::<String>(),
                "[a-zß\u{200d}]{0,3}[@\u{ff20}]?(xn--)?[a-zß\u{200d}\u{300}ü.\u{3002}-]{0,9}(mnchen-3ya)?[.]?[a-z]{0,3}\u{200b}?",
            ]
        ) {
            let key = NameKey::of(&name);
            prop_assert_eq!(NameKey::of(&key.folded()), key);
        }
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
            assert_eq!(TextKey::of(text).folded(), casefold(text), "{text}");
            for part in texts {
                let holds = TextKey::of(text).as_str().contains(TextKey::of(part).as_str());
                assert_eq!(holds, casefold(text).contains(&*casefold(part)), "{text} {part}");
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
