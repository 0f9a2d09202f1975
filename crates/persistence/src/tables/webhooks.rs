//! Webhooks, and deliveries to them.

mod next_event;
mod rows;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary};
use guildhall_domain::event::Event;
use guildhall_domain::ports::{StoreError, WebhookReader, WebhookWriter};
use guildhall_domain::time::Timestamp;
use guildhall_domain::webhook::{Delivery, SealedSecrets, Webhook, WebhookFilter, WebhookId, WebhookProgress};
use uuid::Uuid;

use crate::connection::AnyConnection;
use crate::dialect::sqlite::{REQUESTED_IDS, packed};
use crate::prepared::prepared;
use crate::schema::{webhook_deliveries, webhooks};
use crate::sql_types::{Key, UuidSql};
use crate::together::{Part, Update, run_together};
use crate::unit_of_work::{Failure, Unit};
use rows::{DeliveryRow, ProgressColumns, PropertyColumns, SecretColumns};

const TABLE: &str = "webhooks";

impl WebhookReader for Unit<'_> {
    fn webhook(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        self.run(|connection| find(connection, id))
    }

    fn webhooks(&mut self) -> Result<Vec<Webhook>, StoreError> {
        self.run(|connection| {
            let rows: Vec<(PropertyColumns, ProgressColumns)> = webhooks::table
                .select((PropertyColumns::as_select(), ProgressColumns::as_select()))
                .order(webhooks::id)
                .load(connection)?;
            rows.into_iter().map(rows::webhook).collect()
        })
    }

    fn webhook_secrets(&mut self, id: WebhookId) -> Result<Option<SealedSecrets>, StoreError> {
        self.run(|connection| {
            let row: Option<SecretColumns> =
                webhooks::table.find(Key(id.0)).select(SecretColumns::as_select()).first(connection).optional()?;
            Ok(row.map(SealedSecrets::from))
        })
    }

    fn webhook_deliveries(&mut self, id: WebhookId) -> Result<Vec<Delivery>, StoreError> {
        self.run(|connection| {
            let rows: Vec<DeliveryRow> = webhook_deliveries::table
                .filter(webhook_deliveries::webhook_id.eq(Key(id.0)))
                .select(DeliveryRow::as_select())
                .order(webhook_deliveries::number.desc())
                .load(connection)?;
            Ok(rows.into_iter().map(Delivery::from).collect())
        })
    }

    fn next_webhook_event(
        &mut self,
        after: u64,
        until: u64,
        filter: &WebhookFilter,
    ) -> Result<Option<Event>, StoreError> {
        self.run(|connection| next_event::find(connection, (after, until), filter))
    }

    fn store_clock(&mut self) -> Result<Timestamp, StoreError> {
        let at = self.moment();
        self.run(|connection| at.milliseconds(connection).map(Timestamp::from_milliseconds))
    }
}

impl WebhookWriter for Unit<'_> {
    fn insert_webhook(&mut self, webhook: &Webhook, secrets: &SealedSecrets) -> Result<(), StoreError> {
        let columns =
            (PropertyColumns::from(webhook), ProgressColumns::from(&webhook.progress), SecretColumns::from(secrets));
        self.change(|connection| {
            diesel::insert_into(webhooks::table).values(columns).execute(connection)?;
            Ok(())
        })
    }

    /// In SQLite there is one writer.
    fn webhook_to_change(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        self.run(|connection| {
            if let AnyConnection::Postgres(connection) = connection {
                prepared("SELECT 1 FROM webhooks WHERE id = $1 FOR UPDATE")
                    .bind::<UuidSql, _>(Key(id.0))
                    .execute(connection)?;
            }
            find(connection, id)
        })
    }

    fn update_webhook(&mut self, webhook: &Webhook) -> Result<(), StoreError> {
        let columns = (PropertyColumns::from(webhook), ProgressColumns::from(&webhook.progress));
        let change =
            Update { table: TABLE, changes: columns.as_changeset(), condition: webhooks::id.eq(Key(webhook.id.0)) };
        self.change(|connection| update(connection, &change))
    }

    fn update_webhook_progress(&mut self, id: WebhookId, progress: &WebhookProgress) -> Result<(), StoreError> {
        let columns = ProgressColumns::from(progress);
        let change = Update { table: TABLE, changes: columns.as_changeset(), condition: webhooks::id.eq(Key(id.0)) };
        self.change(|connection| update(connection, &change))
    }

    fn rotate_webhook_secret(&mut self, id: WebhookId, secrets: &SealedSecrets) -> Result<(), StoreError> {
        let columns = SecretColumns::from(secrets);
        let change = Update { table: TABLE, changes: columns.as_changeset(), condition: webhooks::id.eq(Key(id.0)) };
        self.change(|connection| update(connection, &change))
    }

    fn reseal_webhook_secrets(&mut self, id: WebhookId, secrets: &SealedSecrets) -> Result<(), StoreError> {
        self.rotate_webhook_secret(id, secrets)
    }

    fn delete_webhook(&mut self, id: WebhookId) -> Result<bool, StoreError> {
        self.change(|connection| Ok(diesel::delete(webhooks::table.find(Key(id.0))).execute(connection)? == 1))
    }

    fn insert_webhook_delivery(
        &mut self,
        id: WebhookId,
        delivery: &Delivery,
        forgotten: u64,
    ) -> Result<(), StoreError> {
        let old = diesel::delete(
            webhook_deliveries::table
                .filter(webhook_deliveries::webhook_id.eq(Key(id.0)))
                .filter(webhook_deliveries::number.le(rows::integer(forgotten))),
        );
        let new = diesel::insert_into(webhook_deliveries::table).values(DeliveryRow::of(id, delivery));
        self.change(|connection| Ok(run_together(connection, &[&old, &new]).map(drop)?))
    }

    fn renew_webhook_leases(
        &mut self,
        holder: Uuid,
        webhooks: &BTreeSet<WebhookId>,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        const RENEW: &str = "UPDATE webhooks SET lease_until = $3 WHERE lease_holder = $2 AND id";
        static SQLITE: LazyLock<String> =
            LazyLock::new(|| format!("{REQUESTED_IDS} {RENEW} IN (SELECT id FROM wanted)"));
        static POSTGRES: LazyLock<String> = LazyLock::new(|| format!("{RENEW} = ANY ($1)"));
        let (ids, holder, until) =
            (webhooks.iter().map(|id| Key(id.0)).collect::<Vec<_>>(), Key(holder), until.milliseconds());
        self.change(|connection| {
            match connection {
                AnyConnection::Postgres(connection) => prepared(&POSTGRES)
                    .bind::<Array<UuidSql>, _>(&ids)
                    .bind::<UuidSql, _>(holder)
                    .bind::<BigInt, _>(until)
                    .execute(connection)?,
                AnyConnection::Sqlite(connection) => prepared(&SQLITE)
                    .bind::<Binary, _>(packed(&ids))
                    .bind::<UuidSql, _>(holder)
                    .bind::<BigInt, _>(until)
                    .execute(connection)?,
            };
            Ok(())
        })
    }
}

fn find(connection: &mut AnyConnection, id: WebhookId) -> Result<Option<Webhook>, Failure> {
    let row: Option<(PropertyColumns, ProgressColumns)> = webhooks::table
        .find(Key(id.0))
        .select((PropertyColumns::as_select(), ProgressColumns::as_select()))
        .first(connection)
        .optional()?;
    row.map(rows::webhook).transpose()
}

/// Work that changes a webhook has locked it, so the row is there, unless it never existed.
fn update(connection: &mut AnyConnection, change: &dyn Part) -> Result<(), Failure> {
    if run_together(connection, &[change])? == [1] { Ok(()) } else { Err(Failure::Stale) }
}
