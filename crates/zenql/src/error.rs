//! Why a text is no query.

use std::fmt;

use crate::token::{Kind, Token};
use crate::{MAX_DEPTH, MAX_LENGTH};

/// The text is no query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (at position {position})")]
pub struct SyntaxError {
    /// The number of characters (Unicode scalar values) before what is wrong.
    pub position: usize,
    /// What is wrong; as text, it is the detail to show a person.
    pub reason: Reason,
}

impl SyntaxError {
    /// What is wrong, for a person.
    #[must_use]
    pub fn detail(&self) -> String {
        self.reason.to_string()
    }
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It has more than [`MAX_LENGTH`] characters.
    #[error("a query has at most {MAX_LENGTH} characters")]
    TooLong,
    /// More than [`MAX_DEPTH`] parentheses and NOTs stand inside one another.
    #[error("at most {MAX_DEPTH} parentheses and NOTs may stand inside one another")]
    TooDeep,
    /// Something else should stand here.
    #[error("expected {what}{}, found {found}", After(after.as_deref()))]
    Expected {
        /// What should stand here.
        what: &'static str,
        /// What stands before it, if anything.
        after: Option<String>,
        /// What stands here.
        found: Found,
    },
    /// A quoted text has no end.
    #[error("this quote is not closed")]
    UnclosedQuote,
    /// A `!` without `=` or `~`.
    #[error("expected '=' or '~' after '!' (text with a '!' in it needs double quotes)")]
    LoneBang,
    /// A name with an empty part, such as `a..b`.
    #[error("expected a field name without empty parts around its dots (any other needs double quotes)")]
    EmptyPart,
    /// What stands after `^` is not a number that fits.
    #[error("expected a whole number of at most {} after '^'", u32::MAX)]
    Boost,
    /// There is no such function.
    #[error("there is no function '{0}' (text with parentheses in it needs double quotes)")]
    UnknownFunction(String),
    /// A number in a function's argument is too large for any date.
    #[error("this number is too large")]
    TooLarge,
    /// DISTANCEWITHIN, which is known but not supported (contract 8.2).
    #[error("DISTANCEWITHIN is not supported")]
    DistanceWithin,
}

/// What stands where something else should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The text is over.
    End,
    /// A keyword, as written.
    Keyword(String),
    /// Anything else, as written; long text is cut.
    Text(String),
}

impl fmt::Display for Found {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => formatter.write_str("the end"),
            Self::Keyword(word) => {
                write!(formatter, "the keyword '{word}' (as a name or a text it needs double quotes)")
            }
            Self::Text(text) => write!(formatter, "'{text}'"),
        }
    }
}

/// Says after what something was expected.
struct After<'a>(Option<&'a str>);

impl fmt::Display for After<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |token| write!(formatter, " after '{token}'"))
    }
}

/// That `what` should stand where `found` does.
pub(crate) fn expected(what: &'static str, after: Option<&Token<'_>>, found: &Token<'_>) -> SyntaxError {
    let reason = match &found.kind {
        Kind::Unclosed => Reason::UnclosedQuote,
        Kind::Bang => Reason::LoneBang,
        kind => Reason::Expected {
            what,
            after: after.map(|token| shortened(token.text)),
            found: match kind {
                Kind::End => Found::End,
                Kind::Keyword(_) => Found::Keyword(found.text.to_owned()),
                _ => Found::Text(shortened(found.text)),
            },
        },
    };
    SyntaxError { position: found.position, reason }
}

/// As much of `text` as a message needs.
pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 40;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
