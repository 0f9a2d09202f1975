//! The account of the caller.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use diesel::sqlite::Sqlite;
use guildhall_domain::access::Scopes;
use guildhall_domain::api_key::ApiKeyId;
use guildhall_domain::group::SystemGroup;
use guildhall_domain::name::NameKey;
use guildhall_domain::ports::AccountStatus;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{SecurityStamp, UserId};

use super::words::Words;
use super::{Answer, Lookup, ask};
use crate::connection::AnyConnection;
use crate::due::{DueColumn, Moment, fail_if_due};
use crate::sql_types::{Key, UuidSql};
use crate::unit_of_work::Failure;

/// The administrators' groups, and the bit of each in a row.
pub(super) const ADMINISTRATORS: [(SystemGroup, i32); 4] = [
    (SystemGroup::SystemAdministrators, 1),
    (SystemGroup::UserAdministrators, 2),
    (SystemGroup::GroupAdministrators, 4),
    (SystemGroup::ApiKeyAdministrators, 8),
];

/// The name keys of these groups.
pub(super) static ADMINISTRATORS_KEYS: LazyLock<[NameKey; 4]> =
    LazyLock::new(|| ADMINISTRATORS.map(|(group, _)| group.key()));

pub(super) type AccountSql = (
    Text,
    UuidSql,
    Nullable<UuidSql>,
    Nullable<Text>,
    Bool,
    Nullable<BigInt>,
    Bool,
    Nullable<Integer>,
    Nullable<BigInt>,
    Integer,
    Nullable<BigInt>,
);

/// Whether the group of `m` is at or below the group with the name key that follows; `) LIMIT 1)` ends it. As a subquery it is asked for each
/// group of a user, and never the other way round: from a group down, the groups below would count.
const IS_BELOW: &str = " AND 1 = (SELECT 1 FROM group_closure c WHERE c.descendant_id = m.group_id \
     AND c.ancestor_id = (SELECT id FROM groups WHERE name_key = ";

/// Begins the statement with the columns of the account of the caller.
pub(super) fn push_account<'b, DB: Words>(due: &'b DueColumn, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
    out.push_sql(
        "SELECT caller.username, caller.security_stamp, k.id, k.scopes, caller.suspended, caller.expiry, \
         caller.password_reset_required, caller.password_change_frequency, caller.password_changed, ",
    );
    DB::push_administers(out)?;
    out.push_sql(", ");
    DB::push_due(out, due)?;
    out.push_sql(", ");
    Ok(())
}

/// The bits of the administrators' groups of which the caller is an effective member. PostgreSQL prepares every subquery of a statement
/// that it executes, also one whose result is not needed; so there is one for all groups. It looks each of the caller's groups up in the
/// index of the closure, and never reads the groups below an administrators' group.
pub(super) fn push_administers_together(out: &mut AstPass<'_, '_, Pg>) -> QueryResult<()> {
    const THEN: [&str; 4] = [" THEN 1", " THEN 2", " THEN 4", " THEN 8"];
    out.push_sql("coalesce((SELECT bit_or(CASE (SELECT name_key FROM groups WHERE id = c.ancestor_id)");
    for (key, then) in ADMINISTRATORS_KEYS.iter().zip(THEN) {
        out.push_sql(" WHEN ");
        Pg::push_text(out, key.as_str())?;
        out.push_sql(then);
    }
    out.push_sql(
        " END) FROM group_users m CROSS JOIN LATERAL (SELECT ancestor_id FROM group_closure WHERE descendant_id = m.group_id \
         AND ancestor_id = ANY (ARRAY(SELECT id FROM groups WHERE name_key IN (",
    );
    for (index, key) in ADMINISTRATORS_KEYS.iter().enumerate() {
        out.push_sql(if index > 0 { ", " } else { "" });
        Pg::push_text(out, key.as_str())?;
    }
    // `OFFSET 0` keeps the subquery apart: it is asked for each of the caller's groups, and never the other way round.
    out.push_sql("))) OFFSET 0) c WHERE m.user_id = caller.id), 0)");
    Ok(())
}

/// The same in SQLite, which begins a subquery when its result is needed: the other groups of a System Administrator are not looked up.
pub(super) fn push_administers_in_turn(out: &mut AstPass<'_, '_, Sqlite>) -> QueryResult<()> {
    let [system, users, groups, api_keys] = &*ADMINISTRATORS_KEYS;
    for (before, key, after) in [
        ("CASE WHEN ", system, " THEN 1 ELSE (CASE WHEN "),
        ("", users, " THEN 2 ELSE 0 END) + (CASE WHEN "),
        ("", groups, " THEN 4 ELSE 0 END) + (CASE WHEN "),
        ("", api_keys, " THEN 8 ELSE 0 END) END"),
    ] {
        out.push_sql(before);
        out.push_sql("EXISTS (SELECT 1 FROM group_users m WHERE m.user_id = caller.id");
        out.push_sql(Sqlite::ROW_CHECK);
        out.push_sql(IS_BELOW);
        Sqlite::push_text(out, key.as_str())?;
        out.push_sql(") LIMIT 1))");
        out.push_sql(after);
    }
    Ok(())
}

/// The columns of an account. `A` tells of which administrators' groups it is an effective member.
#[derive(Queryable)]
pub(in crate::tables) struct AccountRow<A = i32> {
    username: String,
    stamp: Key,
    api_key: Option<Key>,
    api_key_scopes: Option<String>,
    suspended: bool,
    expiry: Option<i64>,
    password_reset_required: bool,
    password_change_frequency: Option<i32>,
    password_changed: Option<i64>,
    administers: A,
    /// The moment at which something is due before the account may be read.
    due: Option<i64>,
}

impl<A> AccountRow<A> {
    /// Fails if something is due.
    pub(in crate::tables) fn unless_due(self) -> Result<Self, Failure> {
        fail_if_due(self.due)?;
        Ok(self)
    }
}

/// Whether an account is an effective member of each of the [`ADMINISTRATORS`].
pub(in crate::tables) trait Administers {
    fn each(self) -> [bool; 4];
}

impl Administers for i32 {
    fn each(self) -> [bool; 4] {
        ADMINISTRATORS.map(|(_, bit)| self & bit != 0)
    }
}

impl Administers for (bool, bool, bool, bool) {
    fn each(self) -> [bool; 4] {
        self.into()
    }
}

impl<A: Administers> From<AccountRow<A>> for AccountStatus {
    fn from(row: AccountRow<A>) -> Self {
        let [system_administrator, user_administrator, group_administrator, api_key_administrator] =
            row.administers.each();
        let api_key = row.api_key.zip(row.api_key_scopes);
        Self {
            username: row.username,
            stamp: SecurityStamp(row.stamp.0),
            api_key: api_key.map(|(id, scopes)| (ApiKeyId(id.0), Scopes::known_in(&scopes))),
            suspended: row.suspended,
            expiry: row.expiry.map(Timestamp::from_milliseconds),
            password_reset_required: row.password_reset_required,
            password_change_frequency: row.password_change_frequency.map(i32::unsigned_abs),
            password_changed: row.password_changed.map(Timestamp::from_milliseconds),
            system_administrator,
            user_administrator,
            group_administrator,
            api_key_administrator,
        }
    }
}

/// Adds the same columns of the user `users` with the API key `target_key`, with all administrators' groups. Whether something is due, the account of the
/// caller tells.
pub(super) fn push_target_account<DB: Words>(out: &mut AstPass<'_, '_, DB>) -> QueryResult<()> {
    out.push_sql(
        "users.username, users.security_stamp, target_key.id, target_key.scopes, users.suspended, users.expiry, \
         users.password_reset_required, users.password_change_frequency, users.password_changed, 0",
    );
    for ((_, bit), key) in ADMINISTRATORS.iter().zip(&*ADMINISTRATORS_KEYS) {
        out.push_sql(" + CASE WHEN EXISTS (SELECT 1 FROM group_users m WHERE m.user_id = users.id");
        out.push_sql(IS_BELOW);
        DB::push_text(out, key.as_str())?;
        out.push_sql(") LIMIT 1");
        out.push_sql(then_bit(*bit));
    }
    out.push_sql(", CAST(NULL AS bigint)");
    Ok(())
}

/// The end of a condition that two parentheses close, and the number of it.
pub(super) fn then_bit(bit: i32) -> &'static str {
    match bit {
        1 => ")) THEN 1 ELSE 0 END",
        2 => ")) THEN 2 ELSE 0 END",
        4 => ")) THEN 4 ELSE 0 END",
        _ => ")) THEN 8 ELSE 0 END",
    }
}

/// The administrators' groups with these bits.
pub(super) fn administrators(bits: i32) -> BTreeSet<SystemGroup> {
    ADMINISTRATORS.into_iter().filter(|(_, bit)| bits & bit != 0).map(|(group, _)| group).collect()
}

/// The account alone.
struct Nothing;

impl Answer for Nothing {
    type Sql = Integer;

    fn push_columns<'b, DB: Words>(_: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("0");
        Ok(())
    }
}

/// The account of this caller.
pub(crate) fn account(
    connection: &mut AnyConnection,
    at: Moment,
    caller: UserId,
) -> Result<Option<AccountStatus>, Failure> {
    let lookup = &Lookup::by(connection, at, caller);
    let row: Option<(AccountRow, i32)> = ask!(Nothing, 0, lookup, connection);
    Ok(row.map(|(account, _)| account.into()))
}
