//! Attempts to deliver an event to a webhook.

use std::time::Duration;

use crate::event::EventId;
use crate::model::position::Position;
use crate::model::value::Value;
use crate::time::Timestamp;

/// How an attempt to deliver an event ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// The status of the response. `None`: there was none.
    pub status: Option<u16>,
    /// Why there was none.
    pub error: Option<String>,
    /// After what time the receiver asks for the next attempt (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl Attempt {
    /// Whether the event was delivered.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        is_success(self.status)
    }

    /// Whether the receiver says that it is gone for ever.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.status == Some(410)
    }
}

/// An attempt that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its number among all attempts of the webhook, from 1.
    pub number: u64,
    /// The event.
    pub event: EventId,
    /// The place of the event. `None`: it was a test.
    pub sequence: Option<u64>,
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// The status of the response. `None`: there was none.
    pub status: Option<u16>,
    /// Why there was none.
    pub error: Option<String>,
}

impl Delivery {
    /// The most characters that are kept of an error.
    pub const LONGEST_ERROR: usize = 500;

    /// Whether the event was delivered.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        is_success(self.status)
    }

    /// The attempt of this number.
    pub(crate) fn of(number: u64, (event, sequence): (EventId, Option<u64>), attempt: &Attempt) -> Self {
        let shown = |error: &str| error.chars().filter(|one| !one.is_control()).take(Self::LONGEST_ERROR).collect();
        let error = attempt.error.as_deref().map(shown);
        let (at, duration, status) = (attempt.at, attempt.duration, attempt.status);
        Self { number, event, sequence, at, duration, status, error }
    }

    /// The position after it in the listing of the deliveries of its webhook, of which the latest comes first.
    #[must_use]
    pub fn place(&self) -> Position {
        Position::after(vec![Value::Integer(i64::try_from(self.number).map_or(i64::MIN, |number| -number))])
    }
}

fn is_success(status: Option<u16>) -> bool {
    status.is_some_and(|status| (200..300).contains(&status))
}
