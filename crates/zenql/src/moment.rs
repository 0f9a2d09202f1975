//! Dates, and functions of the current time.

use std::fmt;

use crate::calendar::{self, DAY, HOUR, MINUTE};
use crate::period::{Period, Unit};
use crate::{date, operand};

/// A moment in UTC, absolute or relative to the current time (contract 8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// A date, in milliseconds since 1970-01-01T00:00:00Z.
    Fixed(i64),
    /// A function of the current time. A period without a function is `now(period)`.
    Relative(Function),
}

/// A function of the current time, such as `startOfWeek(-1w)`. `Display` prints it in query syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Function {
    /// Which function.
    pub anchor: Anchor,
    /// Its argument. An integer without a unit counts spans of the function: weeks in `startOfWeek(-1)`, days in
    /// `now(-7)`.
    pub shift: Period,
}

/// What a function returns before its argument is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// `now`
    Now,
    /// `startOf...`: the first millisecond.
    StartOf(Span),
    /// `endOf...`: the last millisecond.
    EndOf(Span),
}

/// A calendar interval whose start or end a function returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Span {
    /// Starts at midnight.
    Day,
    /// Starts on Monday.
    Week,
    /// Starts on the first of the month.
    Month,
    /// Starts on the first of January.
    Year,
}

/// A text is not a moment, or not a supported one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MomentError {
    /// It is not a date, a period or a date function.
    #[error("not a date, a period or a date function")]
    NotAMoment,
    /// It has the form of a date, but the calendar or the clock does not have it, such as the 30th of February.
    #[error("no such date or time")]
    NoSuchMoment,
    /// It is outside the years 0 to 9999.
    #[error("outside the years 0 to 9999")]
    OutOfRange,
}

const ANCHORS: [(&str, Anchor); 9] = [
    ("now", Anchor::Now),
    ("startOfDay", Anchor::StartOf(Span::Day)),
    ("endOfDay", Anchor::EndOf(Span::Day)),
    ("startOfWeek", Anchor::StartOf(Span::Week)),
    ("endOfWeek", Anchor::EndOf(Span::Week)),
    ("startOfMonth", Anchor::StartOf(Span::Month)),
    ("endOfMonth", Anchor::EndOf(Span::Month)),
    ("startOfYear", Anchor::StartOf(Span::Year)),
    ("endOfYear", Anchor::EndOf(Span::Year)),
];

impl Moment {
    /// Parses a date, a period or a function, as in a query (contract 8.2) or a string of a JSON search (contract 8.3).
    /// Ignores surrounding white space.
    ///
    /// # Errors
    ///
    /// [`MomentError::NotAMoment`] if `text` is none of them, [`MomentError::NoSuchMoment`] if it is a date that does not exist,
    /// [`MomentError::OutOfRange`] if it has a number that is too large for any date.
    pub fn parse(text: &str) -> Result<Self, MomentError> {
        let text = text.trim();
        if let Some(date) = date::Written::parse(text) {
            return date.moment().map(Self::Fixed).ok_or(MomentError::NoSuchMoment);
        }
        match Period::parse(text) {
            Ok(shift) => Ok(Self::Relative(Function { anchor: Anchor::Now, shift })),
            Err(MomentError::NotAMoment) => operand::function(text).map(Self::Relative),
            Err(error) => Err(error),
        }
    }

    /// Returns the moment in milliseconds since 1970-01-01T00:00:00Z; `now` is the current time in the same unit.
    ///
    /// # Errors
    ///
    /// [`MomentError::OutOfRange`] if the result or `now` is outside the years 0 to 9999.
    pub fn at(&self, now: i64) -> Result<i64, MomentError> {
        match self {
            Self::Fixed(moment) => calendar::in_range(*moment).ok_or(MomentError::OutOfRange),
            Self::Relative(function) => function.at(now),
        }
    }
}

impl Function {
    /// Evaluates the function at the current time `now`, in milliseconds since 1970-01-01T00:00:00Z.
    ///
    /// The part of the argument in units at least as long as the function's span is added before truncation, so that
    /// `endOfMonth(-1)` is the end of a month. Shorter units are added after it, so that `startOfDay(7h)` is 07:00
    /// (contract 8.2).
    ///
    /// # Errors
    ///
    /// [`MomentError::OutOfRange`] if the result or `now` is outside the years 0 to 9999.
    pub fn at(&self, now: i64) -> Result<i64, MomentError> {
        self.find(now).ok_or(MomentError::OutOfRange)
    }

    fn find(&self, now: i64) -> Option<i64> {
        match self.anchor {
            Anchor::Now => shifted(now, &self.shift),
            Anchor::StartOf(span) => {
                let (before, after) = self.shift.split(span.unit());
                shifted(calendar::start(span, shifted(now, &before)?)?, &after)
            }
            Anchor::EndOf(span) => {
                let (before, after) = self.shift.split(span.unit());
                shifted(calendar::end(span, shifted(now, &before)?)?, &after)
            }
        }
    }
}

/// Adds `period` to `moment`: months and years first, then the rest.
fn shifted(moment: i64, period: &Period) -> Option<i64> {
    let months = period.amount(Unit::Year).checked_mul(12)?.checked_add(period.amount(Unit::Month))?;
    let moment = calendar::plus_months(moment, months)?;
    let days = period.amount(Unit::Week).checked_mul(7)?.checked_add(period.amount(Unit::Day))?;
    let hours = period.amount(Unit::Hour).checked_mul(HOUR)?;
    let minutes = period.amount(Unit::Minute).checked_mul(MINUTE)?;
    calendar::in_range(days.checked_mul(DAY)?.checked_add(hours)?.checked_add(minutes)?.checked_add(moment)?)
}

impl Anchor {
    /// Finds the function by its name, case-insensitively.
    pub(crate) fn named(name: &str) -> Option<Self> {
        ANCHORS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|&(_, anchor)| anchor)
    }

    /// The unit of an argument that is an integer without a unit.
    pub(crate) fn unit(self) -> Unit {
        match self {
            Self::Now => Unit::Day,
            Self::StartOf(span) | Self::EndOf(span) => span.unit(),
        }
    }
}

impl Span {
    fn unit(self) -> Unit {
        match self {
            Self::Day => Unit::Day,
            Self::Week => Unit::Week,
            Self::Month => Unit::Month,
            Self::Year => Unit::Year,
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = ANCHORS.iter().find(|(_, anchor)| *anchor == self.anchor).map_or("", |(name, _)| name);
        if self.shift == Period::default() {
            return write!(formatter, "{name}()");
        }
        write!(formatter, "{name}({})", self.shift)
    }
}
