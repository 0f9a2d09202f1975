//! Kept answers to requests with an idempotency key.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};
use guildhall_domain::ports::{EXPIRED_AT_ONCE, IdempotencyWriter, KeptAnswer, StoreError};
use guildhall_domain::secret::SecretDigest;
use guildhall_domain::time::Timestamp;

use crate::connection::AnyConnection;
use crate::dialect::{Dialect, postgres};
use crate::prepared::prepared;
use crate::schema::kept_answers;
use crate::sql_types::Digest;
use crate::unit_of_work::{Failure, Unit};

impl IdempotencyWriter for Unit<'_> {
    /// In SQLite there is one writer.
    fn take_request(&mut self, request: &SecretDigest) -> Result<bool, StoreError> {
        self.run(|connection| match connection {
            AnyConnection::Postgres(connection) => Ok(postgres::try_lock(connection, lock_number(request))?),
            AnyConnection::Sqlite(_) => Ok(true),
        })
    }

    fn kept_answer(&mut self, request: &SecretDigest, now: Timestamp) -> Result<Option<KeptAnswer>, StoreError> {
        self.run(|connection| {
            let row: Option<(Vec<u8>, i64)> = kept_answers::table
                .find(Digest(*request))
                .filter(kept_answers::expires.gt(now.milliseconds()))
                .select((kept_answers::answer, kept_answers::expires))
                .first(connection)
                .optional()?;
            Ok(row.map(|(sealed, expires)| KeptAnswer { sealed, expires: Timestamp::from_milliseconds(expires) }))
        })
    }

    fn keep_answer(&mut self, request: &SecretDigest, answer: &KeptAnswer, now: Timestamp) -> Result<(), StoreError> {
        self.change(|connection| {
            let kept = prepared(
                "INSERT INTO kept_answers (request, answer, expires) VALUES ($1, $2, $3) ON CONFLICT (request) DO UPDATE \
                 SET answer = excluded.answer, expires = excluded.expires WHERE kept_answers.expires <= $4",
            )
            .bind::<Binary, _>(Digest(*request))
            .bind::<Binary, _>(answer.sealed.as_slice())
            .bind::<BigInt, _>(answer.expires.milliseconds())
            .bind::<BigInt, _>(now.milliseconds())
            .execute(connection)?;
            if kept == 0 {
                return Err(Failure::Stale);
            }
            remove_expired(connection, now)
        })
    }
}

/// Removes the first that expired. In PostgreSQL, those that another unit of work removes are passed over.
fn remove_expired(connection: &mut AnyConnection, now: Timestamp) -> Result<(), Failure> {
    prepared(match Dialect::of(connection) {
        Dialect::Postgres => {
            "DELETE FROM kept_answers WHERE request = ANY (ARRAY(SELECT e.request FROM kept_answers e \
             WHERE e.expires <= $1 ORDER BY e.expires LIMIT $2 FOR UPDATE SKIP LOCKED))"
        }
        Dialect::Sqlite => {
            "DELETE FROM kept_answers WHERE request IN (SELECT e.request FROM kept_answers e \
             WHERE e.expires <= $1 ORDER BY e.expires LIMIT $2)"
        }
    })
    .bind::<BigInt, _>(now.milliseconds())
    .bind::<BigInt, _>(i64::from(EXPIRED_AT_ONCE))
    .execute(connection)?;
    Ok(())
}

/// The advisory lock of a request: of its digest, so it is that of no other request, and none of the program's other locks.
fn lock_number(request: &SecretDigest) -> i64 {
    i64::from_be_bytes(std::array::from_fn(|at| request.0[at]))
}
