//! Statements about staying signed in.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use guildhall_domain::access::Scopes;
use guildhall_domain::ports::RefreshGrant;
use guildhall_domain::secret::SecretDigest;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{SecurityStamp, UserId};

use super::Failure;
use crate::connection::AnyConnection;
use crate::schema::refresh_tokens;
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
    most: u32,
) -> Result<(), Failure> {
    let useless = refresh_tokens::stamp.ne(Key(stamp.0)).or(refresh_tokens::expires.le(now.milliseconds()));
    diesel::delete(refresh_tokens::table.filter(refresh_tokens::user_id.eq(Key(user.0))).filter(useless))
        .execute(connection)?;
    sql_query(
        "DELETE FROM refresh_tokens WHERE user_id = $1 AND digest NOT IN (SELECT kept.digest FROM refresh_tokens kept \
         WHERE kept.user_id = $1 ORDER BY kept.expires DESC, kept.digest DESC LIMIT $2)",
    )
    .bind::<UuidSql, _>(Key(user.0))
    .bind::<BigInt, _>(i64::from(most))
    .execute(connection)?;
    Ok(())
}
