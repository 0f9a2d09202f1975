//! What changes of webhooks tell.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::properties::Changes;
use super::{Change, Fact, Recorder};
use crate::event::{Event, EventType, Members, Subject};
use crate::ports::{StoreError, WebhookReader, WebhookWriter};
use crate::time::Timestamp;
use crate::webhook::{Delivery, SealedSecrets, Webhook, WebhookFilter, WebhookId, WebhookProgress};

impl Fact {
    /// About a webhook of this name.
    fn of_webhook(kind: EventType, id: WebhookId, name: Option<&str>) -> Self {
        let webhook = json!({ "id": id.to_string(), "name": name });
        let (subject, members) = (Subject::Webhook(id), Members::None);
        let fact = Self { kind, subject, user: None, group: None, members, details: Map::new(), is_by_user: None };
        fact.with("webhook", webhook)
    }
}

impl Recorder<'_> {
    /// A change of the webhook that was read last in order to be changed.
    fn of_seen_webhook(&self, kind: EventType, id: WebhookId) -> Fact {
        Fact::of_webhook(kind, id, self.seen_webhook(id).map(|webhook| webhook.name.as_str()))
    }

    fn seen_webhook(&self, id: WebhookId) -> Option<&Webhook> {
        self.seen.webhook.as_ref().filter(|webhook| webhook.id == id)
    }
}

impl WebhookReader for Recorder<'_> {
    fn webhook(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        self.store.webhook(id)
    }

    fn webhooks(&mut self) -> Result<Vec<Webhook>, StoreError> {
        self.store.webhooks()
    }

    fn webhook_secrets(&mut self, id: WebhookId) -> Result<Option<SealedSecrets>, StoreError> {
        self.store.webhook_secrets(id)
    }

    fn webhook_deliveries(&mut self, id: WebhookId) -> Result<Vec<Delivery>, StoreError> {
        self.store.webhook_deliveries(id)
    }

    fn next_webhook_event(
        &mut self,
        after: u64,
        until: u64,
        filter: &WebhookFilter,
    ) -> Result<Option<Event>, StoreError> {
        self.store.next_webhook_event(after, until, filter)
    }

    fn store_clock(&mut self) -> Result<Timestamp, StoreError> {
        self.store.store_clock()
    }
}

impl WebhookWriter for Recorder<'_> {
    fn insert_webhook(&mut self, webhook: &Webhook, secrets: &SealedSecrets) -> Result<(), StoreError> {
        let fact = Fact::of_webhook(EventType::WebhookCreated, webhook.id, Some(webhook.name.as_str()));
        self.tell(vec![fact.into()], |store| store.insert_webhook(webhook, secrets), |()| true)
    }

    fn webhook_to_change(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        let found = self.store.webhook_to_change(id)?;
        self.seen.webhook.clone_from(&found);
        Ok(found)
    }

    fn update_webhook(&mut self, webhook: &Webhook) -> Result<(), StoreError> {
        let before = self.seen_webhook(webhook.id).cloned();
        let Changes(changes) = before.map(|before| Changes::of_webhooks(&before, webhook)).unwrap_or_default();
        let fact = Fact::of_webhook(EventType::WebhookUpdated, webhook.id, Some(webhook.name.as_str()));
        let told = if changes.is_empty() { Vec::new() } else { vec![fact.with("changes", changes).into()] };
        self.tell(told, |store| store.update_webhook(webhook), |()| true)
    }

    /// Deliveries are no changes of the directory, but that one is disabled is.
    fn update_webhook_progress(&mut self, id: WebhookId, progress: &WebhookProgress) -> Result<(), StoreError> {
        let was_enabled = self.seen_webhook(id).is_some_and(|webhook| webhook.progress.enabled);
        let told: Vec<Change> = if was_enabled && !progress.enabled {
            let last = progress.last_delivery;
            let fact = self.of_seen_webhook(EventType::WebhookDisabled, id);
            let fact = fact
                .with("failures", progress.failures)
                .with("failingSince", progress.failing_since.map(|since| since.to_string()))
                .with("sequence", last.map(|last| last.sequence.to_string()))
                .with("status", last.and_then(|last| last.status));
            vec![fact.into()]
        } else {
            Vec::new()
        };
        self.tell(told, |store| store.update_webhook_progress(id, progress), |()| true)
    }

    fn rotate_webhook_secret(&mut self, id: WebhookId, secrets: &SealedSecrets) -> Result<(), StoreError> {
        let changed = json!({ "secret": { "from": Value::Null, "to": Value::Null } });
        let fact = self.of_seen_webhook(EventType::WebhookUpdated, id).with("changes", changed);
        self.tell(vec![fact.into()], |store| store.rotate_webhook_secret(id, secrets), |()| true)
    }

    /// The secrets stay the same.
    fn reseal_webhook_secrets(&mut self, id: WebhookId, secrets: &SealedSecrets) -> Result<(), StoreError> {
        self.store.reseal_webhook_secrets(id, secrets)
    }

    fn delete_webhook(&mut self, id: WebhookId) -> Result<bool, StoreError> {
        let fact = self.of_seen_webhook(EventType::WebhookDeleted, id);
        self.tell(vec![fact.into()], |store| store.delete_webhook(id), |was_there| *was_there)
    }

    fn insert_webhook_delivery(
        &mut self,
        id: WebhookId,
        delivery: &Delivery,
        forgotten: u64,
    ) -> Result<(), StoreError> {
        self.store.insert_webhook_delivery(id, delivery, forgotten)
    }

    fn renew_webhook_leases(
        &mut self,
        holder: Uuid,
        webhooks: &BTreeSet<WebhookId>,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.store.renew_webhook_leases(holder, webhooks, until)
    }
}
