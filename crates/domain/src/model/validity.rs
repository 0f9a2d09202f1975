//! From when and until when something counts (contract 5.9).

use super::time::Timestamp;

/// From when and until when a membership or an edge counts: exactly in [`from`, `until`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Validity {
    /// When it begins; `None`: with its creation.
    pub from: Option<Timestamp>,
    /// When it ends; `None`: never.
    pub until: Option<Timestamp>,
}

/// What a request says of a [`Validity`]. `None`: nothing. `Some(None)`: there is no such date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ValidityChange {
    /// When it begins.
    pub from: Option<Option<Timestamp>>,
    /// When it ends.
    pub until: Option<Option<Timestamp>>,
}

/// A date of a [`Validity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValidityDate {
    /// Its beginning.
    From,
    /// Its end.
    Until,
}

/// Why a [`Validity`] is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidityError {
    /// It would end before it begins, or at once. The date is the one that was said.
    #[error("the end is not after the beginning")]
    EndsBeforeItBegins(ValidityDate),
    /// It would have ended already.
    #[error("the end is not in the future")]
    HasEnded,
}

impl ValidityError {
    /// The date that is refused.
    #[must_use]
    pub fn date(self) -> ValidityDate {
        match self {
            Self::EndsBeforeItBegins(date) => date,
            Self::HasEnded => ValidityDate::Until,
        }
    }
}

/// Whether a membership or an edge counts already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValidityState {
    /// It counts.
    Active,
    /// It begins later.
    Scheduled,
}

impl Validity {
    /// Without dates.
    pub const ALWAYS: Self = Self { from: None, until: None };

    /// Whether it has no dates.
    #[must_use]
    pub fn is_always(self) -> bool {
        self == Self::ALWAYS
    }

    /// Whether it counts at `now` or begins later. Ends are not looked at.
    #[must_use]
    pub fn state(self, now: Timestamp) -> ValidityState {
        if self.from.is_some_and(|from| from > now) { ValidityState::Scheduled } else { ValidityState::Active }
    }

    /// When it begins, or, if it counts at `now`, when it ends. `None`: nothing happens any more.
    #[must_use]
    pub fn next(self, now: Timestamp) -> Option<Timestamp> {
        self.from.filter(|from| *from > now).or(self.until)
    }

    /// The moment at which it ended, if it did by `now`.
    #[must_use]
    pub fn ended(self, now: Timestamp) -> Option<Timestamp> {
        self.until.filter(|until| *until <= now)
    }
}

impl ValidityChange {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether it names a date.
    #[must_use]
    pub fn has_dates(self) -> bool {
        self.from.flatten().is_some() || self.until.flatten().is_some()
    }

    /// This change, and after it `later`.
    #[must_use]
    pub fn then(self, later: Self) -> Self {
        Self { from: later.from.or(self.from), until: later.until.or(self.until) }
    }

    /// `before` after this change at `now`. What was not said stays.
    ///
    /// # Errors
    ///
    /// When it would end before it begins, or has ended.
    pub fn apply(self, before: Validity, now: Timestamp) -> Result<Validity, ValidityError> {
        let after = Validity { from: self.from.unwrap_or(before.from), until: self.until.unwrap_or(before.until) };
        let Some(until) = after.until else { return Ok(after) };
        if after.from.is_some_and(|from| until <= from) {
            let said = if self.until.is_some() { ValidityDate::Until } else { ValidityDate::From };
            return Err(ValidityError::EndsBeforeItBegins(said));
        }
        if until <= now {
            return Err(ValidityError::HasEnded);
        }
        Ok(after)
    }
}

#[cfg(test)]
mod tests {
    use super::{Timestamp, Validity, ValidityChange, ValidityDate, ValidityError, ValidityState};

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(milliseconds)
    }

    fn said(from: i64, until: i64) -> ValidityChange {
        ValidityChange { from: Some(Some(at(from))), until: Some(Some(at(until))) }
    }

    #[test]
    fn what_is_not_said_stays() {
        let before = Validity { from: Some(at(10)), until: Some(at(20)) };
        assert_eq!(ValidityChange::default().apply(before, at(5)), Ok(before));
        let endless = ValidityChange { until: Some(None), ..ValidityChange::default() };
        assert_eq!(endless.apply(before, at(5)), Ok(Validity { until: None, ..before }));
        let sooner = ValidityChange { from: Some(None), ..ValidityChange::default() };
        assert_eq!(sooner.apply(before, at(5)), Ok(Validity { from: None, ..before }));
    }

    #[test]
    fn an_end_is_after_the_beginning_and_in_the_future() {
        let refused = |change: ValidityChange, now| change.apply(Validity::ALWAYS, at(now)).err();
        let until = ValidityError::EndsBeforeItBegins(ValidityDate::Until);
        assert_eq!(refused(said(10, 10), 5), Some(until));
        assert_eq!(refused(said(10, 9), 5), Some(until));
        assert_eq!(refused(said(10, 11), 11), Some(ValidityError::HasEnded));
        assert_eq!(refused(said(10, 11), 10), None);
        let later = ValidityChange { from: Some(Some(at(30))), until: None };
        let before = Validity { from: None, until: Some(at(20)) };
        assert_eq!(later.apply(before, at(5)), Err(ValidityError::EndsBeforeItBegins(ValidityDate::From)));
    }

    #[test]
    fn it_counts_from_its_first_moment() {
        let validity = Validity { from: Some(at(10)), until: Some(at(20)) };
        assert_eq!((validity.state(at(9)), validity.state(at(10))), (ValidityState::Scheduled, ValidityState::Active));
        assert_eq!((validity.next(at(9)), validity.next(at(10))), (Some(at(10)), Some(at(20))));
        assert_eq!((validity.ended(at(19)), validity.ended(at(20))), (None, Some(at(20))));
        assert_eq!(Validity::ALWAYS.next(at(0)), None);
    }
}
