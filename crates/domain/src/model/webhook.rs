//! Webhooks: receivers elsewhere that are sent the events they want, in their order.

mod delivery;
mod draft;
mod progress;
mod url;

use std::collections::BTreeSet;
use std::fmt;

use uuid::Uuid;

use super::event::{EventType, TypePattern};
use super::group::GroupId;
use super::position::Position;
use super::time::Timestamp;
use super::value::Value;

pub use delivery::{Attempt, Delivery};
pub use draft::WebhookDraft;
pub use progress::{LastDelivery, Lease, RETRY_DELAYS, WebhookProgress};
pub use url::{WebhookUrl, WebhookUrlError};

/// The most webhooks.
pub const MOST_WEBHOOKS: usize = 100;
/// The most deliveries that are kept of each webhook: the latest.
pub const MOST_DELIVERIES: u64 = 100;
/// For how many hours the secret before the present one signs too.
pub const FORMER_SECRET_HOURS: u64 = 24;

/// The id of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebhookId(pub Uuid);

impl fmt::Display for WebhookId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A receiver of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Its name.
    pub name: WebhookName,
    /// Where events are sent.
    pub url: WebhookUrl,
    /// The types of the events that it gets.
    pub types: WebhookTypes,
    /// The groups (`data.group`) whose events it gets; none: events about anything.
    pub groups: BTreeSet<GroupId>,
    /// When it was created.
    pub created: Timestamp,
    /// The username of who created it. `None`: nobody who has an account.
    pub created_by: Option<String>,
    /// How far its deliveries are.
    pub progress: WebhookProgress,
}

impl Webhook {
    /// The most groups.
    pub const MOST_GROUPS: usize = 100;

    /// The position after it in the listing of all webhooks.
    #[must_use]
    pub fn place(&self) -> Position {
        Position::after(vec![Value::Id(self.id.0)])
    }
}

/// The name of a webhook: visible text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookName(String);

/// Why a text is no name of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookNameError {
    /// There is none.
    #[error("The webhook name is required")]
    Missing,
    /// It is too long.
    #[error("The webhook name must have {} or fewer characters", WebhookName::LONGEST)]
    TooLong,
    /// It has control characters.
    #[error("The webhook name contains invalid characters")]
    InvalidCharacters,
}

impl WebhookName {
    /// The most characters.
    pub const LONGEST: usize = 255;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name that was stored.
    #[must_use]
    pub fn stored(name: String) -> Self {
        Self(name)
    }
}

impl TryFrom<String> for WebhookName {
    type Error = WebhookNameError;

    fn try_from(text: String) -> Result<Self, WebhookNameError> {
        let name = text.trim();
        if name.is_empty() {
            return Err(WebhookNameError::Missing);
        }
        if name.chars().count() > Self::LONGEST {
            return Err(WebhookNameError::TooLong);
        }
        if name.chars().any(char::is_control) {
            return Err(WebhookNameError::InvalidCharacters);
        }
        Ok(Self(name.to_owned()))
    }
}

/// The types of events that a webhook gets, as patterns: those that a later version adds match too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookTypes(Vec<String>);

impl WebhookTypes {
    /// The most patterns.
    pub const MOST: usize = 50;

    /// Patterns that were stored.
    #[must_use]
    pub fn stored(patterns: Vec<String>) -> Self {
        Self(patterns)
    }

    /// The patterns; none: all types.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        &self.0
    }

    /// The types that match. `None`: all do.
    #[must_use]
    pub fn types(&self) -> Option<BTreeSet<EventType>> {
        if self.0.is_empty() {
            return None;
        }
        let patterns = self.0.iter().filter_map(|pattern| TypePattern::parse(pattern).ok());
        Some(patterns.flat_map(|pattern| pattern.types().to_vec()).collect())
    }
}

/// The secret that signs what a webhook is sent. It is shown to whoever creates or rotates it, and to nobody later.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(pub [u8; WebhookSecret::BYTES]);

impl WebhookSecret {
    /// How many bytes it has.
    pub const BYTES: usize = 32;
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WebhookSecret(..)")
    }
}

/// The secrets of a webhook as the store keeps them: sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecrets {
    /// The present one.
    pub current: Vec<u8>,
    /// The one before it, and until when it signs too.
    pub former: Option<(Vec<u8>, Timestamp)>,
}

impl fmt::Debug for SealedSecrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SealedSecrets(..)")
    }
}

/// Which events a webhook gets, as the store is asked for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookFilter {
    /// The types. `None`: all.
    pub types: Option<BTreeSet<EventType>>,
    /// The groups; none: events about anything.
    pub groups: BTreeSet<GroupId>,
}

impl From<&Webhook> for WebhookFilter {
    fn from(webhook: &Webhook) -> Self {
        Self { types: webhook.types.types(), groups: webhook.groups.clone() }
    }
}
