//! Calendar periods such as `-1w 2d`.

use std::fmt;

use winnow::Parser;
use winnow::ascii::digit1;
use winnow::combinator::{alt, opt, separated};
use winnow::error::EmptyError;
use winnow::token::{any, take_while};

use crate::moment::MomentError;

/// A unit of time. The variants are in ascending order of length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// `m`
    Minute,
    /// `h`
    Hour,
    /// `d`
    Day,
    /// `w`
    Week,
    /// `M`
    Month,
    /// `y`
    Year,
}

const UNITS: [(char, Unit); 6] = [
    ('m', Unit::Minute),
    ('h', Unit::Hour),
    ('d', Unit::Day),
    ('w', Unit::Week),
    ('M', Unit::Month),
    ('y', Unit::Year),
];

/// A calendar period, positive or negative. `Display` prints it in query syntax.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Period {
    /// The amount of each unit, indexed by [`Unit`]. All amounts that are not zero have the same sign.
    amounts: [i64; UNITS.len()],
}

type Segment<'s> = (&'s str, Unit);

impl Period {
    /// Creates a period of one unit.
    #[must_use]
    pub fn of(amount: i64, unit: Unit) -> Self {
        let mut period = Self::default();
        period.amounts[unit as usize] = amount;
        period
    }

    /// Parses a period such as `-1w 2d`. The sign applies to all segments; `M` is a month and `m` a minute
    /// (contract 8.2).
    ///
    /// # Errors
    ///
    /// [`MomentError::NotAMoment`] if `text` is not a period, [`MomentError::OutOfRange`] if an amount does not fit in
    /// `i64`.
    pub fn parse(text: &str) -> Result<Self, MomentError> {
        let space = take_while(1.., char::is_whitespace);
        let (negative, segments): (bool, Vec<_>) =
            (sign, separated(1.., segment, space)).parse(text).map_err(|_| MomentError::NotAMoment)?;
        Self::sum(negative, segments)
    }

    /// Parses the argument of a function: a period, or an integer in units of `unit`.
    pub(crate) fn parse_argument(text: &str, unit: Unit) -> Result<Self, MomentError> {
        match (sign, digit1).parse(text) {
            Ok((negative, digits)) => Self::sum(negative, vec![(digits, unit)]),
            Err(_) => Self::parse(text),
        }
    }

    fn sum(negative: bool, segments: Vec<Segment<'_>>) -> Result<Self, MomentError> {
        let mut period = Self::default();
        for (digits, unit) in segments {
            let amount: i64 = digits.parse().map_err(|_| MomentError::OutOfRange)?;
            let sum = period.amount(unit).checked_add(if negative { -amount } else { amount });
            period.amounts[unit as usize] = sum.ok_or(MomentError::OutOfRange)?;
        }
        Ok(period)
    }

    /// The amount of one unit; negative in a negative period.
    #[must_use]
    pub fn amount(&self, unit: Unit) -> i64 {
        self.amounts[unit as usize]
    }

    /// Splits the period into the part in `unit` and longer units, and the part in shorter ones.
    pub(crate) fn split(self, unit: Unit) -> (Self, Self) {
        let (mut long, mut short) = (self, self);
        long.amounts[..unit as usize].fill(0);
        short.amounts[unit as usize..].fill(0);
        (long, short)
    }

    /// Whether `word` can be the first segment of a period.
    pub(crate) fn is_start(word: &str) -> bool {
        (sign, segment).parse(word).is_ok()
    }

    /// Whether `word` can be a further segment of a period.
    pub(crate) fn is_segment(word: &str) -> bool {
        segment.parse(word).is_ok()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.amounts.iter().any(|&amount| amount < 0) {
            formatter.write_str("-")?;
        }
        let segments: Vec<_> = UNITS
            .iter()
            .rev()
            .filter(|&&(_, unit)| self.amount(unit) != 0)
            .map(|&(letter, unit)| format!("{}{letter}", self.amount(unit).unsigned_abs()))
            .collect();
        formatter.write_str(if segments.is_empty() { "0d".to_owned() } else { segments.join(" ") }.as_str())
    }
}

/// Parses an optional sign. Returns whether it is a minus.
fn sign(input: &mut &str) -> Result<bool, EmptyError> {
    opt(alt(('-'.value(true), '+'.value(false)))).map(Option::unwrap_or_default).parse_next(input)
}

fn segment<'s>(input: &mut &'s str) -> Result<Segment<'s>, EmptyError> {
    (digit1, any.verify_map(unit)).parse_next(input)
}

fn unit(letter: char) -> Option<Unit> {
    UNITS.iter().find(|(known, _)| *known == letter).map(|&(_, unit)| unit)
}
