//! Webhooks, and where they may be.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::StoreError;
use crate::event::Event;
use crate::time::Timestamp;
use crate::webhook::{Delivery, SealedSecrets, Webhook, WebhookFilter, WebhookId, WebhookProgress, WebhookUrl};

/// Says where webhooks may be.
pub trait Destinations: Send + Sync {
    /// Fails if nothing is ever sent to this URL. Names are not resolved: to what address a name leads is looked at when something is sent.
    fn check(&self, url: &WebhookUrl) -> Result<(), DestinationError>;
}

/// Why nothing is sent to a URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// It is not encrypted.
    #[error("the URL must begin with https://")]
    NotEncrypted,
    /// Its address is not public.
    #[error("the address {0} is not public")]
    NotPublic(std::net::IpAddr),
    /// It cannot be sent to for another reason.
    #[error("the URL is not valid")]
    Invalid,
}

/// Reads webhooks.
pub trait WebhookReader {
    /// The webhook with this id.
    fn webhook(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError>;
    /// All webhooks, in the order of their ids.
    fn webhooks(&mut self) -> Result<Vec<Webhook>, StoreError>;
    /// The secrets of a webhook.
    fn webhook_secrets(&mut self, id: WebhookId) -> Result<Option<SealedSecrets>, StoreError>;
    /// The deliveries of a webhook that are kept, first the latest.
    fn webhook_deliveries(&mut self, id: WebhookId) -> Result<Vec<Delivery>, StoreError>;
    /// The first event after the place `after`, up to the place `until`, that passes a filter. With types alone or groups alone, the cost does not depend on how
    /// many events there are; with both, on how many of these groups there are between the two places.
    fn next_webhook_event(
        &mut self,
        after: u64,
        until: u64,
        filter: &WebhookFilter,
    ) -> Result<Option<Event>, StoreError>;
    /// What the store's clock shows: the same for all instances.
    fn store_clock(&mut self) -> Result<Timestamp, StoreError>;
}

/// Changes webhooks.
pub trait WebhookWriter {
    /// Adds a webhook.
    fn insert_webhook(&mut self, webhook: &Webhook, secrets: &SealedSecrets) -> Result<(), StoreError>;
    /// The webhook with this id, which no other unit of work changes until this one ends.
    fn webhook_to_change(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError>;
    /// Replaces a webhook that was read in order to be changed, but for its secrets.
    fn update_webhook(&mut self, webhook: &Webhook) -> Result<(), StoreError>;
    /// Replaces how far the deliveries are of a webhook that was read in order to be changed.
    fn update_webhook_progress(&mut self, id: WebhookId, progress: &WebhookProgress) -> Result<(), StoreError>;
    /// Gives a webhook that was read in order to be changed another secret.
    fn rotate_webhook_secret(&mut self, id: WebhookId, secrets: &SealedSecrets) -> Result<(), StoreError>;
    /// Replaces the secrets of a webhook that was read in order to be changed by the same ones, sealed anew.
    fn reseal_webhook_secrets(&mut self, id: WebhookId, secrets: &SealedSecrets) -> Result<(), StoreError>;
    /// Removes a webhook with its deliveries. `false`: there was none.
    fn delete_webhook(&mut self, id: WebhookId) -> Result<bool, StoreError>;
    /// Keeps a delivery of a webhook, and removes those of numbers up to `forgotten`.
    fn insert_webhook_delivery(&mut self, id: WebhookId, delivery: &Delivery, forgotten: u64)
    -> Result<(), StoreError>;
    /// Lets the leases that `holder` has of these webhooks end at `until`.
    fn renew_webhook_leases(
        &mut self,
        holder: Uuid,
        webhooks: &BTreeSet<WebhookId>,
        until: Timestamp,
    ) -> Result<(), StoreError>;
}
