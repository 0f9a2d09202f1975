//! Counts of wrong passwords, and the addresses from which users sign in.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable};
use guildhall_domain::ports::{KnownAddress, LockoutReader, LockoutWriter, StoreError};
use guildhall_domain::secret::SecretDigest;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{Lockout, UserId};
use uuid::Uuid;

use crate::connection::AnyConnection;
use crate::listing::index_rows;
use crate::prepared::prepared;
use crate::schema::{known_addresses, unknown_sign_ins, users};
use crate::sql_types::{Digest, Key, UuidSql};
use crate::together::{Part, run_together};
use crate::unit_of_work::{Failure, Unit};

/// Failures, locks, and until when the latest lock lasts.
type LockoutColumns = (i32, i32, Option<i64>);

pub(super) fn columns(lockout: Lockout) -> LockoutColumns {
    let count = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    (count(lockout.failures), count(lockout.locks), lockout.until.map(Timestamp::milliseconds))
}

pub(super) fn lockout((failures, locks, until): LockoutColumns) -> Lockout {
    Lockout {
        failures: failures.unsigned_abs(),
        locks: locks.unsigned_abs(),
        until: until.map(Timestamp::from_milliseconds),
    }
}

impl LockoutReader for Unit<'_> {
    fn lockout(&mut self, user: UserId) -> Result<Option<Lockout>, StoreError> {
        self.run(|connection| {
            let columns: Option<LockoutColumns> = users::table
                .find(Key(user.0))
                .select((users::lock_failures, users::locks, users::locked_until))
                .first(connection)
                .optional()?;
            Ok(columns.map(lockout))
        })
    }

    fn unknown_lockout(&mut self, name: &SecretDigest) -> Result<Lockout, StoreError> {
        self.run(|connection| of_unknown_name(connection, name))
    }

    fn known_address(&mut self, user: UserId, address: &SecretDigest) -> Result<Option<KnownAddress>, StoreError> {
        self.run(|connection| {
            let row: Option<(i64, LockoutColumns)> = known_addresses::table
                .find((Key(user.0), Digest(*address)))
                .select((
                    known_addresses::signed_in,
                    (known_addresses::lock_failures, known_addresses::locks, known_addresses::locked_until),
                ))
                .first(connection)
                .optional()?;
            Ok(row.map(|(signed_in, columns)| KnownAddress {
                signed_in: Timestamp::from_milliseconds(signed_in),
                lockout: lockout(columns),
            }))
        })
    }
}

impl LockoutWriter for Unit<'_> {
    /// One statement, as locking and reading a user who exists. In PostgreSQL, it adds the row if there is none, because only a row can be
    /// locked and read at once.
    fn unknown_lockout_to_change(&mut self, name: &SecretDigest) -> Result<Lockout, StoreError> {
        self.change(|connection| {
            let AnyConnection::Postgres(connection) = connection else { return of_unknown_name(connection, name) };
            let place = unknown_sign_ins::place.eq(slot(name));
            let none = (unknown_sign_ins::lock_failures.eq(0), unknown_sign_ins::locks.eq(0));
            let row: UnknownName = diesel::insert_into(unknown_sign_ins::table)
                .values((place, unknown_sign_ins::name.eq(Digest(*name)), none))
                .on_conflict(unknown_sign_ins::place)
                .do_update()
                .set(unknown_sign_ins::name.eq(unknown_sign_ins::name))
                .returning(UNKNOWN_NAME)
                .get_result(connection)?;
            Ok(of_holder(Some(row), name))
        })
    }

    /// Also runs the queries that a wrong password of an existing user runs, for a user who does not exist: both take as many
    /// round trips.
    fn set_unknown_lockout(&mut self, name: &SecretDigest, lockout: Lockout, now: Timestamp) -> Result<(), StoreError> {
        let nobody = UserId(Uuid::nil());
        let (failures, locks, until) = columns(lockout);
        let counted = prepared(
            "INSERT INTO unknown_sign_ins (place, name, lock_failures, locks, locked_until) \
             VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (place) DO UPDATE SET name = excluded.name, lock_failures = excluded.lock_failures, \
             locks = excluded.locks, locked_until = excluded.locked_until \
             WHERE unknown_sign_ins.name = excluded.name \
             OR unknown_sign_ins.locked_until IS NULL OR unknown_sign_ins.locked_until <= $6",
        )
        .bind::<Integer, _>(slot(name))
        .bind::<Binary, _>(Digest(*name))
        .bind::<Integer, _>(failures)
        .bind::<Integer, _>(locks)
        .bind::<Nullable<BigInt>, _>(until)
        .bind::<BigInt, _>(now.milliseconds());
        self.change(|connection| {
            let changes: [&dyn Part; 2] = [&counted, &index_rows::update_of_nobody()];
            run_together(connection, &changes)?;
            set_of_address(connection, nobody, name, Lockout::default())
        })
    }

    fn remember_address(
        &mut self,
        user: UserId,
        address: &SecretDigest,
        now: Timestamp,
        most: u32,
    ) -> Result<(), StoreError> {
        self.change(|connection| {
            prepared(
                "INSERT INTO known_addresses (user_id, address, signed_in, lock_failures, locks, locked_until) \
                 VALUES ($1, $2, $3, 0, 0, NULL) ON CONFLICT (user_id, address) DO UPDATE \
                 SET signed_in = excluded.signed_in, lock_failures = 0, locks = 0, locked_until = NULL",
            )
            .bind::<UuidSql, _>(Key(user.0))
            .bind::<Binary, _>(Digest(*address))
            .bind::<BigInt, _>(now.milliseconds())
            .execute(connection)?;
            prepared(
                "DELETE FROM known_addresses WHERE user_id = $1 AND address NOT IN (SELECT kept.address \
                 FROM known_addresses kept WHERE kept.user_id = $1 ORDER BY kept.signed_in DESC, kept.address DESC LIMIT $2)",
            )
            .bind::<UuidSql, _>(Key(user.0))
            .bind::<BigInt, _>(i64::from(most))
            .execute(connection)?;
            Ok(())
        })
    }

    fn set_address_lockout(
        &mut self,
        user: UserId,
        address: &SecretDigest,
        lockout: Lockout,
    ) -> Result<(), StoreError> {
        self.change(|connection| set_of_address(connection, user, address, lockout))
    }

    fn reset_address_lockouts(&mut self, user: UserId) -> Result<bool, StoreError> {
        self.change(|connection| {
            let reset = prepared(
                "UPDATE known_addresses SET lock_failures = 0, locks = 0, locked_until = NULL WHERE user_id = $1 \
                 AND (lock_failures <> 0 OR locks <> 0 OR locked_until IS NOT NULL)",
            )
            .bind::<UuidSql, _>(Key(user.0))
            .execute(connection)?;
            Ok(reset > 0)
        })
    }
}

fn of_unknown_name(connection: &mut AnyConnection, name: &SecretDigest) -> Result<Lockout, Failure> {
    let row = unknown_sign_ins::table.find(slot(name)).select(UNKNOWN_NAME).first(connection).optional()?;
    Ok(of_holder(row, name))
}

/// The name that has a slot, and its lockout.
type UnknownName = (Digest, LockoutColumns);

const UNKNOWN_NAME: (
    unknown_sign_ins::name,
    (unknown_sign_ins::lock_failures, unknown_sign_ins::locks, unknown_sign_ins::locked_until),
) = (
    unknown_sign_ins::name,
    (unknown_sign_ins::lock_failures, unknown_sign_ins::locks, unknown_sign_ins::locked_until),
);

/// The lockout of `name`, if it has the slot.
fn of_holder(row: Option<UnknownName>, name: &SecretDigest) -> Lockout {
    let own = row.filter(|(holder, _)| holder.0 == *name);
    own.map(|(_, columns)| lockout(columns)).unwrap_or_default()
}

fn set_of_address(
    connection: &mut AnyConnection,
    user: UserId,
    address: &SecretDigest,
    lockout: Lockout,
) -> Result<(), Failure> {
    let (failures, locks, until) = columns(lockout);
    prepared(
        "UPDATE known_addresses SET lock_failures = $1, locks = $2, locked_until = $3 WHERE user_id = $4 AND address = $5",
    )
    .bind::<Integer, _>(failures)
    .bind::<Integer, _>(locks)
    .bind::<Nullable<BigInt>, _>(until)
    .bind::<UuidSql, _>(Key(user.0))
    .bind::<Binary, _>(Digest(*address))
    .execute(connection)?;
    Ok(())
}

/// The slot of a name that no user has: the first bytes of its digest, so that the number of rows is bounded.
fn slot(name: &SecretDigest) -> i32 {
    i32::from(u16::from_be_bytes([name.0[0], name.0[1]]))
}
