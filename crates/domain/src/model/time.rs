//! Moments, to the millisecond.

use std::fmt;
use std::time::Duration;

use ::time::OffsetDateTime;
use ::time::format_description::well_known::Rfc3339;

/// A moment in UTC, in whole milliseconds, between the years 0 and 9999. The default is the beginning of 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The first moment of the year 0.
    pub const EARLIEST: Self = Self(EARLIEST);
    /// The last moment of the year 9999.
    pub const LATEST: Self = Self(LATEST);
}

/// A day in milliseconds.
pub const DAY: i64 = 24 * 60 * 60 * 1000;

const EARLIEST: i64 = -62_167_219_200_000;
const LATEST: i64 = 253_402_300_799_999;

/// Why a text is no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// It does not have a form that is read.
    #[error("not an ISO 8601 date, such as 2024-09-03 or 2024-09-03T09:51:20Z")]
    Form,
    /// It has the form, but the calendar or the clock does not have it, such as the 30th of February.
    #[error("no such date or time")]
    NoSuchMoment,
}

impl Timestamp {
    /// The moment `milliseconds` after 1970-01-01T00:00:00Z, brought into the years 0 to 9999.
    #[must_use]
    pub fn from_milliseconds(milliseconds: i64) -> Self {
        Self(milliseconds.clamp(EARLIEST, LATEST))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn milliseconds(self) -> i64 {
        self.0
    }

    /// The moment `days` later.
    #[must_use]
    pub fn plus_days(self, days: u32) -> Self {
        Self::from_milliseconds(self.0.saturating_add(i64::from(days).saturating_mul(DAY)))
    }

    /// The moment `duration` later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_milliseconds(self.0.saturating_add(milliseconds))
    }

    /// Reads RFC 3339 with `Z` or an offset, without a zone (then it is UTC), without seconds, or a date alone (contract 1.4).
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        let complete = complete(text.trim()).ok_or(TimestampError::Form)?;
        OffsetDateTime::parse(&complete, &Rfc3339)
            .ok()
            .and_then(|moment| i64::try_from(moment.unix_timestamp_nanos().div_euclid(1_000_000)).ok())
            .filter(|milliseconds| (EARLIEST..=LATEST).contains(milliseconds))
            .map(Self)
            .ok_or(TimestampError::NoSuchMoment)
    }
}

/// The whole form of a moment, with seconds and a zone; `None` if `text` has none of the forms that are read.
fn complete(text: &str) -> Option<String> {
    let (date, rest) = text.split_at_checked("0000-00-00".len()).filter(|(date, _)| has_shape(date, "0000-00-00"))?;
    if rest.is_empty() {
        return Some(format!("{date}T00:00:00Z"));
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, rest) = rest.split_at_checked("00:00".len()).filter(|(clock, _)| has_shape(clock, "00:00"))?;
    let (seconds, zone) = match rest.strip_prefix(':') {
        None => ("00", rest),
        Some(rest) => {
            let length = rest.find(|character: char| !character.is_ascii_digit() && character != '.');
            let (seconds, zone) = rest.split_at(length.unwrap_or(rest.len()));
            let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
            let is_whole = has_shape(whole, "00") && !fraction.is_empty() && !fraction.contains('.');
            (is_whole.then_some(seconds)?, zone)
        }
    };
    let zone = match zone {
        "" => "Z",
        _ if zone.eq_ignore_ascii_case("z") || has_shape(zone, "+00:00") || has_shape(zone, "-00:00") => zone,
        _ => return None,
    };
    Some(format!("{date}T{clock}:{seconds}{zone}"))
}

/// Whether `text` is `shape` with any digits in the place of its zeros.
fn has_shape(text: &str, shape: &str) -> bool {
    let fits = |(byte, expected): (u8, u8)| if expected == b'0' { byte.is_ascii_digit() } else { byte == expected };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}

impl fmt::Display for Timestamp {
    /// Writes exactly three decimals and `Z` (contract 1.4).
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(1000);
        let moment = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| fmt::Error)?;
        let (date, (hour, minute, second)) = (moment.date(), moment.time().as_hms());
        let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
        let milliseconds = self.0.rem_euclid(1000);
        write!(formatter, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::{Timestamp, TimestampError};

    #[test]
    fn every_accepted_form_is_written_with_three_decimals_and_z() {
        for (given, written) in [
            ("2024-09-03T09:51:20.113Z", "2024-09-03T09:51:20.113Z"),
            ("2024-09-02T12:11:49.46Z", "2024-09-02T12:11:49.460Z"),
            ("2029-09-03T09:51:20.113", "2029-09-03T09:51:20.113Z"),
            ("2029-09-03T09:51:20", "2029-09-03T09:51:20.000Z"),
            ("2029-09-03T11:51:20+02:00", "2029-09-03T09:51:20.000Z"),
            ("2029-09-03 11:51:20.5-00:30", "2029-09-03T12:21:20.500Z"),
            ("2026-01-01T10:00Z", "2026-01-01T10:00:00.000Z"),
            ("2026-01-01t10:00z", "2026-01-01T10:00:00.000Z"),
            ("2026-01-01T10:00", "2026-01-01T10:00:00.000Z"),
            ("2026-01-01T10:00+02:00", "2026-01-01T08:00:00.000Z"),
            ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"),
            (" 2020-02-29 ", "2020-02-29T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp::parse(given).map(|moment| moment.to_string()), Ok(written.to_owned()), "{given}");
        }
    }

    #[test]
    fn other_forms_and_moments_that_do_not_exist_are_told_apart() {
        for text in [
            "",
            "yesterday",
            "20240903",
            "2024-9-3",
            "03/09/2024",
            "10000-01-01",
            "2024-09-03T",
            "2024-09-03T9:00Z",
            "2024-09-03T09",
            "2024-09-03T09:51:",
            "2024-09-03T09:51:2Z",
            "2024-09-03T09:51:20.Z",
            "2024-09-03T09:51:20.1.1Z",
            "2024-09-03T09:51:20 Z",
            "2024-09-03T09:51:20+0200",
            "2024-09-03T09:51:20Europe",
            "2024-09-0é",
            "2024-09-03é09:51:20Z",
            "1725357080",
        ] {
            assert_eq!(Timestamp::parse(text), Err(TimestampError::Form), "{text}");
        }
        for text in [
            "2021-02-29",
            "2021-02-30T10:00Z",
            "2021-13-01",
            "2021-00-01",
            "2024-09-03T25:00:00Z",
            "2024-09-03T24:00Z",
            "2024-09-03T09:60Z",
            "2024-09-03T09:51:61Z",
            "2024-09-03T09:51:60Z",
            "2024-09-03T09:51:20+25:00",
            "2024-09-03T09:51:20+02:60",
            "0000-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
        ] {
            assert_eq!(Timestamp::parse(text), Err(TimestampError::NoSuchMoment), "{text}");
        }
    }
}
