//! What a field is compared with.

use uuid::Uuid;

use crate::moment::{Function, Moment, MomentError};
use crate::tree::Position;

/// A value, as far as the text alone tells: whether `5d` is a text or five days from now depends on the field's type.
/// So text stays text, and is read as the type asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// What it is.
    pub literal: Literal,
    /// Its first character, or its quote.
    pub position: Position,
}

/// What can be told apart without knowing the field's type. Printed, it is query text again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// `NULL`
    Null,
    /// `currentUser()`: the caller's username (contract 8.2).
    CurrentUser,
    /// A function of now.
    Function(Function),
    /// A text, as written or as quoted. Quotes only keep text together and from being a keyword or a function:
    /// `"2020-01-01"` can be a date, as it must be in JSON.
    Text(String),
}

impl Value {
    /// The text, if it is one: all but NULL and functions are.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.literal {
            Literal::Text(text) => Some(text),
            Literal::Null | Literal::CurrentUser | Literal::Function(_) => None,
        }
    }

    /// Reads `true` or `false`, in any case.
    #[must_use]
    pub fn as_boolean(&self) -> Option<bool> {
        let text = self.text()?;
        [("true", true), ("false", false)].iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|&(_, is)| is)
    }

    /// Reads a whole number, with or without a sign.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        self.text()?.parse().ok()
    }

    /// Reads a UUID as .NET writes it: 32 hexadecimal digits, with or without hyphens, in `{}`, `()` or neither (spec
    /// section 6.1). In `()` it needs quotes to be one value.
    #[must_use]
    pub fn as_uuid(&self) -> Option<Uuid> {
        let text = self.text()?;
        let braced = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let bare = braced.or_else(|| text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'))).unwrap_or(text);
        matches!(bare.len(), 32 | 36).then(|| Uuid::try_parse(bare).ok())?
    }

    /// Reads a date, a period or a function, in milliseconds since 1970-01-01T00:00:00Z if now is `now`.
    ///
    /// # Errors
    ///
    /// When it is none of them ([`MomentError::NotAMoment`]), or one outside the years 0 to 9999
    /// ([`MomentError::OutOfRange`]).
    pub fn moment(&self, now: i64) -> Result<i64, MomentError> {
        match &self.literal {
            Literal::Text(text) => Moment::parse(text)?.at(now),
            Literal::Function(function) => function.at(now),
            Literal::Null | Literal::CurrentUser => Err(MomentError::NotAMoment),
        }
    }
}
