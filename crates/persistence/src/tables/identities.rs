//! Links between users and the subjects of external issuers.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use guildhall_domain::external::IdentityLink;
use guildhall_domain::ports::{IdentityReader, IdentityWriter, StoreError};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;

use super::events::run_with_events;
use crate::prepared::prepared;
use crate::schema::identities;
use crate::sql_types::{Key, UuidSql};
use crate::together::ByDialect;
use crate::unit_of_work::{Failure, Unit};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = identities, treat_none_as_default_value = false)]
struct LinkRow {
    issuer: String,
    subject: String,
    user_id: Key,
    linked: i64,
    latest_token: Option<i64>,
}

impl From<LinkRow> for IdentityLink {
    fn from(row: LinkRow) -> Self {
        Self {
            issuer: row.issuer,
            subject: row.subject,
            user: UserId(row.user_id.0),
            linked: Timestamp::from_milliseconds(row.linked),
            latest_token: row.latest_token.map(Timestamp::from_milliseconds),
        }
    }
}

impl IdentityReader for Unit<'_> {
    fn identity(&mut self, issuer: &str, subject: &str) -> Result<Option<IdentityLink>, StoreError> {
        // PostgreSQL refuses texts with a null character, and so stores none.
        if issuer.contains('\0') || subject.contains('\0') {
            return Ok(None);
        }
        self.run(|connection| {
            let link = identities::table.find((issuer, subject));
            let row = link.select(LinkRow::as_select()).first(connection).optional()?;
            Ok(row.map(IdentityLink::from))
        })
    }

    fn identities_of(&mut self, user: UserId) -> Result<Vec<IdentityLink>, StoreError> {
        self.run(|connection| {
            let rows = identities::table
                .filter(identities::user_id.eq(Key(user.0)))
                .order((identities::issuer, identities::subject))
                .select(LinkRow::as_select())
                .load(connection)?;
            Ok(rows.into_iter().map(IdentityLink::from).collect())
        })
    }
}

impl IdentityWriter for Unit<'_> {
    fn insert_identity(&mut self, link: &IdentityLink) -> Result<(), StoreError> {
        let row = LinkRow {
            issuer: link.issuer.clone(),
            subject: link.subject.clone(),
            user_id: Key(link.user.0),
            linked: link.linked.milliseconds(),
            latest_token: link.latest_token.map(Timestamp::milliseconds),
        };
        self.change(|connection| {
            diesel::insert_into(identities::table).values(row).execute(connection)?;
            Ok(())
        })
    }

    /// Fails if the link was removed after it was read; the work then runs again and finds no link.
    fn set_latest_token(&mut self, issuer: &str, subject: &str, at: Timestamp) -> Result<(), StoreError> {
        self.change(|connection| {
            let changed = prepared("UPDATE identities SET latest_token = $1 WHERE issuer = $2 AND subject = $3")
                .bind::<BigInt, _>(at.milliseconds())
                .bind::<Text, _>(issuer)
                .bind::<Text, _>(subject)
                .execute(connection)?;
            if changed == 0 { Err(Failure::Stale) } else { Ok(()) }
        })
    }

    fn delete_identities(&mut self, user: UserId, links: &[IdentityLink]) -> Result<(), StoreError> {
        let (issuers, subjects): (Vec<&str>, Vec<&str>) =
            links.iter().map(|link| (&*link.issuer, &*link.subject)).unzip();
        let removed = ByDialect {
            postgres: prepared(
                "DELETE FROM identities WHERE user_id = $1 AND (issuer, subject) IN \
                 (SELECT gone.issuer, gone.subject FROM unnest($2, $3) AS gone (issuer, subject))",
            )
            .bind::<UuidSql, _>(Key(user.0))
            .bind::<Array<Text>, _>(&issuers)
            .bind::<Array<Text>, _>(&subjects),
            sqlite: prepared(
                "DELETE FROM identities WHERE user_id = $1 AND (issuer, subject) IN (SELECT gone.value, other.value \
                 FROM json_each($2) gone CROSS JOIN json_each($3) other ON other.key = gone.key)",
            )
            .bind::<UuidSql, _>(Key(user.0))
            .bind::<Text, _>(serde_json::Value::from(issuers.clone()).to_string())
            .bind::<Text, _>(serde_json::Value::from(subjects.clone()).to_string()),
        };
        self.change_with_events(|connection, events| run_with_events(connection, &removed, events).map(drop))
    }
}
