//! Statements about the links between users and subjects of outside issuers.

use diesel::prelude::*;
use guildhall_domain::external::IdentityLink;
use guildhall_domain::name::NameKey;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;

use super::Failure;
use crate::connection::AnyConnection;
use crate::schema::{identities, user_identifiers};
use crate::sql_types::Key;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = identities)]
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

pub(super) fn find(
    connection: &mut AnyConnection,
    issuer: &str,
    subject: &str,
) -> Result<Option<IdentityLink>, Failure> {
    // PostgreSQL has no text with a null character.
    if issuer.contains('\0') || subject.contains('\0') {
        return Ok(None);
    }
    let row = identities::table.find((issuer, subject)).select(LinkRow::as_select()).first(connection).optional()?;
    Ok(row.map(IdentityLink::from))
}

pub(super) fn of_user(connection: &mut AnyConnection, user: UserId) -> Result<Vec<IdentityLink>, Failure> {
    let rows = identities::table
        .filter(identities::user_id.eq(Key(user.0)))
        .order((identities::issuer, identities::subject))
        .select(LinkRow::as_select())
        .load(connection)?;
    Ok(rows.into_iter().map(IdentityLink::from).collect())
}

pub(super) fn insert(connection: &mut AnyConnection, link: &IdentityLink) -> Result<(), Failure> {
    let row = LinkRow {
        issuer: link.issuer.clone(),
        subject: link.subject.clone(),
        user_id: Key(link.user.0),
        linked: link.linked.milliseconds(),
        latest_token: link.latest_token.map(Timestamp::milliseconds),
    };
    diesel::insert_into(identities::table).values(row).execute(connection)?;
    Ok(())
}

/// A link that was removed after it was read is not changed: the work finds out.
pub(super) fn set_latest_token(
    connection: &mut AnyConnection,
    issuer: &str,
    subject: &str,
    at: Timestamp,
) -> Result<(), Failure> {
    let changed = diesel::update(identities::table.find((issuer, subject)))
        .set(identities::latest_token.eq(at.milliseconds()))
        .execute(connection)?;
    if changed == 0 { Err(Failure::Stale) } else { Ok(()) }
}

pub(super) fn delete(connection: &mut AnyConnection, issuer: &str, subject: &str) -> Result<(), Failure> {
    diesel::delete(identities::table.find((issuer, subject))).execute(connection)?;
    Ok(())
}

pub(super) fn user_named_by_authority(
    connection: &mut AnyConnection,
    name: &NameKey,
) -> Result<Option<UserId>, Failure> {
    let user: Option<Key> = user_identifiers::table
        .find(name.as_str())
        .filter(user_identifiers::by_authority)
        .select(user_identifiers::user_id)
        .first(connection)
        .optional()?;
    Ok(user.map(|key| UserId(key.0)))
}
