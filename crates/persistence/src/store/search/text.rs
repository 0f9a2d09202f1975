//! What is looked for in texts.

use std::fmt::Write as _;

use guildhall_domain::name::TextKey;
use guildhall_domain::search::{Pattern, Piece};

/// The fewest characters by which an index of three at a time finds anything.
const GRAM: usize = 3;

/// `text` for LIKE with `\` as escape character.
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

/// For LIKE: ends with this.
pub(super) fn ending(end: &TextKey) -> String {
    format!("%{}", escaped(end.as_str()))
}

/// For LIKE: holds this. A pattern that counts characters is one for folded texts, in which a character is one character.
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

/// The first text after all that begin with `start`.
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

/// The longest text that every match of the pattern holds, if an index finds it.
pub(super) fn indexed(pattern: &Pattern) -> Option<&TextKey> {
    let literals = pattern.pieces().iter().filter_map(|piece| match piece {
        Piece::Literal(text) => Some(text),
        Piece::Anything | Piece::Anyone => None,
    });
    let longest = literals.max_by_key(|text| text.as_str().chars().count());
    longest.filter(|text| text.as_str().chars().count() >= GRAM)
}

/// A phrase for FTS5.
pub(super) fn phrase(text: &TextKey) -> String {
    format!("\"{}\"", text.as_str().replace('"', "\"\""))
}

/// What `guildhall_grams` makes of the text, as PostgreSQL writes an array.
pub(super) fn grams(text: &TextKey) -> String {
    let characters: Vec<u64> = text.as_str().chars().map(|character| u64::from(u32::from(character))).collect();
    let mut array = String::from("{");
    for gram in characters.windows(GRAM) {
        let number = gram.iter().fold(0, |number, character| number << 21 | character);
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

    use super::{after, containing, ending, grams, indexed, phrase};

    #[test]
    fn wildcards_of_the_databases_are_escaped_and_those_of_the_language_are_not() {
        for (pattern, expected) in [
            ("100%", "%100\\%%"),
            ("a*b", "%a%b%"),
            ("", "%%"),
            // The mark of a symbol stands before it, where characters need not be counted.
            ("_\\", "%/\\_/\\\\%"),
            ("_?", "%\\__%"),
        ] {
            assert_eq!(containing(&Pattern::of(pattern)), expected, "{pattern}");
        }
        assert_eq!(ending(&TextKey::of("%")), "%\\%");
    }

    #[test]
    fn a_range_holds_what_begins_alike() {
        for (start, expected) in
            [("ab", Some("ac")), ("a\u{10ffff}", Some("a0")), ("\u{d7a3}", Some("\u{d7a4}")), ("", None)]
        {
            assert_eq!(after(&TextKey::of(start)).as_deref(), expected, "{start}");
        }
    }

    #[test]
    fn an_index_is_asked_for_what_is_long_enough() {
        let found = |pattern: &str| indexed(&Pattern::of(pattern)).map(|text| text.as_str().to_owned());
        assert_eq!(found("so*apple?x").as_deref(), Some("apple"));
        assert_eq!(found("so*ap"), None);
        assert_eq!(phrase(&TextKey::of("a\"b")), "\"a\"\"b\"");
        assert_eq!(grams(&TextKey::of("abcd")), "{426610717098083,431008765706340}");
    }
}
