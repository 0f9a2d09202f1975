//! Statements about wrong passwords, and about the addresses from where users sign in.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable};
use guildhall_domain::ports::KnownAddress;
use guildhall_domain::secret::SecretDigest;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{Lockout, UserId};
use uuid::Uuid;

use super::search::upkeep;
use super::{Failure, users};
use crate::connection::AnyConnection;
use crate::dialect;
use crate::schema::{known_addresses, unknown_sign_ins, users as user_rows};
use crate::sql_types::{Digest, Key, UuidSql};

/// Failures, locks, and until when the latest lock lasts.
type LockoutColumns = (i32, i32, Option<i64>);

pub(super) fn columns(lockout: Lockout) -> LockoutColumns {
    let count = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    (count(lockout.failures), count(lockout.locks), lockout.until.map(Timestamp::milliseconds))
}

pub(super) fn read((failures, locks, until): LockoutColumns) -> Lockout {
    Lockout {
        failures: failures.unsigned_abs(),
        locks: locks.unsigned_abs(),
        until: until.map(Timestamp::from_milliseconds),
    }
}

pub(super) fn of_user(connection: &mut AnyConnection, user: UserId) -> Result<Option<Lockout>, Failure> {
    let columns: Option<LockoutColumns> = user_rows::table
        .find(Key(user.0))
        .select((user_rows::lock_failures, user_rows::locks, user_rows::locked_until))
        .first(connection)
        .optional()?;
    Ok(columns.map(read))
}

pub(super) fn known_address(
    connection: &mut AnyConnection,
    user: UserId,
    address: &SecretDigest,
) -> Result<Option<KnownAddress>, Failure> {
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
        lockout: read(columns),
    }))
}

pub(super) fn remember_address(
    connection: &mut AnyConnection,
    user: UserId,
    address: &SecretDigest,
    now: Timestamp,
    most: u32,
) -> Result<(), Failure> {
    sql_query(
        "INSERT INTO known_addresses (user_id, address, signed_in, lock_failures, locks, locked_until) \
         VALUES ($1, $2, $3, 0, 0, NULL) ON CONFLICT (user_id, address) DO UPDATE \
         SET signed_in = excluded.signed_in, lock_failures = 0, locks = 0, locked_until = NULL",
    )
    .bind::<UuidSql, _>(Key(user.0))
    .bind::<Binary, _>(Digest(*address))
    .bind::<BigInt, _>(now.milliseconds())
    .execute(connection)?;
    sql_query(
        "DELETE FROM known_addresses WHERE user_id = $1 AND address NOT IN (SELECT kept.address FROM known_addresses kept \
         WHERE kept.user_id = $1 ORDER BY kept.signed_in DESC, kept.address DESC LIMIT $2)",
    )
    .bind::<UuidSql, _>(Key(user.0))
    .bind::<BigInt, _>(i64::from(most))
    .execute(connection)?;
    Ok(())
}

pub(super) fn set_address_lockout(
    connection: &mut AnyConnection,
    user: UserId,
    address: &SecretDigest,
    lockout: Lockout,
) -> Result<(), Failure> {
    let (failures, locks, until) = columns(lockout);
    diesel::update(known_addresses::table.find((Key(user.0), Digest(*address))))
        .set((
            known_addresses::lock_failures.eq(failures),
            known_addresses::locks.eq(locks),
            known_addresses::locked_until.eq(until),
        ))
        .execute(connection)?;
    Ok(())
}

pub(super) fn reset_address_lockouts(connection: &mut AnyConnection, user: UserId) -> Result<(), Failure> {
    diesel::update(known_addresses::table.filter(known_addresses::user_id.eq(Key(user.0))))
        .set((
            known_addresses::lock_failures.eq(0),
            known_addresses::locks.eq(0),
            known_addresses::locked_until.eq(None::<i64>),
        ))
        .execute(connection)?;
    Ok(())
}

pub(super) fn of_unknown(connection: &mut AnyConnection, name: &SecretDigest) -> Result<Lockout, Failure> {
    let row: Option<(Digest, LockoutColumns)> = unknown_sign_ins::table
        .find(place(name))
        .select((
            unknown_sign_ins::name,
            (unknown_sign_ins::lock_failures, unknown_sign_ins::locks, unknown_sign_ins::locked_until),
        ))
        .first(connection)
        .optional()?;
    let own = row.filter(|(owner, _)| owner.0 == *name);
    Ok(own.map(|(_, columns)| read(columns)).unwrap_or_default())
}

/// As many statements as locking and reading a user who is there.
pub(super) fn of_unknown_to_change(connection: &mut AnyConnection, name: &SecretDigest) -> Result<Lockout, Failure> {
    dialect::lock_unknown_name(connection, place(name))?;
    of_unknown(connection, name)
}

/// Looks for nobody as often as a wrong password of somebody makes one look for them, so that both take as many round trips.
pub(super) fn set_unknown(
    connection: &mut AnyConnection,
    name: &SecretDigest,
    lockout: Lockout,
    now: Timestamp,
) -> Result<(), Failure> {
    let nobody = UserId(Uuid::nil());
    let (failures, locks, until) = columns(lockout);
    sql_query(
        "INSERT INTO unknown_sign_ins (place, name, lock_failures, locks, locked_until) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (place) DO UPDATE SET name = excluded.name, lock_failures = excluded.lock_failures, \
         locks = excluded.locks, locked_until = excluded.locked_until \
         WHERE unknown_sign_ins.name = excluded.name \
         OR unknown_sign_ins.locked_until IS NULL OR unknown_sign_ins.locked_until <= $6",
    )
    .bind::<Integer, _>(place(name))
    .bind::<Binary, _>(Digest(*name))
    .bind::<Integer, _>(failures)
    .bind::<Integer, _>(locks)
    .bind::<Nullable<BigInt>, _>(until)
    .bind::<BigInt, _>(now.milliseconds())
    .execute(connection)?;
    upkeep::present(connection, nobody)?;
    users::identifiers_of(connection, nobody)?;
    set_address_lockout(connection, nobody, name, Lockout::default())
}

/// The place of a name that nobody has.
fn place(name: &SecretDigest) -> i32 {
    i32::from(u16::from_be_bytes([name.0[0], name.0[1]]))
}
