//! Date formats (contract 8.2).

use std::ops::RangeInclusive;

use time::{Date, Month, Time};
use winnow::Parser;
use winnow::combinator::{alt, eof, opt, preceded, terminated};
use winnow::error::EmptyError;
use winnow::token::{one_of, take_while};

use crate::calendar::{HOUR, MINUTE, SECOND, in_range, midnight};

type Read<T> = Result<T, EmptyError>;

/// Year, month and day, not yet validated.
type Day = (i32, u8, u8);
/// Hour, minute, second and millisecond, not yet validated.
type Clock = (u8, u8, u8, u16);

/// A date with a time and a time zone, not yet validated.
pub(crate) struct Written {
    day: Day,
    clock: Clock,
    /// The offset from UTC in milliseconds.
    zone: i64,
}

impl Written {
    /// Parses a date with an optional time and time zone. The default zone is UTC.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let plain = (day, opt(preceded(space, short_clock))).map(|(day, clock)| (day, clock.unwrap_or_default(), 0));
        let iso = (terminated(day.with_taken().verify(is_iso).map(|(day, _)| day), 'T'), long_clock, zone);
        let (day, clock, zone) = alt((terminated(plain, eof), terminated(iso, eof))).parse(text).ok()?;
        Some(Self { day, clock, zone })
    }

    /// The moment in milliseconds since 1970-01-01T00:00:00Z; `None` if the calendar or the clock does not have it.
    pub(crate) fn moment(&self) -> Option<i64> {
        let ((year, month, day), (hour, minute, second, millisecond)) = (self.day, self.clock);
        let date = Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()?;
        let (hours, minutes, seconds, milliseconds) =
            Time::from_hms_milli(hour, minute, second, millisecond).ok()?.as_hms_milli();
        let clock = i64::from(hours) * HOUR + i64::from(minutes) * MINUTE + i64::from(seconds) * SECOND;
        in_range(midnight(date)? + clock + i64::from(milliseconds) - self.zone)
    }
}

/// Whether `word` is a date without a time, which a time may follow.
pub(crate) fn is_day(word: &str) -> bool {
    day.parse(word).is_ok()
}

/// Whether `word` is a time that may follow a date.
pub(crate) fn is_clock(word: &str) -> bool {
    short_clock.parse(word).is_ok()
}

/// `2020-3-1` or `2020/03/01`.
fn day(input: &mut &str) -> Read<Day> {
    let year = number(4..=4).parse_next(input)?;
    let separator = one_of(['-', '/']).parse_next(input)?;
    (number(1..=2), preceded(separator, number(1..=2))).map(|(month, day)| (year, month, day)).parse_next(input)
}

/// Whether the date has the ISO 8601 form: two digits for month and day, separated by hyphens.
fn is_iso((_, written): &(Day, &str)) -> bool {
    written.len() == "yyyy-MM-dd".len() && written.contains('-')
}

/// `12:00` or `12:00:00`.
fn short_clock(input: &mut &str) -> Read<Clock> {
    let second = opt(preceded(':', number(2..=2))).map(Option::unwrap_or_default);
    (number(2..=2), preceded(':', number(2..=2)), second)
        .map(|(hour, minute, second)| (hour, minute, second, 0))
        .parse_next(input)
}

/// `12:00`, `12:00:00` or `12:00:00.1234567`. Truncates to milliseconds.
fn long_clock(input: &mut &str) -> Read<Clock> {
    let (hour, minute) = (number(2..=2), preceded(':', number(2..=2))).parse_next(input)?;
    let fraction = preceded('.', take_while(1..=7, |character: char| character.is_ascii_digit()));
    let seconds = (preceded(':', number(2..=2)), opt(fraction.verify_map(milliseconds)).map(Option::unwrap_or_default));
    let (second, millisecond) = opt(seconds).map(Option::unwrap_or_default).parse_next(input)?;
    Ok((hour, minute, second, millisecond))
}

/// Converts the digits after a decimal point to milliseconds, truncating.
fn milliseconds(fraction: &str) -> Option<u16> {
    format!("{fraction:0<3}").get(..3)?.parse().ok()
}

/// Parses a time zone offset from UTC, in milliseconds: `Z`, `+01:00`, `-05:30` or nothing.
fn zone(input: &mut &str) -> Read<i64> {
    let sign = alt(('+'.value(1), '-'.value(-1)));
    let hours = number::<i64>(2..=2).verify(|hours| *hours <= 23);
    let minutes = preceded(':', number::<i64>(2..=2)).verify(|minutes| *minutes <= 59);
    let offset = (sign, hours, minutes).map(|(sign, hours, minutes)| sign * (hours * HOUR + minutes * MINUTE));
    opt(alt(('Z'.value(0), offset))).map(Option::unwrap_or_default).parse_next(input)
}

fn space<'s>(input: &mut &'s str) -> Read<&'s str> {
    take_while(1.., char::is_whitespace).parse_next(input)
}

fn number<'s, N: std::str::FromStr>(digits: RangeInclusive<usize>) -> impl Parser<&'s str, N, EmptyError> {
    take_while(digits, |character: char| character.is_ascii_digit()).verify_map(|digits: &str| digits.parse().ok())
}
