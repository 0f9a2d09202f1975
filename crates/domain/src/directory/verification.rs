//! Verifying the log: whether its events are those that were kept, and are found by what they tell.

use super::Directory;
use crate::access::{Permission, Refused, Target, contains_refused};
use crate::context::Context;
use crate::event::{ChainError, Event, EventHead};
use crate::ports::{EventQuery, Fault, StoreError};

/// How many events are read at once.
const AT_ONCE: u32 = 1000;

/// What was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verification {
    /// How many events.
    pub count: u64,
    /// The last of them.
    pub head: EventHead,
}

/// Why the log is not what was kept.
#[derive(Debug, thiserror::Error)]
pub enum VerificationError {
    /// An event does not follow the one before it, or is found by something else than it tells.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// This event cannot be read.
    #[error("event {sequence} cannot be read")]
    Unreadable {
        /// Its place.
        sequence: u64,
        /// Why.
        source: StoreError,
    },
    /// There is no event with this sequence to begin with.
    #[error("there is no event {0}")]
    NoSuchEvent(u64),
    /// Every event fits, but queries find some by users they are not about.
    #[error("{found} users are kept as those that events are about, and the events tell {told}")]
    Users {
        /// How many pairs of an event and a user queries find.
        found: u64,
        /// How many the events tell.
        told: u64,
    },
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

contains_refused!(VerificationError);

/// A part of the log with what is kept beside it.
struct Part {
    events: Vec<Event>,
    checkpoint: EventHead,
    misfiled: Option<u64>,
    users: Option<u64>,
}

impl Directory<'_> {
    /// Computes the hashes of all events again, in their order, and compares what they tell with what they are found by. With `from`, the hashes of that event and
    /// of all before it are taken for right.
    ///
    /// # Errors
    ///
    /// The first event that was changed, removed or inserted.
    pub fn verify_events(&self, context: &Context, from: Option<u64>) -> Result<Verification, VerificationError> {
        self.number_events(context)?;
        let checkpoint = self.event_page(context, &EventQuery::following(0, 1))?.checkpoint;
        let start = match from.map(|from| from.saturating_sub(1)) {
            Some(before) if before > checkpoint.sequence => self.event_at(context, before)?,
            _ => checkpoint,
        };
        let (mut head, mut told) = (start, 0);
        loop {
            let part = self.part_after(context, head)?;
            if part.events.is_empty() {
                let is_whole = start == checkpoint && part.checkpoint == checkpoint;
                if let Some(found) = part.users.filter(|found| is_whole && *found != told) {
                    return Err(VerificationError::Users { found, told });
                }
                return Ok(Verification { count: head.sequence - start.sequence, head });
            }
            for event in &part.events {
                head = head.verify(event)?;
                told += event.users().len() as u64;
                if part.misfiled == Some(event.sequence) {
                    return Err(ChainError::Text(event.sequence).into());
                }
            }
        }
    }

    /// The events after `head`: as many as are read at once, or one if they cannot be read together.
    fn part_after(&self, context: &Context, head: EventHead) -> Result<Part, VerificationError> {
        match self.part(context, &EventQuery::following(head.sequence, AT_ONCE)) {
            Err(Refused::Store(error)) if error.fault() == Fault::Failed => self.single_part_after(context, head),
            part => Ok(part?),
        }
    }

    fn single_part_after(&self, context: &Context, head: EventHead) -> Result<Part, VerificationError> {
        match self.part(context, &EventQuery::following(head.sequence, 1)) {
            Err(Refused::Store(source)) if source.fault() == Fault::Failed => {
                Err(VerificationError::Unreadable { sequence: head.sequence + 1, source })
            }
            part => Ok(part?),
        }
    }

    fn part(&self, context: &Context, query: &EventQuery) -> Result<Part, Refused> {
        self.read(context, |work| {
            work.authorise(Permission::ReadEvents, Target::All)?;
            let events = work.events(query)?;
            let misfiled = work.misfiled_event(&events)?;
            let users = if events.is_empty() { work.count_event_users()? } else { None };
            Ok(Part { checkpoint: work.event_checkpoint()?, events, misfiled, users })
        })
    }

    /// The event of this sequence, as the start of a chain.
    fn event_at(&self, context: &Context, sequence: u64) -> Result<EventHead, VerificationError> {
        let page = self.event_page(context, &EventQuery::following(sequence - 1, 1))?;
        let event = page.events.first().filter(|event| event.sequence == sequence);
        event.map(Event::head).ok_or(VerificationError::NoSuchEvent(sequence))
    }

    fn event_page(&self, context: &Context, query: &EventQuery) -> Result<super::EventPage, VerificationError> {
        Ok(self.events(context, query)?)
    }
}
