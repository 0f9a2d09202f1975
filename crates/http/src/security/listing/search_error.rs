//! Errors in searches, common to JSON conditions and ZenQL.

use std::fmt;

use guildhall_domain::search::Kind;
use guildhall_domain::validation::Truncated;

use super::cost::MAX_COSTLY;

/// The most sort fields. There are fewer fields than that, except for custom properties.
pub(super) const MAX_SORTS: usize = 50;

/// An error in a search. `Display` is the detail for the client.
#[derive(Debug)]
pub(super) enum SearchError {
    /// No field has this name.
    Field(String),
    /// The operator does not fit this field of this kind.
    Operator(String, Kind),
    /// The value does not fit this field of this kind.
    Value(String, Kind),
    /// The number is out of range.
    TooLarge(String),
    /// The date is out of range.
    OutOfRange,
    /// The calendar or the clock does not have the date or time.
    NoSuchMoment,
    /// There are too many sort fields.
    TooManySorts,
    /// There are too many costly comparisons.
    TooCostly,
}

impl SearchError {
    /// Whether the operator is at fault.
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
            Self::TooLarge(name) => write!(
                formatter,
                "the field '{}' is compared with a whole number from {} to {}",
                Truncated(name),
                i64::MIN,
                i64::MAX
            ),
            Self::NoSuchMoment => formatter.write_str("there is no such date or time"),
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
