//! The chain of hashes that shows whether events were changed, removed or inserted afterwards.

use std::fmt;

use sha2::{Digest, Sha256};

use super::Event;

/// The hash of an event and of all events before it (SHA-256).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EventHash(pub [u8; 32]);

impl EventHash {
    /// The hash before the first event.
    pub const ZERO: Self = Self([0; 32]);

    /// The hash of an event whose canonical form is `text`, after an event with this hash.
    #[must_use]
    pub fn next(self, text: &str) -> Self {
        Self(Sha256::new().chain_update(self.0).chain_update(text).finalize().into())
    }

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        text.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(Self(bytes))
    }
}

impl fmt::Display for EventHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// The last event of a chain. The default is that of an empty chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventHead {
    /// Its place; 0: there is none.
    pub sequence: u64,
    /// Its hash.
    pub hash: EventHash,
}

/// Why an event does not follow the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// Its place is not the next one: events are missing, or are there twice.
    #[error("event {expected} is missing: the next one is {found}")]
    Gap {
        /// The place that comes next.
        expected: u64,
        /// The place that was found.
        found: u64,
    },
    /// Its hash is not that of its text and of the hash before it.
    #[error("event {0} is not what was hashed")]
    Hash(u64),
    /// Its text says another place, id, type or time than the event has.
    #[error("the text of event {0} contradicts what is kept beside it")]
    Text(u64),
}

impl EventHead {
    /// The head after `event`, if it follows this one.
    ///
    /// # Errors
    ///
    /// When it does not, or was changed.
    pub fn verify(self, event: &Event) -> Result<Self, ChainError> {
        let expected = self.sequence.saturating_add(1);
        if event.sequence != expected {
            return Err(ChainError::Gap { expected, found: event.sequence });
        }
        if self.hash.next(&event.text) != event.hash {
            return Err(ChainError::Hash(event.sequence));
        }
        if !event.is_told_by_text() {
            return Err(ChainError::Text(event.sequence));
        }
        Ok(event.head())
    }
}
