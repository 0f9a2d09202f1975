//! How far the deliveries of a webhook are, and when the next attempt is.

use std::time::Duration;

use uuid::Uuid;

use super::Attempt;
use crate::event::EventId;
use crate::time::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// After which times an event is sent again that was not delivered. If the attempt after the last of them fails too, the webhook is disabled.
pub const RETRY_DELAYS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(30 * MINUTE),
    Duration::from_secs(2 * HOUR),
    Duration::from_secs(5 * HOUR),
    Duration::from_secs(10 * HOUR),
    Duration::from_secs(14 * HOUR),
    Duration::from_secs(20 * HOUR),
    Duration::from_secs(24 * HOUR),
];

/// The longest time that a receiver can put the next attempt off.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * HOUR);

/// Who delivers to a webhook, and until when nobody else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The instance.
    pub holder: Uuid,
    /// Until when.
    pub until: Timestamp,
}

/// The last attempt to deliver an event of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastDelivery {
    /// The place of the event.
    pub sequence: u64,
    /// The status of the response. `None`: there was none.
    pub status: Option<u16>,
    /// When the attempt began.
    pub at: Timestamp,
}

/// How far the deliveries of a webhook are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookProgress {
    /// Whether events are sent to it.
    pub enabled: bool,
    /// Whether the position is behind the event that tells of its creation. Until then, that event is looked for after the position.
    pub has_begun: bool,
    /// The place of the last event that was delivered or does not match.
    pub position: u64,
    /// How often the next event was sent and not delivered.
    pub failures: u32,
    /// Since when nothing was delivered although it was sent.
    pub failing_since: Option<Timestamp>,
    /// When the next event is sent again. `None`: at once.
    pub next_attempt: Option<Timestamp>,
    /// The last attempt.
    pub last_delivery: Option<LastDelivery>,
    /// How many attempts there were, tests too.
    pub attempts: u64,
    /// The id of the test that is to be sent.
    pub test: Option<EventId>,
    /// Who delivers to it.
    pub lease: Option<Lease>,
}

impl WebhookProgress {
    /// That of a new webhook, which begins somewhere after this place.
    pub(crate) fn beginning_after(position: u64, enabled: bool) -> Self {
        Self {
            enabled,
            has_begun: false,
            position,
            failures: 0,
            failing_since: None,
            next_attempt: None,
            last_delivery: None,
            attempts: 0,
            test: None,
            lease: None,
        }
    }

    /// Whether something is to be sent at this moment, or events are to be looked at, of which the last one is `last`.
    pub(crate) fn is_due(&self, now: Timestamp, last: u64) -> bool {
        let is_free = self.lease.is_none_or(|lease| lease.until <= now);
        is_free && (self.test.is_some() || self.is_event_due(now, last))
    }

    /// Whether an event is to be sent or looked at.
    pub(crate) fn is_event_due(&self, now: Timestamp, last: u64) -> bool {
        self.enabled && self.position < last && self.next_attempt.is_none_or(|next| next <= now)
    }

    /// Goes on with the next event at once.
    pub(crate) fn forget_failures(&mut self) {
        (self.failures, self.failing_since, self.next_attempt) = (0, None, None);
    }

    /// Notes an attempt to deliver the event at `sequence`, which ended at `now`. The event was the next one after `after`: if the position is another one by
    /// now, the attempt changes nothing but what is shown as the last one.
    pub(crate) fn note(&mut self, (after, sequence): (u64, u64), attempt: &Attempt, now: Timestamp) {
        self.last_delivery = Some(LastDelivery { sequence, status: attempt.status, at: attempt.at });
        if self.position != after {
            return;
        }
        if attempt.is_delivered() {
            self.position = sequence;
            self.forget_failures();
        } else if self.enabled {
            self.note_failure(attempt, now);
        }
    }

    fn note_failure(&mut self, attempt: &Attempt, now: Timestamp) {
        let delay = usize::try_from(self.failures).ok().and_then(|failures| RETRY_DELAYS.get(failures));
        self.failures = self.failures.saturating_add(1);
        self.failing_since.get_or_insert(attempt.at);
        self.next_attempt = None;
        match delay {
            Some(delay) if !attempt.is_gone() => {
                let asked = attempt.retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
                self.next_attempt = Some(now.plus(asked.max(*delay)));
            }
            _ => self.enabled = false,
        }
    }
}
