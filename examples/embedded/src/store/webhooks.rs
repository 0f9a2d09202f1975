//! Webhooks, each with its secrets and its deliveries in one row.

use std::collections::BTreeSet;
use std::time::Duration;

use guildhall_domain::event::{Event, EventId};
use guildhall_domain::group::GroupId;
use guildhall_domain::ports::{StoreError, WebhookReader, WebhookWriter};
use guildhall_domain::time::Timestamp;
use guildhall_domain::webhook::{
    Delivery, LastDelivery, Lease, SealedSecrets, Webhook, WebhookFilter, WebhookId, WebhookName, WebhookProgress,
    WebhookTypes, WebhookUrl,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::UnitOfWork;
use super::events::{EVENTS, EventRow};
use super::tables::{Changes, Rows, Tables};

/// Webhooks, by their id.
pub(super) const WEBHOOKS: Rows<Uuid, WebhookRow> = Rows::new("webhooks");

#[derive(Serialize, Deserialize)]
pub(super) struct WebhookRow {
    id: Uuid,
    name: String,
    url: String,
    types: Vec<String>,
    groups: BTreeSet<Uuid>,
    created: i64,
    created_by: Option<String>,
    progress: ProgressRow,
    secret: Vec<u8>,
    former_secret: Option<(Vec<u8>, i64)>,
    /// First the earliest.
    deliveries: Vec<DeliveryRow>,
}

#[derive(Serialize, Deserialize)]
struct ProgressRow {
    enabled: bool,
    has_begun: bool,
    position: u64,
    failures: u32,
    failing_since: Option<i64>,
    next_attempt: Option<i64>,
    last_delivery: Option<(u64, Option<u16>, i64)>,
    attempts: u64,
    test: Option<Uuid>,
    lease: Option<(Uuid, i64)>,
}

#[derive(Serialize, Deserialize)]
struct DeliveryRow {
    number: u64,
    event: Uuid,
    sequence: Option<u64>,
    at: i64,
    duration: Duration,
    status: Option<u16>,
    error: Option<String>,
}

fn moment(milliseconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(milliseconds)
}

impl WebhookRow {
    fn set(&mut self, webhook: &Webhook) {
        webhook.name.as_str().clone_into(&mut self.name);
        webhook.url.as_str().clone_into(&mut self.url);
        self.types = webhook.types.patterns().to_vec();
        self.groups = webhook.groups.iter().map(|group| group.0).collect();
        self.progress = ProgressRow::from(&webhook.progress);
    }

    fn set_secrets(&mut self, secrets: &SealedSecrets) {
        self.secret.clone_from(&secrets.current);
        self.former_secret = secrets.former.clone().map(|(former, until)| (former, until.milliseconds()));
    }
}

impl From<&WebhookRow> for Webhook {
    fn from(row: &WebhookRow) -> Self {
        Self {
            id: WebhookId(row.id),
            name: WebhookName::stored(row.name.clone()),
            url: WebhookUrl::stored(row.url.clone()),
            types: WebhookTypes::stored(row.types.clone()),
            groups: row.groups.iter().copied().map(GroupId).collect(),
            created: moment(row.created),
            created_by: row.created_by.clone(),
            progress: WebhookProgress::from(&row.progress),
        }
    }
}

impl From<&WebhookProgress> for ProgressRow {
    fn from(progress: &WebhookProgress) -> Self {
        Self {
            enabled: progress.enabled,
            has_begun: progress.has_begun,
            position: progress.position,
            failures: progress.failures,
            failing_since: progress.failing_since.map(Timestamp::milliseconds),
            next_attempt: progress.next_attempt.map(Timestamp::milliseconds),
            last_delivery: progress.last_delivery.map(|last| (last.sequence, last.status, last.at.milliseconds())),
            attempts: progress.attempts,
            test: progress.test.map(|test| test.0),
            lease: progress.lease.map(|lease| (lease.holder, lease.until.milliseconds())),
        }
    }
}

impl From<&ProgressRow> for WebhookProgress {
    fn from(row: &ProgressRow) -> Self {
        let last = |(sequence, status, at)| LastDelivery { sequence, status, at: moment(at) };
        Self {
            enabled: row.enabled,
            has_begun: row.has_begun,
            position: row.position,
            failures: row.failures,
            failing_since: row.failing_since.map(moment),
            next_attempt: row.next_attempt.map(moment),
            last_delivery: row.last_delivery.map(last),
            attempts: row.attempts,
            test: row.test.map(EventId),
            lease: row.lease.map(|(holder, until)| Lease { holder, until: moment(until) }),
        }
    }
}

impl From<&Delivery> for DeliveryRow {
    fn from(delivery: &Delivery) -> Self {
        let Delivery { number, event, sequence, at, duration, status, error } = delivery.clone();
        Self { number, event: event.0, sequence, at: at.milliseconds(), duration, status, error }
    }
}

impl From<DeliveryRow> for Delivery {
    fn from(row: DeliveryRow) -> Self {
        let DeliveryRow { number, event, sequence, at, duration, status, error } = row;
        Self { number, event: EventId(event), sequence, at: moment(at), duration, status, error }
    }
}

impl<T: Tables> WebhookReader for UnitOfWork<T> {
    fn webhook(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        Ok(WEBHOOKS.get(&self.0, id.0)?.as_ref().map(Webhook::from))
    }

    fn webhooks(&mut self) -> Result<Vec<Webhook>, StoreError> {
        Ok(WEBHOOKS.all(&self.0)?.iter().map(Webhook::from).collect())
    }

    fn webhook_secrets(&mut self, id: WebhookId) -> Result<Option<SealedSecrets>, StoreError> {
        Ok(WEBHOOKS.get(&self.0, id.0)?.map(|row| SealedSecrets {
            current: row.secret,
            former: row.former_secret.map(|(former, until)| (former, moment(until))),
        }))
    }

    fn webhook_deliveries(&mut self, id: WebhookId) -> Result<Vec<Delivery>, StoreError> {
        let row = WEBHOOKS.get(&self.0, id.0)?;
        Ok(row.map(|row| row.deliveries.into_iter().rev().map(Delivery::from).collect()).unwrap_or_default())
    }

    fn next_webhook_event(
        &mut self,
        after: u64,
        until: u64,
        filter: &WebhookFilter,
    ) -> Result<Option<Event>, StoreError> {
        EVENTS
            .all(&self.0)?
            .into_iter()
            .find(|row| row.is_wanted(after, until, filter))
            .map(EventRow::event)
            .transpose()
    }

    fn store_clock(&mut self) -> Result<Timestamp, StoreError> {
        Ok(self.1.now)
    }
}

impl UnitOfWork<Changes> {
    fn change_webhook(&mut self, id: WebhookId, change: impl FnOnce(&mut WebhookRow)) -> Result<(), StoreError> {
        let row = WEBHOOKS.get(&self.0, id.0)?;
        let mut row = row.ok_or_else(|| StoreError::failed("there is no such webhook"))?;
        change(&mut row);
        WEBHOOKS.put(&self.0, id.0, &row).map(drop)
    }
}

impl WebhookWriter for UnitOfWork<Changes> {
    fn insert_webhook(&mut self, webhook: &Webhook, secrets: &SealedSecrets) -> Result<(), StoreError> {
        let mut row = WebhookRow {
            id: webhook.id.0,
            name: String::new(),
            url: String::new(),
            types: Vec::new(),
            groups: BTreeSet::new(),
            created: webhook.created.milliseconds(),
            created_by: webhook.created_by.clone(),
            progress: ProgressRow::from(&webhook.progress),
            secret: Vec::new(),
            former_secret: None,
            deliveries: Vec::new(),
        };
        row.set(webhook);
        row.set_secrets(secrets);
        WEBHOOKS.insert(&self.0, row.id, &row)
    }

    fn webhook_to_change(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        self.webhook(id)
    }

    fn update_webhook(&mut self, webhook: &Webhook) -> Result<(), StoreError> {
        self.change_webhook(webhook.id, |row| row.set(webhook))
    }

    fn update_webhook_progress(&mut self, id: WebhookId, progress: &WebhookProgress) -> Result<(), StoreError> {
        self.change_webhook(id, |row| row.progress = ProgressRow::from(progress))
    }

    fn rotate_webhook_secret(&mut self, id: WebhookId, secrets: &SealedSecrets) -> Result<(), StoreError> {
        self.change_webhook(id, |row| row.set_secrets(secrets))
    }

    fn reseal_webhook_secrets(&mut self, id: WebhookId, secrets: &SealedSecrets) -> Result<(), StoreError> {
        self.rotate_webhook_secret(id, secrets)
    }

    fn delete_webhook(&mut self, id: WebhookId) -> Result<bool, StoreError> {
        let is_there = WEBHOOKS.get(&self.0, id.0)?.is_some();
        WEBHOOKS.remove(&self.0, id.0)?;
        Ok(is_there)
    }

    fn insert_webhook_delivery(
        &mut self,
        id: WebhookId,
        delivery: &Delivery,
        forgotten: u64,
    ) -> Result<(), StoreError> {
        self.change_webhook(id, |row| {
            row.deliveries.retain(|delivery| delivery.number > forgotten);
            row.deliveries.push(DeliveryRow::from(delivery));
        })
    }

    fn renew_webhook_leases(
        &mut self,
        holder: Uuid,
        webhooks: &BTreeSet<WebhookId>,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        for mut row in WEBHOOKS.all(&self.0)? {
            if webhooks.contains(&WebhookId(row.id)) && row.progress.lease.is_some_and(|(of, _)| of == holder) {
                row.progress.lease = Some((holder, until.milliseconds()));
                WEBHOOKS.put(&self.0, row.id, &row)?;
            }
        }
        Ok(())
    }
}
