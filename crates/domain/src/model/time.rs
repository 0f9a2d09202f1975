//! Moments, to the millisecond.

use std::fmt;

use ::time::OffsetDateTime;
use ::time::format_description::well_known::Rfc3339;

/// A moment in UTC, in whole milliseconds, between the years 0 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A day in milliseconds.
pub const DAY: i64 = 24 * 60 * 60 * 1000;

const EARLIEST: i64 = -62_167_219_200_000;
const LATEST: i64 = 253_402_300_799_999;

/// The text is no date that this service reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an ISO 8601 date")]
pub struct NotATimestamp;

impl Timestamp {
    /// The moment `milliseconds` after 1970-01-01T00:00:00Z, brought into the years 0 to 9999.
    #[must_use]
    pub fn from_milliseconds(milliseconds: i64) -> Self {
        Self(milliseconds.clamp(EARLIEST, LATEST))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn milliseconds(self) -> i64 {
        self.0
    }

    /// The moment `days` later.
    #[must_use]
    pub fn plus_days(self, days: u32) -> Self {
        Self::from_milliseconds(self.0.saturating_add(i64::from(days).saturating_mul(DAY)))
    }

    /// Reads RFC 3339 with `Z` or an offset, without a zone (then it is UTC), or a date alone (contract 1.4).
    pub fn parse(text: &str) -> Result<Self, NotATimestamp> {
        let text = text.trim();
        [text.to_owned(), format!("{text}Z"), format!("{text}T00:00:00Z")]
            .iter()
            .find_map(|candidate| OffsetDateTime::parse(candidate, &Rfc3339).ok())
            .and_then(|moment| i64::try_from(moment.unix_timestamp_nanos().div_euclid(1_000_000)).ok())
            .filter(|milliseconds| (EARLIEST..=LATEST).contains(milliseconds))
            .map(Self)
            .ok_or(NotATimestamp)
    }
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
    use super::Timestamp;

    #[test]
    fn every_accepted_form_is_written_with_three_decimals_and_z() {
        for (given, written) in [
            ("2024-09-03T09:51:20.113Z", "2024-09-03T09:51:20.113Z"),
            ("2024-09-02T12:11:49.46Z", "2024-09-02T12:11:49.460Z"),
            ("2029-09-03T09:51:20.113", "2029-09-03T09:51:20.113Z"),
            ("2029-09-03T09:51:20", "2029-09-03T09:51:20.000Z"),
            ("2029-09-03T11:51:20+02:00", "2029-09-03T09:51:20.000Z"),
            ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
            ("2020-02-29", "2020-02-29T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp::parse(given).map(|moment| moment.to_string()), Ok(written.to_owned()));
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in ["", "yesterday", "2021-02-29", "2024-09-03T25:00:00Z", "20240903"] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
    }
}
