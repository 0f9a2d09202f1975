//! Statements about users.

mod row;

use std::collections::BTreeSet;

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use guildhall_domain::group::SystemGroup;
use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::password::PasswordHash;
use guildhall_domain::ports::Standing;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{Email, SecurityStamp, User, UserId};

use super::Failure;
use crate::connection::AnyConnection;
use crate::dialect;
use crate::schema::{group_closure, group_users, groups, user_identifiers, users};
use crate::sql_types::Key;

pub(super) use row::UserRow;

#[derive(Queryable)]
struct StandingRow {
    stamp: Key,
    suspended: bool,
    locked: bool,
    expiry: Option<i64>,
    password_reset_required: bool,
    password_change_frequency: Option<i32>,
    password_changed: Option<i64>,
    system_administrator: bool,
}

/// Effective membership as one indexed join of the closure with the members, by the name of the group: its id differs
/// from installation to installation.
pub(super) fn standing(connection: &mut AnyConnection, user: UserId) -> Result<Option<Standing>, Failure> {
    let administrators =
        groups::table.filter(groups::name_key.eq(SystemGroup::SystemAdministrators.key().as_str().to_owned()));
    let row = users::table
        .filter(users::id.eq(Key(user.0)))
        .select((
            users::security_stamp,
            users::suspended,
            users::locked,
            users::expiry,
            users::password_reset_required,
            users::password_change_frequency,
            users::password_changed,
            exists(
                group_users::table
                    .inner_join(group_closure::table.on(group_closure::descendant_id.eq(group_users::group_id)))
                    .filter(group_users::user_id.eq(Key(user.0)))
                    .filter(group_closure::ancestor_id.eq_any(administrators.select(groups::id))),
            ),
        ))
        .first::<StandingRow>(connection)
        .optional()?;
    Ok(row.map(|row| Standing {
        stamp: SecurityStamp(row.stamp.0),
        suspended: row.suspended,
        locked: row.locked,
        expiry: row.expiry.map(Timestamp::from_milliseconds),
        password_reset_required: row.password_reset_required,
        password_change_frequency: row.password_change_frequency.map(i32::unsigned_abs),
        password_changed: row.password_changed.map(Timestamp::from_milliseconds),
        system_administrator: row.system_administrator,
    }))
}

pub(super) fn id(connection: &mut AnyConnection, identifier: &UserIdentifier) -> Result<Option<UserId>, Failure> {
    let found: Option<Key> = match identifier {
        UserIdentifier::Current => None,
        UserIdentifier::Id(id) => {
            users::table.filter(users::id.eq(Key(id.0))).select(users::id).first(connection).optional()?
        }
        UserIdentifier::Name(key) => user_identifiers::table
            .filter(user_identifiers::identifier_key.eq(key.as_str()))
            .select(user_identifiers::user_id)
            .first(connection)
            .optional()?,
    };
    Ok(found.map(|key| UserId(key.0)))
}

pub(super) fn find(connection: &mut AnyConnection, id: UserId) -> Result<Option<User>, Failure> {
    let row = users::table.filter(users::id.eq(Key(id.0))).select(UserRow::as_select()).first(connection).optional()?;
    row.map(User::try_from).transpose()
}

pub(super) fn unknown(connection: &mut AnyConnection, ids: &BTreeSet<UserId>) -> Result<BTreeSet<UserId>, Failure> {
    let unknown = dialect::unknown_users(connection, ids.iter().map(|id| Key(id.0)).collect())?;
    Ok(unknown.into_iter().map(|key| UserId(key.0)).collect())
}

pub(super) fn any(connection: &mut AnyConnection) -> Result<bool, Failure> {
    Ok(diesel::select(exists(users::table.select(users::id))).get_result(connection)?)
}

pub(super) fn has_active_administrator(connection: &mut AnyConnection, now: Timestamp) -> Result<bool, Failure> {
    let administrators =
        groups::table.filter(groups::name_key.eq(SystemGroup::SystemAdministrators.key().as_str().to_owned()));
    let members = group_users::table
        .inner_join(group_closure::table.on(group_closure::descendant_id.eq(group_users::group_id)))
        .filter(group_closure::ancestor_id.eq_any(administrators.select(groups::id)))
        .select(group_users::user_id);
    let active = users::table
        .filter(users::id.eq_any(members))
        .filter(not(users::suspended))
        .filter(not(users::locked))
        .filter(users::expiry.is_null().or(users::expiry.gt(now.milliseconds()).assume_not_null()))
        .select(users::id);
    Ok(diesel::select(exists(active)).get_result(connection)?)
}

pub(super) fn insert(
    connection: &mut AnyConnection,
    user: &User,
    password: Option<&PasswordHash>,
    stamp: SecurityStamp,
) -> Result<(), Failure> {
    let row = UserRow::from(user);
    let kept = (
        users::username_key.eq(user.username.key().as_str().to_owned()),
        users::password_hash.eq(password.map(|hash| hash.0.clone())),
        users::security_stamp.eq(Key(stamp.0)),
    );
    diesel::insert_into(users::table).values((row, kept)).execute(connection)?;
    let keys: BTreeSet<_> =
        [Some(user.username.key()), user.email.as_ref().map(Email::key)].into_iter().flatten().collect();
    for key in keys {
        diesel::insert_into(user_identifiers::table)
            .values((user_identifiers::identifier_key.eq(key.as_str()), user_identifiers::user_id.eq(Key(user.id.0))))
            .execute(connection)?;
    }
    Ok(())
}
