//! Kept answers to requests with an idempotency key.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable};
use guildhall_domain::ports::{AnswerCounter, EXPIRED_AT_ONCE, IdempotencyWriter, KeptAnswer, KeptTotal, StoreError};
use guildhall_domain::secret::SecretDigest;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;

use crate::connection::AnyConnection;
use crate::dialect::postgres;
use crate::prepared::prepared;
use crate::sql_types::{Digest, Key, UuidSql};
use crate::together::{ByDialect, Part, run_together};
use crate::unit_of_work::{Failure, Unit};

/// What is kept for a request, and for its caller.
#[derive(QueryableByName)]
struct KeptRow {
    #[diesel(sql_type = Nullable<Binary>)]
    answer: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<BigInt>)]
    expires: Option<i64>,
    #[diesel(sql_type = BigInt)]
    answers: i64,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    first_ends: Option<i64>,
}

impl IdempotencyWriter for Unit<'_> {
    /// In SQLite there is one writer.
    fn take_request(&mut self, request: &SecretDigest) -> Result<bool, StoreError> {
        self.run(|connection| match connection {
            AnyConnection::Postgres(connection) => Ok(postgres::try_lock(connection, lock_number(request))?),
            AnyConnection::Sqlite(_) => Ok(true),
        })
    }

    fn kept_answer(
        &mut self,
        request: &SecretDigest,
        caller: UserId,
        now: Timestamp,
    ) -> Result<(Option<KeptAnswer>, KeptTotal), StoreError> {
        let statement = prepared(
            "SELECT k.answer, k.expires, t.answers, t.bytes, t.first_ends FROM \
             (SELECT CAST(coalesce(sum(c.answers), 0) AS bigint) AS answers, CAST(coalesce(sum(c.bytes), 0) AS bigint) AS bytes, \
                 min(c.ends) AS first_ends FROM kept_answer_counts c WHERE c.caller = $1 AND c.ends > $2) t \
             LEFT JOIN kept_answers k ON k.request = $3 AND k.expires > $2",
        )
        .bind::<UuidSql, _>(Key(caller.0))
        .bind::<BigInt, _>(now.milliseconds())
        .bind::<Binary, _>(Digest(*request));
        let row: KeptRow = self.run(|connection| {
            Ok(match connection {
                AnyConnection::Postgres(connection) => statement.get_result(connection)?,
                AnyConnection::Sqlite(connection) => statement.get_result(connection)?,
            })
        })?;
        let answer = row.answer.zip(row.expires);
        let total = KeptTotal {
            answers: row.answers.unsigned_abs(),
            bytes: row.bytes.unsigned_abs(),
            first_ends: row.first_ends.map(Timestamp::from_milliseconds),
        };
        Ok((
            answer.map(|(sealed, expires)| KeptAnswer { sealed, expires: Timestamp::from_milliseconds(expires) }),
            total,
        ))
    }

    /// One round trip. The counter is locked as late as possible: until this unit of work ends.
    fn keep_answer(
        &mut self,
        request: &SecretDigest,
        answer: &KeptAnswer,
        counter: AnswerCounter,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let kept = prepared(
            "INSERT INTO kept_answers (request, answer, expires) VALUES ($1, $2, $3) ON CONFLICT (request) DO UPDATE \
             SET answer = excluded.answer, expires = excluded.expires WHERE kept_answers.expires <= $4",
        )
        .bind::<Binary, _>(Digest(*request))
        .bind::<Binary, _>(answer.sealed.as_slice())
        .bind::<BigInt, _>(answer.expires.milliseconds())
        .bind::<BigInt, _>(now.milliseconds());
        let raised = count(counter, answer);
        let (of_answers, of_counters) = (remove_answers(request, now), remove_counters(now));
        self.change(|connection| {
            let changes: [&dyn Part; 4] = [&kept, &raised, &of_answers, &of_counters];
            if run_together(connection, &changes)?.first() == Some(&0) {
                return Err(Failure::Stale);
            }
            Ok(())
        })
    }
}

/// Counts an answer. In PostgreSQL by the first slot of the counter, or by the connection's own while another transaction has locked the first one.
fn count(counter: AnswerCounter, answer: &KeptAnswer) -> impl Part {
    let with_parameters = |text| {
        prepared(text)
            .bind::<UuidSql, _>(Key(counter.caller.0))
            .bind::<BigInt, _>(counter.ends.milliseconds())
            .bind::<BigInt, _>(i64::try_from(answer.size()).unwrap_or(i64::MAX))
    };
    ByDialect {
        postgres: with_parameters(
            "WITH first AS (SELECT 1 FROM kept_answer_counts WHERE caller = $1 AND ends = $2 AND slot = 0), \
             free AS (SELECT 1 FROM kept_answer_counts WHERE caller = $1 AND ends = $2 AND slot = 0 FOR NO KEY UPDATE SKIP LOCKED) \
             INSERT INTO kept_answer_counts (caller, ends, slot, answers, bytes) \
             SELECT $1, $2, CASE WHEN EXISTS (SELECT 1 FROM free) OR NOT EXISTS (SELECT 1 FROM first) THEN 0 \
                 ELSE 1 + pg_backend_pid() % 64 END, 1, $3 \
             ON CONFLICT (caller, ends, slot) DO UPDATE SET answers = kept_answer_counts.answers + 1, \
             bytes = kept_answer_counts.bytes + excluded.bytes",
        ),
        sqlite: with_parameters(
            "INSERT INTO kept_answer_counts (caller, ends, slot, answers, bytes) VALUES ($1, $2, 0, 1, $3) \
             ON CONFLICT (caller, ends, slot) DO UPDATE SET answers = kept_answer_counts.answers + 1, \
             bytes = kept_answer_counts.bytes + excluded.bytes",
        ),
    }
}

/// Removes the answers that expired first, but not that of `request`. In PostgreSQL, those that another unit of work removes are passed over.
fn remove_answers(request: &SecretDigest, now: Timestamp) -> impl Part {
    let with_parameters = |text| {
        prepared(text)
            .bind::<Binary, _>(Digest(*request))
            .bind::<BigInt, _>(now.milliseconds())
            .bind::<BigInt, _>(i64::from(EXPIRED_AT_ONCE))
    };
    ByDialect {
        postgres: with_parameters(
            "DELETE FROM kept_answers WHERE request = ANY (ARRAY(SELECT e.request FROM kept_answers e \
             WHERE e.expires <= $2 AND e.request <> $1 ORDER BY e.expires LIMIT $3 FOR UPDATE SKIP LOCKED))",
        ),
        sqlite: with_parameters(
            "DELETE FROM kept_answers WHERE request IN (SELECT e.request FROM kept_answers e \
             WHERE e.expires <= $2 AND e.request <> $1 ORDER BY e.expires LIMIT $3)",
        ),
    }
}

/// Removes the counters that ended first, likewise. Nothing is counted by them any more, so in PostgreSQL their rows stay where they were found.
fn remove_counters(now: Timestamp) -> impl Part {
    let with_parameters =
        |text| prepared(text).bind::<BigInt, _>(now.milliseconds()).bind::<BigInt, _>(i64::from(EXPIRED_AT_ONCE));
    ByDialect {
        postgres: with_parameters(
            "DELETE FROM kept_answer_counts WHERE ctid = ANY (ARRAY(SELECT e.ctid FROM kept_answer_counts e \
             WHERE e.ends <= $1 ORDER BY e.ends LIMIT $2 FOR UPDATE SKIP LOCKED))",
        ),
        sqlite: with_parameters(
            "DELETE FROM kept_answer_counts WHERE (caller, ends, slot) IN (SELECT e.caller, e.ends, e.slot FROM kept_answer_counts e \
             WHERE e.ends <= $1 ORDER BY e.ends LIMIT $2)",
        ),
    }
}

/// The advisory lock of a request: of its digest, so it is that of no other request, and none of the program's other locks.
fn lock_number(request: &SecretDigest) -> i64 {
    i64::from_be_bytes(std::array::from_fn(|at| request.0[at]))
}
