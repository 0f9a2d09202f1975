//! Statements about staying signed in, and about sign-ins that are counted.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use guildhall_domain::access::Scopes;
use guildhall_domain::ports::RefreshGrant;
use guildhall_domain::secret::SecretDigest;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{SecurityStamp, UserId};
use uuid::Uuid;

use super::search::upkeep;
use super::{Failure, users};
use crate::connection::AnyConnection;
use crate::schema::{foreign_sign_ins, refresh_tokens, unknown_sign_ins};
use crate::sql_types::{Digest, Key, UuidSql};

pub(super) fn grant(connection: &mut AnyConnection, token: &SecretDigest) -> Result<Option<RefreshGrant>, Failure> {
    let row: Option<(Key, Key, String, i64)> = refresh_tokens::table
        .find(Digest(*token))
        .select((refresh_tokens::user_id, refresh_tokens::stamp, refresh_tokens::scopes, refresh_tokens::expires))
        .first(connection)
        .optional()?;
    Ok(row.map(|(user, stamp, scopes, expires)| RefreshGrant {
        user: UserId(user.0),
        stamp: SecurityStamp(stamp.0),
        scopes: Scopes::known_in(&scopes),
        expires: Timestamp::from_milliseconds(expires),
    }))
}

pub(super) fn insert(
    connection: &mut AnyConnection,
    token: &SecretDigest,
    grant: &RefreshGrant,
) -> Result<(), Failure> {
    let row = (
        refresh_tokens::digest.eq(Digest(*token)),
        refresh_tokens::user_id.eq(Key(grant.user.0)),
        refresh_tokens::stamp.eq(Key(grant.stamp.0)),
        refresh_tokens::scopes.eq(grant.scopes.to_text()),
        refresh_tokens::expires.eq(grant.expires.milliseconds()),
    );
    diesel::insert_into(refresh_tokens::table).values(row).execute(connection)?;
    Ok(())
}

/// A token that went with its user after it was read is not extended: the work finds out.
pub(super) fn extend(connection: &mut AnyConnection, token: &SecretDigest, expires: Timestamp) -> Result<(), Failure> {
    let extended = diesel::update(refresh_tokens::table.find(Digest(*token)))
        .set(refresh_tokens::expires.eq(expires.milliseconds()))
        .execute(connection)?;
    if extended == 0 { Err(Failure::Stale) } else { Ok(()) }
}

pub(super) fn forget(
    connection: &mut AnyConnection,
    user: UserId,
    stamp: SecurityStamp,
    now: Timestamp,
) -> Result<(), Failure> {
    let useless = refresh_tokens::stamp.ne(Key(stamp.0)).or(refresh_tokens::expires.le(now.milliseconds()));
    diesel::delete(refresh_tokens::table.filter(refresh_tokens::user_id.eq(Key(user.0))).filter(useless))
        .execute(connection)?;
    Ok(())
}

/// Looks for nobody as often as a wrong password of somebody makes one look for them, so that both take as many round
/// trips. The one row that all such work changes comes last, so that nobody waits for it long.
pub(super) fn count_unknown(connection: &mut AnyConnection, at: Timestamp) -> Result<(), Failure> {
    let nobody = UserId(Uuid::nil());
    users::password(connection, nobody)?;
    users::find_to_change(connection, nobody)?;
    upkeep::present(connection, nobody)?;
    users::identifiers_of(connection, nobody)?;
    diesel::update(unknown_sign_ins::table)
        .set((
            unknown_sign_ins::attempts.eq(unknown_sign_ins::attempts + 1),
            unknown_sign_ins::latest.eq(at.milliseconds()),
        ))
        .execute(connection)?;
    Ok(())
}

pub(super) fn last_foreign(connection: &mut AnyConnection, user: UserId) -> Result<Option<Timestamp>, Failure> {
    let issued: Option<i64> =
        foreign_sign_ins::table.find(Key(user.0)).select(foreign_sign_ins::issued).first(connection).optional()?;
    Ok(issued.map(Timestamp::from_milliseconds))
}

pub(super) fn set_last_foreign(connection: &mut AnyConnection, user: UserId, issued: Timestamp) -> Result<(), Failure> {
    sql_query(
        "INSERT INTO foreign_sign_ins (user_id, issued) VALUES ($1, $2) \
         ON CONFLICT (user_id) DO UPDATE SET issued = excluded.issued",
    )
    .bind::<UuidSql, _>(Key(user.0))
    .bind::<BigInt, _>(issued.milliseconds())
    .execute(connection)?;
    Ok(())
}
