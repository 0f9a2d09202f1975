//! The rows of webhooks and of deliveries.

use std::collections::BTreeSet;
use std::time::Duration;

use diesel::prelude::*;
use guildhall_domain::event::EventId;
use guildhall_domain::group::GroupId;
use guildhall_domain::time::Timestamp;
use guildhall_domain::webhook::{
    Delivery, LastDelivery, Lease, SealedSecrets, Webhook, WebhookId, WebhookName, WebhookProgress, WebhookTypes,
    WebhookUrl,
};
use uuid::Uuid;

use crate::schema::{webhook_deliveries, webhooks};
use crate::sql_types::Key;
use crate::unit_of_work::Failure;

/// What an administrator says of a webhook.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = webhooks, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(super) struct PropertyColumns {
    id: Key,
    name: String,
    url: String,
    types: String,
    group_ids: String,
    created: i64,
    created_by: Option<String>,
}

/// How far the deliveries are.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = webhooks, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(super) struct ProgressColumns {
    enabled: bool,
    has_begun: bool,
    position: i64,
    failures: i32,
    failing_since: Option<i64>,
    next_attempt: Option<i64>,
    last_sequence: Option<i64>,
    last_status: Option<i32>,
    last_at: Option<i64>,
    attempts: i64,
    test_id: Option<Key>,
    lease_holder: Option<Key>,
    lease_until: Option<i64>,
}

/// The sealed secrets.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = webhooks, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(super) struct SecretColumns {
    secret: Vec<u8>,
    former_secret: Option<Vec<u8>>,
    former_until: Option<i64>,
}

/// A delivery.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = webhook_deliveries, treat_none_as_default_value = false)]
pub(super) struct DeliveryRow {
    webhook_id: Key,
    number: i64,
    event_id: Key,
    sequence: Option<i64>,
    at: i64,
    duration: i64,
    status: Option<i32>,
    error: Option<String>,
}

/// A number as a column.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn status(column: i32) -> Option<u16> {
    u16::try_from(column).ok()
}

/// The webhook in these columns.
pub(super) fn webhook((row, progress): (PropertyColumns, ProgressColumns)) -> Result<Webhook, Failure> {
    let damaged = |what: &str| Failure::Data(format!("the {what} of the webhook {} are damaged", row.id.0));
    let types: Vec<String> = serde_json::from_str(&row.types).map_err(|_| damaged("types"))?;
    let groups: Vec<String> = serde_json::from_str(&row.group_ids).map_err(|_| damaged("groups"))?;
    let groups: Result<BTreeSet<GroupId>, Failure> =
        groups.iter().map(|group| Uuid::try_parse(group).map(GroupId).map_err(|_| damaged("groups"))).collect();
    Ok(Webhook {
        id: WebhookId(row.id.0),
        name: WebhookName::stored(row.name),
        url: WebhookUrl::stored(row.url),
        types: WebhookTypes::stored(types),
        groups: groups?,
        created: Timestamp::from_milliseconds(row.created),
        created_by: row.created_by,
        progress: progress.into(),
    })
}

impl From<&Webhook> for PropertyColumns {
    fn from(webhook: &Webhook) -> Self {
        let groups: serde_json::Value = webhook.groups.iter().map(ToString::to_string).collect();
        Self {
            id: Key(webhook.id.0),
            name: webhook.name.as_str().to_owned(),
            url: webhook.url.as_str().to_owned(),
            types: serde_json::Value::from(webhook.types.patterns()).to_string(),
            group_ids: groups.to_string(),
            created: webhook.created.milliseconds(),
            created_by: webhook.created_by.clone(),
        }
    }
}

impl From<&WebhookProgress> for ProgressColumns {
    fn from(progress: &WebhookProgress) -> Self {
        let (last, lease) = (progress.last_delivery, progress.lease);
        Self {
            enabled: progress.enabled,
            has_begun: progress.has_begun,
            position: integer(progress.position),
            failures: i32::try_from(progress.failures).unwrap_or(i32::MAX),
            failing_since: progress.failing_since.map(Timestamp::milliseconds),
            next_attempt: progress.next_attempt.map(Timestamp::milliseconds),
            last_sequence: last.map(|last| integer(last.sequence)),
            last_status: last.and_then(|last| last.status).map(i32::from),
            last_at: last.map(|last| last.at.milliseconds()),
            attempts: integer(progress.attempts),
            test_id: progress.test.map(|test| Key(test.0)),
            lease_holder: lease.map(|lease| Key(lease.holder)),
            lease_until: lease.map(|lease| lease.until.milliseconds()),
        }
    }
}

impl From<ProgressColumns> for WebhookProgress {
    fn from(row: ProgressColumns) -> Self {
        let moment = |column: Option<i64>| column.map(Timestamp::from_milliseconds);
        let last = row.last_sequence.zip(moment(row.last_at));
        let lease = row.lease_holder.zip(moment(row.lease_until));
        Self {
            enabled: row.enabled,
            has_begun: row.has_begun,
            position: row.position.unsigned_abs(),
            failures: row.failures.unsigned_abs(),
            failing_since: moment(row.failing_since),
            next_attempt: moment(row.next_attempt),
            last_delivery: last.map(|(sequence, at)| LastDelivery {
                sequence: sequence.unsigned_abs(),
                status: row.last_status.and_then(status),
                at,
            }),
            attempts: row.attempts.unsigned_abs(),
            test: row.test_id.map(|test| EventId(test.0)),
            lease: lease.map(|(holder, until)| Lease { holder: holder.0, until }),
        }
    }
}

impl From<&SealedSecrets> for SecretColumns {
    fn from(secrets: &SealedSecrets) -> Self {
        let (former_secret, former_until) = secrets.former.clone().unzip();
        let former_until = former_until.map(Timestamp::milliseconds);
        Self { secret: secrets.current.clone(), former_secret, former_until }
    }
}

impl From<SecretColumns> for SealedSecrets {
    fn from(row: SecretColumns) -> Self {
        let until = row.former_until.map(Timestamp::from_milliseconds);
        Self { current: row.secret, former: row.former_secret.zip(until) }
    }
}

impl DeliveryRow {
    pub(super) fn of(id: WebhookId, delivery: &Delivery) -> Self {
        Self {
            webhook_id: Key(id.0),
            number: integer(delivery.number),
            event_id: Key(delivery.event.0),
            sequence: delivery.sequence.map(integer),
            at: delivery.at.milliseconds(),
            duration: i64::try_from(delivery.duration.as_millis()).unwrap_or(i64::MAX),
            status: delivery.status.map(i32::from),
            error: delivery.error.clone(),
        }
    }
}

impl From<DeliveryRow> for Delivery {
    fn from(row: DeliveryRow) -> Self {
        Self {
            number: row.number.unsigned_abs(),
            event: EventId(row.event_id.0),
            sequence: row.sequence.map(i64::unsigned_abs),
            at: Timestamp::from_milliseconds(row.at),
            duration: Duration::from_millis(row.duration.unsigned_abs()),
            status: row.status.and_then(status),
            error: row.error,
        }
    }
}
