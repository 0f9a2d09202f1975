//! Moments that may depend on now.

use std::fmt;

use crate::calendar::{self, DAY, HOUR, MINUTE};
use crate::period::{Period, Unit};
use crate::{date, operand};

/// A moment, fixed or relative to now (contract 8.2). Moments are UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// A date, in milliseconds since 1970-01-01T00:00:00Z.
    Fixed(i64),
    /// A function of now. A period alone is `now(period)`.
    Relative(Function),
}

/// A function of now: `startOfWeek(-1w)`. Printed, it is query text again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Function {
    /// Which function.
    pub anchor: Anchor,
    /// Its argument. A bare integer counts spans of the function, and days in `now(-7)`.
    pub shift: Period,
}

/// What a function finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// `now`
    Now,
    /// `startOf...`: the first millisecond.
    StartOf(Span),
    /// `endOf...`: the last millisecond.
    EndOf(Span),
}

/// A stretch of the calendar that functions find the start and the end of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Span {
    /// From midnight.
    Day,
    /// From Monday.
    Week,
    /// From the first.
    Month,
    /// From the first of January.
    Year,
}

/// A text names no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MomentError {
    /// It is none of the forms.
    #[error("not a date, a period or a date function")]
    NotAMoment,
    /// What it names is outside the years that a date can be written in.
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
    /// Reads a date, a period or a function, as in a query (contract 8.2) or a string of a JSON search (section
    /// 8.3). White space around it does not count.
    ///
    /// # Errors
    ///
    /// When `text` is none of them ([`MomentError::NotAMoment`]), or has a number that is too large for any date
    /// ([`MomentError::OutOfRange`]).
    pub fn parse(text: &str) -> Result<Self, MomentError> {
        let text = text.trim();
        if let Some(moment) = date::read(text) {
            return Ok(Self::Fixed(moment));
        }
        match Period::parse(text) {
            Ok(shift) => Ok(Self::Relative(Function { anchor: Anchor::Now, shift })),
            Err(MomentError::NotAMoment) => operand::function(text).map(Self::Relative),
            Err(error) => Err(error),
        }
    }

    /// The moment in milliseconds since 1970-01-01T00:00:00Z, if now is `now`.
    ///
    /// # Errors
    ///
    /// [`MomentError::OutOfRange`] when it, or `now`, is outside the years 0 to 9999.
    pub fn at(&self, now: i64) -> Result<i64, MomentError> {
        match self {
            Self::Fixed(moment) => calendar::in_range(*moment).ok_or(MomentError::OutOfRange),
            Self::Relative(function) => function.at(now),
        }
    }
}

impl Function {
    /// What it finds if now is `now`, both in milliseconds since 1970-01-01T00:00:00Z.
    ///
    /// Units at least as long as the function's own shift before it looks for the start or the end, so that
    /// `endOfMonth(-1)` is the end of a month; shorter ones shift what it found, so that `startOfDay(7h)` is 07:00
    /// (contract 8.2).
    ///
    /// # Errors
    ///
    /// [`MomentError::OutOfRange`] when it, or `now`, is outside the years 0 to 9999.
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

/// `period` after `moment`, months first.
fn shifted(moment: i64, period: &Period) -> Option<i64> {
    let months = period.amount(Unit::Year).checked_mul(12)?.checked_add(period.amount(Unit::Month))?;
    let moment = calendar::plus_months(moment, months)?;
    let days = period.amount(Unit::Week).checked_mul(7)?.checked_add(period.amount(Unit::Day))?;
    let hours = period.amount(Unit::Hour).checked_mul(HOUR)?;
    let minutes = period.amount(Unit::Minute).checked_mul(MINUTE)?;
    calendar::in_range(days.checked_mul(DAY)?.checked_add(hours)?.checked_add(minutes)?.checked_add(moment)?)
}

impl Anchor {
    /// The function of this name, in any case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        ANCHORS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|&(_, anchor)| anchor)
    }

    /// What a bare integer as argument counts.
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
