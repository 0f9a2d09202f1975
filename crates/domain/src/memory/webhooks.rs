//! Webhooks in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::State;
use crate::event::Event;
use crate::ports::{StoreError, WebhookReader, WebhookWriter};
use crate::time::Timestamp;
use crate::webhook::{Delivery, Lease, SealedSecrets, Webhook, WebhookFilter, WebhookId, WebhookProgress};

#[derive(Clone, Debug, Default)]
pub(super) struct Webhooks {
    kept: Arc<BTreeMap<WebhookId, Kept>>,
}

/// A webhook with its secrets and its deliveries, first the earliest.
#[derive(Clone, Debug)]
struct Kept {
    webhook: Webhook,
    secrets: SealedSecrets,
    deliveries: Vec<Delivery>,
}

impl State {
    fn change_webhook(&mut self, id: WebhookId, change: impl FnOnce(&mut Kept)) -> Result<(), StoreError> {
        match Arc::make_mut(&mut self.webhooks.kept).get_mut(&id) {
            Some(kept) => {
                change(kept);
                Ok(())
            }
            None => Err(self.refuse("there is no such webhook")),
        }
    }
}

impl WebhookReader for State {
    fn webhook(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        Ok(self.webhooks.kept.get(&id).map(|kept| kept.webhook.clone()))
    }

    fn webhooks(&mut self) -> Result<Vec<Webhook>, StoreError> {
        Ok(self.webhooks.kept.values().map(|kept| kept.webhook.clone()).collect())
    }

    fn webhook_secrets(&mut self, id: WebhookId) -> Result<Option<SealedSecrets>, StoreError> {
        Ok(self.webhooks.kept.get(&id).map(|kept| kept.secrets.clone()))
    }

    fn webhook_deliveries(&mut self, id: WebhookId) -> Result<Vec<Delivery>, StoreError> {
        let kept = self.webhooks.kept.get(&id);
        Ok(kept.map(|kept| kept.deliveries.iter().rev().cloned().collect()).unwrap_or_default())
    }

    fn next_webhook_event(
        &mut self,
        after: u64,
        until: u64,
        filter: &WebhookFilter,
    ) -> Result<Option<Event>, StoreError> {
        Ok(self.events.first_between(after, until, filter))
    }

    fn store_clock(&mut self) -> Result<Timestamp, StoreError> {
        Ok(self.now)
    }
}

impl WebhookWriter for State {
    fn insert_webhook(&mut self, webhook: &Webhook, secrets: &SealedSecrets) -> Result<(), StoreError> {
        if self.webhooks.kept.contains_key(&webhook.id) {
            return Err(self.refuse("the id of the webhook is not free"));
        }
        let kept = Kept { webhook: webhook.clone(), secrets: secrets.clone(), deliveries: Vec::new() };
        Arc::make_mut(&mut self.webhooks.kept).insert(webhook.id, kept);
        Ok(())
    }

    fn webhook_to_change(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        self.webhook(id)
    }

    fn update_webhook(&mut self, webhook: &Webhook) -> Result<(), StoreError> {
        self.change_webhook(webhook.id, |kept| kept.webhook = webhook.clone())
    }

    fn update_webhook_progress(&mut self, id: WebhookId, progress: &WebhookProgress) -> Result<(), StoreError> {
        self.change_webhook(id, |kept| kept.webhook.progress = progress.clone())
    }

    fn rotate_webhook_secret(&mut self, id: WebhookId, secrets: &SealedSecrets) -> Result<(), StoreError> {
        self.change_webhook(id, |kept| kept.secrets = secrets.clone())
    }

    fn reseal_webhook_secrets(&mut self, id: WebhookId, secrets: &SealedSecrets) -> Result<(), StoreError> {
        self.rotate_webhook_secret(id, secrets)
    }

    fn delete_webhook(&mut self, id: WebhookId) -> Result<bool, StoreError> {
        Ok(Arc::make_mut(&mut self.webhooks.kept).remove(&id).is_some())
    }

    fn insert_webhook_delivery(
        &mut self,
        id: WebhookId,
        delivery: &Delivery,
        forgotten: u64,
    ) -> Result<(), StoreError> {
        self.change_webhook(id, |kept| {
            kept.deliveries.retain(|delivery| delivery.number > forgotten);
            kept.deliveries.push(delivery.clone());
        })
    }

    fn renew_webhook_leases(
        &mut self,
        holder: Uuid,
        webhooks: &BTreeSet<WebhookId>,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let all = Arc::make_mut(&mut self.webhooks.kept).values_mut();
        for kept in all.filter(|kept| webhooks.contains(&kept.webhook.id)) {
            let progress = &mut kept.webhook.progress;
            progress.lease =
                progress.lease.map(|lease| if lease.holder == holder { Lease { until, ..lease } } else { lease });
        }
        Ok(())
    }
}
