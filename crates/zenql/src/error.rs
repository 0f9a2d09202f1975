//! Syntax errors.

use std::fmt;

use crate::token::{Kind, Token};
use crate::{MAX_DEPTH, MAX_LENGTH};

/// A syntax error in a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (at position {position})")]
pub struct SyntaxError {
    /// Where the error is: the number of characters (Unicode scalar values) before it.
    pub position: usize,
    /// The kind of error. Its `Display` is a message for the author of the query.
    pub reason: Reason,
}

impl SyntaxError {
    /// Returns the message of [`Self::reason`], without the position.
    #[must_use]
    pub fn detail(&self) -> String {
        self.reason.to_string()
    }
}

/// The kind of a syntax error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The query has more than [`MAX_LENGTH`] characters.
    #[error("a query has at most {MAX_LENGTH} characters")]
    TooLong,
    /// Parentheses and NOTs are nested deeper than [`MAX_DEPTH`].
    #[error("at most {MAX_DEPTH} parentheses and NOTs may stand inside one another")]
    TooDeep,
    /// Unexpected token.
    #[error("expected {what}{}, found {found}", After(after.as_deref()))]
    Expected {
        /// What the grammar expects at this position.
        what: &'static str,
        /// The token before this position, unless it is the first.
        after: Option<String>,
        /// The token found instead.
        found: Found,
    },
    /// A quoted string is not terminated.
    #[error("this quote is not closed")]
    UnclosedQuote,
    /// A `!` that is not followed by `=` or `~`.
    #[error("expected '=' or '~' after '!' (text with a '!' in it needs double quotes)")]
    LoneBang,
    /// A field name with an empty segment, such as `a..b`.
    #[error("expected a field name without empty parts around its dots (any other needs double quotes)")]
    EmptyPart,
    /// The boost after `^` is not an integer that fits in `u32`.
    #[error("expected a whole number of at most {} after '^'", u32::MAX)]
    Boost,
    /// Unknown function.
    #[error("there is no function '{0}' (text with parentheses in it needs double quotes)")]
    UnknownFunction(String),
    /// A number in a function's argument is too large for any date.
    #[error("this number is too large")]
    TooLarge,
    /// DISTANCEWITHIN, which the grammar recognises but does not support (contract 8.2).
    #[error("DISTANCEWITHIN is not supported")]
    DistanceWithin,
}

/// The unexpected token of [`Reason::Expected`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The end of the query.
    End,
    /// A keyword, as written.
    Keyword(String),
    /// Any other token, as written. Long tokens are truncated.
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

/// Prints the token before the error, if there is one.
struct After<'a>(Option<&'a str>);

impl fmt::Display for After<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |token| write!(formatter, " after '{token}'"))
    }
}

/// Builds the error for an unexpected token.
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

/// Truncates `text` for a message.
pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 40;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
