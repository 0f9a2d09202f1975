//! Patterns with wildcards.

use crate::name::TextKey;

/// What "contains" looks for: a text in which `*` is any number of characters and `?` is one (contract 8.2). After a backslash,
/// `*`, `?` and another backslash stand for themselves; before any other character, a backslash does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Piece>);

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// These characters.
    Literal(TextKey),
    /// Any number of characters.
    Anything,
    /// One character of the folded text, in which `ß` is two.
    Anyone,
}

impl Pattern {
    /// The pattern that `text` writes.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self::read(text, TextKey::of)
    }

    /// The pattern that `text` writes, to be looked for in names.
    #[must_use]
    pub fn of_name(text: &str) -> Self {
        Self::read(text, TextKey::of_name)
    }

    fn read(text: &str, key: fn(&str) -> TextKey) -> Self {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let wildcard = match character {
                '*' => Piece::Anything,
                '?' => Piece::Anyone,
                '\\' => {
                    literal.push(characters.next_if(|next| matches!(next, '*' | '?' | '\\')).unwrap_or(character));
                    continue;
                }
                _ => {
                    literal.push(character);
                    continue;
                }
            };
            pieces.extend(taken(&mut literal, key));
            pieces.push(wildcard);
        }
        pieces.extend(taken(&mut literal, key));
        Self(pieces)
    }

    /// `text` itself, whatever is in it.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self(taken(&mut text.to_owned(), TextKey::of).into_iter().collect())
    }

    /// `text` itself, whatever is in it, to be looked for in names.
    #[must_use]
    pub fn literal_in_name(text: &str) -> Self {
        Self(taken(&mut text.to_owned(), TextKey::of_name).into_iter().collect())
    }

    /// Its pieces, in their order.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The text that it looks for, if that is all it looks for.
    #[must_use]
    pub fn as_literal(&self) -> Option<&TextKey> {
        match self.0.as_slice() {
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether it has a piece that stands for exactly one character.
    #[must_use]
    pub fn counts_characters(&self) -> bool {
        self.0.contains(&Piece::Anyone)
    }

    /// Whether `text` holds it somewhere.
    #[must_use]
    pub fn is_within(&self, text: &TextKey) -> bool {
        let text: Vec<char> = text.folded().chars().collect();
        let mut wanted = vec![Wanted::Any];
        for piece in &self.0 {
            match piece {
                Piece::Literal(literal) => wanted.extend(literal.folded().chars().map(Wanted::This)),
                Piece::Anything => wanted.push(Wanted::Any),
                Piece::Anyone => wanted.push(Wanted::One),
            }
        }
        wanted.push(Wanted::Any);
        matches(&wanted, &text)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    This(char),
    One,
    Any,
}

/// Backtracks only to the last `*`, which is enough: what precedes it matched as early as possible.
fn matches(wanted: &[Wanted], text: &[char]) -> bool {
    let (mut next, mut at) = (0, 0);
    let mut resume = None;
    while at < text.len() {
        match wanted.get(next) {
            Some(Wanted::Any) => {
                resume = Some((next, at));
                next += 1;
            }
            Some(Wanted::One) => (next, at) = (next + 1, at + 1),
            Some(Wanted::This(character)) if text.get(at) == Some(character) => (next, at) = (next + 1, at + 1),
            _ => match resume {
                Some((any, begun)) => {
                    resume = Some((any, begun + 1));
                    (next, at) = (any + 1, begun + 1);
                }
                None => return false,
            },
        }
    }
    wanted.iter().skip(next).all(|rest| *rest == Wanted::Any)
}

/// The literal, unless nothing of it is visible.
fn taken(literal: &mut String, key: fn(&str) -> TextKey) -> Option<Piece> {
    let key = key(&std::mem::take(literal));
    (key != TextKey::default()).then_some(Piece::Literal(key))
}

#[cfg(test)]
mod tests {
    use super::Pattern;
    use crate::name::TextKey;

    #[test]
    fn stars_are_anything_and_question_marks_one_character() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "x", true),
            ("YLE", "Tyler", true),
            ("t*r", "xTyler", true),
            ("t?l", "tyler", true),
            ("t?yler", "tyler", false),
            ("t??l", "t__l", true),
            ("a?b", "a/b", true),
            ("a?b", "a\u{663}b", true),
            ("a?b", "ab", false),
            ("?", "", false),
            ("*", "", true),
            ("*b*aa", "abab", false),
            ("ab*ab", "abab", true),
            ("ab*ab", "aba", false),
            ("a*?c", "abc", true),
            ("e\u{301}?", "xÉy", true),
            ("t?l", "t\u{200d}e\u{301}l", true),
            ("\u{200b}", "", true),
        ] {
            assert_eq!(Pattern::of(pattern).is_within(&TextKey::of(text)), expected, "{pattern} {text}");
        }
        for (pattern, text, expected) in [
            (r"a\*b", "a*b", true),
            (r"a\*b", "axb", false),
            (r"a\*b", r"a\xb", false),
            (r"\?", "?", true),
            (r"\?", "x", false),
            (r"a\\b", r"a\b", true),
            (r"a\\b", r"a/b", false),
            (r"\\*", r"x\y", true),
            (r"\\*", "x*y", false),
            (r"a\b", r"a\b", true),
            (r"a\", r"xa\", true),
            (r"a\", "xa", false),
            (r"\\\*", r"\*", true),
            (r"\\\*", r"\x", false),
            (r"1\*2*3", "1*2x3", true),
        ] {
            assert_eq!(Pattern::of(pattern).is_within(&TextKey::of(text)), expected, "{pattern} {text}");
        }
        assert_eq!(Pattern::of(r"a\*b").as_literal(), Some(&TextKey::of("a*b")));
        assert!(Pattern::literal("a*").is_within(&TextKey::of("xa*")));
        assert!(!Pattern::literal("a*").is_within(&TextKey::of("xa")));
    }
}
