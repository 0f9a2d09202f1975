//! Calendar arithmetic in UTC, on milliseconds since 1970-01-01, for the years 0 to 9999.

use time::{Date, Month};

use crate::moment::Span;

pub(crate) const SECOND: i64 = 1000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// 0000-01-01T00:00:00.000Z
const EARLIEST: i64 = -62_167_219_200_000;
/// 9999-12-31T23:59:59.999Z
const LATEST: i64 = 253_402_300_799_999;

/// The Julian day number of 1970-01-01.
const EPOCH: i64 = 2_440_588;

/// Returns `moment` if it is in the years 0 to 9999.
pub(crate) fn in_range(moment: i64) -> Option<i64> {
    (EARLIEST..=LATEST).contains(&moment).then_some(moment)
}

/// Returns the first millisecond of `date`.
pub(crate) fn midnight(date: Date) -> Option<i64> {
    in_range((i64::from(date.to_julian_day()) - EPOCH) * DAY)
}

/// Returns the date of `moment`.
fn date(moment: i64) -> Option<Date> {
    let day = in_range(moment)?.div_euclid(DAY) + EPOCH;
    Date::from_julian_day(i32::try_from(day).ok()?).ok()
}

/// Adds months and keeps the day and time. Uses the last day of a month that is too short.
pub(crate) fn plus_months(moment: i64, months: i64) -> Option<i64> {
    let date = date(moment)?;
    let month = i64::from(date.year()).checked_mul(12)?.checked_add(u8::from(date.month()).into())?;
    let month = month.checked_add(months)?.checked_sub(1)?;
    let year = i32::try_from(month.div_euclid(12)).ok()?;
    let month = Month::try_from(u8::try_from(month.rem_euclid(12) + 1).ok()?).ok()?;
    let day = date.day().min(month.length(year));
    in_range(midnight(Date::from_calendar_date(year, month, day).ok()?)? + moment.rem_euclid(DAY))
}

/// Returns the first millisecond of the day, week, month or year that contains `moment`.
pub(crate) fn start(span: Span, moment: i64) -> Option<i64> {
    let date = date(moment)?;
    let passed = match span {
        Span::Day => 0,
        Span::Week => date.weekday().number_days_from_monday().into(),
        Span::Month => i64::from(date.day()) - 1,
        Span::Year => i64::from(date.ordinal()) - 1,
    };
    in_range(midnight(date)? - passed * DAY)
}

/// Returns the last millisecond of the day, week, month or year that contains `moment`.
pub(crate) fn end(span: Span, moment: i64) -> Option<i64> {
    let start = start(span, moment)?;
    let first = date(start)?;
    let days: i64 = match span {
        Span::Day => 1,
        Span::Week => 7,
        Span::Month => first.month().length(first.year()).into(),
        Span::Year => time::util::days_in_year(first.year()).into(),
    };
    in_range(start + days * DAY - 1)
}
