//! Sessions: refresh tokens.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};
use guildhall_domain::access::Scopes;
use guildhall_domain::ports::{AccountStatus, RefreshGrant, SessionReader, SessionWriter, StoreError};
use guildhall_domain::secret::SecretDigest;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{SecurityStamp, UserId};

use super::lookup;
use crate::prepared::prepared;
use crate::schema::refresh_tokens;
use crate::sql_types::{Digest, Key, UuidSql};
use crate::together::run_together;
use crate::unit_of_work::{Failure, Unit};

impl SessionReader for Unit<'_> {
    fn refresh_grant_and_account(
        &mut self,
        token: &SecretDigest,
    ) -> Result<Option<(RefreshGrant, AccountStatus)>, StoreError> {
        let at = self.moment();
        self.run(|connection| lookup::refresh_grant_and_account(connection, at, token))
    }

    fn refresh_grant(&mut self, token: &SecretDigest) -> Result<Option<RefreshGrant>, StoreError> {
        self.run(|connection| {
            let row: Option<(Key, Key, String, i64)> = refresh_tokens::table
                .find(Digest(*token))
                .select((
                    refresh_tokens::user_id,
                    refresh_tokens::stamp,
                    refresh_tokens::scopes,
                    refresh_tokens::expires,
                ))
                .first(connection)
                .optional()?;
            Ok(row.map(|(user, stamp, scopes, expires)| RefreshGrant {
                user: UserId(user.0),
                stamp: SecurityStamp(stamp.0),
                scopes: Scopes::known_in(&scopes),
                expires: Timestamp::from_milliseconds(expires),
            }))
        })
    }
}

impl SessionWriter for Unit<'_> {
    fn insert_refresh_token(&mut self, token: &SecretDigest, grant: &RefreshGrant) -> Result<(), StoreError> {
        let row = (
            refresh_tokens::digest.eq(Digest(*token)),
            refresh_tokens::user_id.eq(Key(grant.user.0)),
            refresh_tokens::stamp.eq(Key(grant.stamp.0)),
            refresh_tokens::scopes.eq(grant.scopes.to_text()),
            refresh_tokens::expires.eq(grant.expires.milliseconds()),
        );
        self.change(|connection| {
            diesel::insert_into(refresh_tokens::table).values(row).execute(connection)?;
            Ok(())
        })
    }

    /// Fails if the token was deleted with its user after it was read; the work then runs again and finds no token.
    fn extend_refresh_token(&mut self, token: &SecretDigest, expires: Timestamp) -> Result<(), StoreError> {
        self.change(|connection| {
            let extended = prepared("UPDATE refresh_tokens SET expires = $1 WHERE digest = $2")
                .bind::<BigInt, _>(expires.milliseconds())
                .bind::<Binary, _>(Digest(*token))
                .execute(connection)?;
            if extended == 0 { Err(Failure::Stale) } else { Ok(()) }
        })
    }

    fn forget_refresh_tokens(
        &mut self,
        user: UserId,
        stamp: SecurityStamp,
        now: Timestamp,
        most: u32,
    ) -> Result<(), StoreError> {
        let invalid = prepared("DELETE FROM refresh_tokens WHERE user_id = $1 AND (stamp <> $2 OR expires <= $3)")
            .bind::<UuidSql, _>(Key(user.0))
            .bind::<UuidSql, _>(Key(stamp.0))
            .bind::<BigInt, _>(now.milliseconds());
        let excess = prepared(
            "DELETE FROM refresh_tokens WHERE user_id = $1 AND stamp = $3 AND expires > $4 AND digest NOT IN \
             (SELECT kept.digest FROM refresh_tokens kept WHERE kept.user_id = $1 AND kept.stamp = $3 AND kept.expires > $4 \
             ORDER BY kept.expires DESC, kept.digest DESC LIMIT $2)",
        )
        .bind::<UuidSql, _>(Key(user.0))
        .bind::<BigInt, _>(i64::from(most))
        .bind::<UuidSql, _>(Key(stamp.0))
        .bind::<BigInt, _>(now.milliseconds());
        self.change(|connection| {
            run_together(connection, &[&invalid, &excess])?;
            Ok(())
        })
    }
}
