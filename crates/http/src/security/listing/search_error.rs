//! What can be wrong with what a request wants of a listing, in whichever language it says it.

use std::fmt;

use guildhall_domain::search::Kind;

use super::cost::MAX_COSTLY;

/// How many fields a listing may be sorted by. There are not that many, custom properties aside.
pub(super) const MAX_SORTS: usize = 50;

/// How many characters of what somebody wrote are repeated to them.
const MAX_REPEATED: usize = 60;

/// What is wrong. As text, it is the detail to show a person.
#[derive(Debug)]
pub(super) enum SearchError {
    /// There is no field of this name.
    Field(String),
    /// Fields like this one, which is of this kind, are not compared so.
    Operator(String, Kind),
    /// Fields like this one, which is of this kind, are not compared with such a value.
    Value(String, Kind),
    /// The moment is one that nothing happens at.
    OutOfRange,
    /// Too many fields to sort by.
    TooManySorts,
    /// Too many comparisons with wildcards or of custom properties.
    TooCostly,
}

impl SearchError {
    /// Whether it is the operator that is wrong.
    pub(super) fn is_operator(&self) -> bool {
        matches!(self, Self::Operator(..))
    }
}

impl fmt::Display for SearchError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(formatter, "there is no field '{}'", Truncated(name)),
            Self::Operator(name, kind) => {
                write!(
                    formatter,
                    "the operator does not fit the field '{}', which holds {}",
                    Truncated(name),
                    held(*kind)
                )
            }
            Self::Value(name, kind) => {
                write!(formatter, "the field '{}' is compared with {}", Truncated(name), compared(*kind))
            }
            Self::OutOfRange => formatter.write_str("the moment is outside the years 0 to 9999"),
            Self::TooCostly => write!(
                formatter,
                "a search makes at most {MAX_COSTLY} comparisons with wildcards or of custom properties"
            ),
            Self::TooManySorts => write!(formatter, "a listing is sorted by at most {MAX_SORTS} fields"),
        }
    }
}

fn held(kind: Kind) -> &'static str {
    match kind {
        Kind::Id => "an id",
        Kind::Text => "a text",
        Kind::Integer => "a whole number",
        Kind::Boolean => "true or false",
        Kind::Moment => "a date",
    }
}

fn compared(kind: Kind) -> &'static str {
    match kind {
        Kind::Id => "a UUID",
        Kind::Moment => "a date, a period or a date function",
        Kind::Text | Kind::Integer | Kind::Boolean => held(kind),
    }
}

/// As much of a text as a message needs.
pub(super) struct Truncated<'a>(pub(super) &'a str);

impl fmt::Display for Truncated<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(MAX_REPEATED) {
            Some((end, _)) => write!(formatter, "{}…", &self.0[..end]),
            None => formatter.write_str(self.0),
        }
    }
}
