//! Search texts in the forms that the databases need.

use std::fmt::Write as _;

use guildhall_domain::name::TextKey;
use guildhall_domain::search::{Pattern, Piece};

/// The length of a trigram: shorter texts cannot be looked up by a trigram index.
const TRIGRAM: usize = 3;
/// How many bits a character takes in a trigram, as in the SQL function `guildhall_grams`.
const BITS_PER_CHARACTER: u32 = 21;

/// `text` as part of a LIKE pattern whose escape character is `\`.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\\' | '%' | '_') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// The LIKE pattern of texts that end with `end`.
pub(super) fn ending(end: &TextKey) -> String {
    format!("%{}", escaped(end.as_str()))
}

/// The LIKE pattern of texts that contain `pattern`. A pattern that counts characters is compared with folded texts, in which each
/// character of the original is one character.
pub(super) fn containing(pattern: &Pattern) -> String {
    let mut like = String::from("%");
    for piece in pattern.pieces() {
        match piece {
            Piece::Literal(text) if pattern.counts_characters() => like.push_str(&escaped(&text.folded())),
            Piece::Literal(text) => like.push_str(&escaped(text.as_str())),
            Piece::Anything => like.push('%'),
            Piece::Anyone => like.push('_'),
        }
    }
    like.push('%');
    like
}

/// The first text that sorts after all texts that start with `start`.
pub(super) fn after(start: &TextKey) -> Option<String> {
    let mut text = start.as_str().to_owned();
    while let Some(last) = text.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// The longest literal of the pattern, if it is long enough for a trigram index.
pub(in crate::listing) fn indexed(pattern: &Pattern) -> Option<&TextKey> {
    let literals = pattern.pieces().iter().filter_map(|piece| match piece {
        Piece::Literal(text) => Some(text),
        Piece::Anything | Piece::Anyone => None,
    });
    let longest = literals.max_by_key(|text| text.as_str().chars().count());
    longest.filter(|text| text.as_str().chars().count() >= TRIGRAM)
}

/// A phrase in a query of SQLite's FTS5.
pub(in crate::listing) fn phrase(text: &TextKey) -> String {
    format!("\"{}\"", text.as_str().replace('"', "\"\""))
}

/// The trigrams of the text as the SQL function `guildhall_grams` numbers them, in PostgreSQL's notation for arrays.
pub(in crate::listing) fn trigrams(text: &TextKey) -> String {
    let characters: Vec<u64> = text.as_str().chars().map(|character| u64::from(u32::from(character))).collect();
    let mut array = String::from("{");
    for trigram in characters.windows(TRIGRAM) {
        let number = trigram.iter().fold(0, |number, character| number << BITS_PER_CHARACTER | character);
        let separator = if array.len() > 1 { "," } else { "" };
        // Writing to a string does not fail.
        let _ = write!(array, "{separator}{number}");
    }
    array.push('}');
    array
}

#[cfg(test)]
mod tests {
    use guildhall_domain::name::TextKey;
    use guildhall_domain::search::Pattern;

    use super::{after, containing, ending, indexed, phrase, trigrams};

    #[test]
    fn wildcards_of_the_databases_are_escaped_and_those_of_the_language_are_not() {
        for (pattern, expected) in [
            ("100%", "%100\\%%"),
            ("a*b", "%a%b%"),
            ("", "%%"),
            // A symbol follows its mark, unless the pattern counts characters.
            ("_\\", "%/\\_/\\\\%"),
            ("_?", "%\\__%"),
        ] {
            assert_eq!(containing(&Pattern::of(pattern)), expected, "{pattern}");
        }
        assert_eq!(ending(&TextKey::of("%")), "%\\%");
    }

    #[test]
    fn a_range_ends_before_the_first_text_with_another_start() {
        for (start, expected) in
            [("ab", Some("ac")), ("a\u{10ffff}", Some("a0")), ("\u{d7a3}", Some("\u{d7a4}")), ("", None)]
        {
            assert_eq!(after(&TextKey::of(start)).as_deref(), expected, "{start}");
        }
    }

    #[test]
    fn an_index_looks_up_texts_of_three_characters_or_more() {
        let found = |pattern: &str| indexed(&Pattern::of(pattern)).map(|text| text.as_str().to_owned());
        assert_eq!(found("so*apple?x").as_deref(), Some("apple"));
        assert_eq!(found("so*ap"), None);
        assert_eq!(phrase(&TextKey::of("a\"b")), "\"a\"\"b\"");
        assert_eq!(trigrams(&TextKey::of("abcd")), "{426610717098083,431008765706340}");
    }
}
