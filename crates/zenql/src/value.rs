//! The values that fields are compared with.

use uuid::Uuid;

use crate::moment::{Function, Moment, MomentError};
use crate::tree::Position;

/// An untyped value. Whether `5d` is a string or means five days from now depends on the type of the field, which the
/// parser does not know; the caller converts the value with the method for that type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The literal.
    pub literal: Literal,
    /// The position of its first character, or of its opening quote.
    pub position: Position,
}

/// A literal. `Display` prints it in query syntax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// `NULL`
    Null,
    /// `currentUser()`: the caller's username (contract 8.2).
    CurrentUser,
    /// A function of the current time.
    Function(Function),
    /// Any other text, with or without quotes. Quotes do not make it a string: `"2020-01-01"` can be a date, as it is
    /// in JSON. They only allow spaces, keywords and parentheses.
    Text(String),
}

impl Value {
    /// Returns the text; `None` for NULL and functions.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.literal {
            Literal::Text(text) => Some(text),
            Literal::Null | Literal::CurrentUser | Literal::Function(_) => None,
        }
    }

    /// Parses `true` or `false`, case-insensitively.
    #[must_use]
    pub fn as_boolean(&self) -> Option<bool> {
        let text = self.text()?;
        [("true", true), ("false", false)].iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|&(_, is)| is)
    }

    /// Parses an integer with an optional sign.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        self.text()?.parse().ok()
    }

    /// Parses a UUID in the forms of .NET: 32 hexadecimal digits with or without hyphens, in `{}`, in `()` or without
    /// either (contract 6.1). In a query, the form with `()` needs quotes.
    #[must_use]
    pub fn as_uuid(&self) -> Option<Uuid> {
        let text = self.text()?;
        let braced = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let bare = braced.or_else(|| text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'))).unwrap_or(text);
        matches!(bare.len(), 32 | 36).then(|| Uuid::try_parse(bare).ok())?
    }

    /// Evaluates a date, a period or a function at the current time `now`, in milliseconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    ///
    /// [`MomentError::NotAMoment`] if the value is none of them, [`MomentError::OutOfRange`] if the result is outside
    /// the years 0 to 9999.
    pub fn moment(&self, now: i64) -> Result<i64, MomentError> {
        match &self.literal {
            Literal::Text(text) => Moment::parse(text)?.at(now),
            Literal::Function(function) => function.at(now),
            Literal::Null | Literal::CurrentUser => Err(MomentError::NotAMoment),
        }
    }
}
