//! Statements about users.

mod row;

use std::collections::{BTreeMap, BTreeSet};

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use guildhall_domain::access::Scopes;
use guildhall_domain::api_key::ApiKeyId;
use guildhall_domain::group::SystemGroup;
use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::password::PasswordHash;
use guildhall_domain::ports::{AccountStatus, Credentials, NameSource};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{Email, SecurityStamp, User, UserId};

use super::Failure;
use super::search::upkeep;
use crate::connection::AnyConnection;
use crate::dialect;
use crate::schema::{api_keys, group_closure, group_users, groups, user_identifiers, users};
use crate::sql_types::Key;

pub(super) use row::UserRow;

#[derive(Queryable)]
struct StandingRow {
    username: String,
    stamp: Key,
    api_key: Option<Key>,
    api_key_scopes: Option<String>,
    suspended: bool,
    expiry: Option<i64>,
    password_reset_required: bool,
    password_change_frequency: Option<i32>,
    password_changed: Option<i64>,
    system_administrator: bool,
    user_administrator: bool,
    group_administrator: bool,
    api_key_administrator: bool,
}

/// Whether a user is an effective member of a system group, whose id differs from installation to installation: one
/// indexed join of the closure with the members.
macro_rules! is_effective_member_of {
    ($user:expr, $group:expr) => {
        exists(
            group_users::table
                .inner_join(group_closure::table.on(group_closure::descendant_id.eq(group_users::group_id)))
                .filter(group_users::user_id.eq(Key($user.0)))
                .filter(group_closure::ancestor_id.eq_any(
                    groups::table.filter(groups::name_key.eq($group.key().as_str().to_owned())).select(groups::id),
                )),
        )
    };
}

pub(super) fn account_status(connection: &mut AnyConnection, user: UserId) -> Result<Option<AccountStatus>, Failure> {
    let row = users::table
        .left_join(api_keys::table)
        .filter(users::id.eq(Key(user.0)))
        .select((
            users::username,
            users::security_stamp,
            api_keys::id.nullable(),
            api_keys::scopes.nullable(),
            users::suspended,
            users::expiry,
            users::password_reset_required,
            users::password_change_frequency,
            users::password_changed,
            is_effective_member_of!(user, SystemGroup::SystemAdministrators),
            is_effective_member_of!(user, SystemGroup::UserAdministrators),
            is_effective_member_of!(user, SystemGroup::GroupAdministrators),
            is_effective_member_of!(user, SystemGroup::ApiKeyAdministrators),
        ))
        .first::<StandingRow>(connection)
        .optional()?;
    Ok(row.map(|row| AccountStatus {
        username: row.username,
        stamp: SecurityStamp(row.stamp.0),
        api_key: row.api_key.zip(row.api_key_scopes).map(|(id, scopes)| (ApiKeyId(id.0), Scopes::known_in(&scopes))),
        suspended: row.suspended,
        expiry: row.expiry.map(Timestamp::from_milliseconds),
        password_reset_required: row.password_reset_required,
        password_change_frequency: row.password_change_frequency.map(i32::unsigned_abs),
        password_changed: row.password_changed.map(Timestamp::from_milliseconds),
        system_administrator: row.system_administrator,
        user_administrator: row.user_administrator,
        group_administrator: row.group_administrator,
        api_key_administrator: row.api_key_administrator,
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

pub(super) fn find_to_change(connection: &mut AnyConnection, id: UserId) -> Result<Option<User>, Failure> {
    dialect::lock_user(connection, Key(id.0))?;
    find(connection, id)
}

pub(super) fn password(connection: &mut AnyConnection, id: UserId) -> Result<Option<PasswordHash>, Failure> {
    let hash: Option<Option<String>> =
        users::table.find(Key(id.0)).select(users::password_hash).first(connection).optional()?;
    Ok(hash.flatten().map(PasswordHash))
}

/// The users with these ids, in the order of the ids.
pub(super) fn in_order(connection: &mut AnyConnection, ids: &[Key]) -> Result<Vec<User>, Failure> {
    let rows: Vec<UserRow> =
        users::table.filter(users::id.eq_any(ids)).select(UserRow::as_select()).load(connection)?;
    let users = rows.into_iter().map(|row| User::try_from(row).map(|user| (Key(user.id.0), user)));
    let mut users = users.collect::<Result<BTreeMap<Key, User>, Failure>>()?;
    Ok(ids.iter().filter_map(|id| users.remove(id)).collect())
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
        .filter(users::expiry.is_null().or(users::expiry.gt(now.milliseconds()).assume_not_null()))
        .select(users::id);
    Ok(diesel::select(exists(active)).get_result(connection)?)
}

pub(super) fn insert(
    connection: &mut AnyConnection,
    user: &User,
    password: Option<&PasswordHash>,
    stamp: SecurityStamp,
    names: NameSource,
) -> Result<(), Failure> {
    let row = UserRow::from(user);
    let kept = (
        users::username_key.eq(user.username.key().as_str().to_owned()),
        users::password_hash.eq(password.map(|hash| hash.0.clone())),
        users::security_stamp.eq(Key(stamp.0)),
        users::password_due.eq(upkeep::password_due(user)),
    );
    diesel::insert_into(users::table).values((row, kept)).execute(connection)?;
    upkeep::insert(connection, user)?;
    dialect::change_users(connection, 1)?;
    insert_identifiers(connection, user.id, &identifiers(user), names)
}

/// Replaces the user, if they still are in the state that was read.
pub(super) fn update(connection: &mut AnyConnection, user: &User, credentials: &Credentials) -> Result<(), Failure> {
    let version = i64::try_from(user.version.0).unwrap_or(i64::MAX);
    let expected = users::table.find(Key(user.id.0)).filter(users::version.eq(version));
    let next = UserRow::from(&User { version: user.version.next(), ..user.clone() });
    let username_key = users::username_key.eq(user.username.key().as_str().to_owned());
    let password = credentials.password.as_ref().map(|hash| users::password_hash.eq(hash.0.clone()));
    let stamp = credentials.stamp.map(|stamp| users::security_stamp.eq(Key(stamp.0)));
    let password_due = users::password_due.eq(upkeep::password_due(user));
    let changed = diesel::update(expected).set((next, username_key, password, stamp, password_due));
    if changed.execute(connection)? == 0 {
        return Err(Failure::Stale);
    }
    upkeep::update(connection, user)?;
    let (before, wanted) = (identifiers_of(connection, user.id)?, identifiers(user));
    if before != wanted {
        let theirs = user_identifiers::table.filter(user_identifiers::user_id.eq(Key(user.id.0)));
        diesel::delete(theirs.filter(user_identifiers::identifier_key.eq_any(&before - &wanted)))
            .execute(connection)?;
        insert_identifiers(connection, user.id, &(&wanted - &before), credentials.names)?;
        // Listings by username are other ones, or may be.
        dialect::change_users(connection, 0)?;
        dialect::note_renamed(connection, Key(user.id.0))?;
    }
    Ok(())
}

/// What names the user now.
pub(super) fn identifiers_of(connection: &mut AnyConnection, id: UserId) -> Result<BTreeSet<String>, Failure> {
    let kept: Vec<String> = user_identifiers::table
        .filter(user_identifiers::user_id.eq(Key(id.0)))
        .select(user_identifiers::identifier_key)
        .load(connection)?;
    Ok(kept.into_iter().collect())
}

/// What is theirs goes with the row: memberships, identifiers, an API key, refresh tokens. The counts of the user's groups
/// are told first.
pub(super) fn delete(connection: &mut AnyConnection, id: UserId) -> Result<(), Failure> {
    dialect::lock_memberships(connection, Key(id.0))?;
    dialect::uncount_user(connection, Key(id.0))?;
    dialect::change_users(connection, -1)?;
    diesel::delete(users::table.find(Key(id.0))).execute(connection)?;
    Ok(())
}

/// What names the user: the keys of username and email address, which may be one.
fn identifiers(user: &User) -> BTreeSet<String> {
    let keys = [Some(user.username.key()), user.email.as_ref().map(Email::key)];
    keys.into_iter().flatten().map(|key| key.as_str().to_owned()).collect()
}

fn insert_identifiers(
    connection: &mut AnyConnection,
    user: UserId,
    keys: &BTreeSet<String>,
    source: NameSource,
) -> Result<(), Failure> {
    for key in keys {
        diesel::insert_into(user_identifiers::table)
            .values((
                user_identifiers::identifier_key.eq(key),
                user_identifiers::user_id.eq(Key(user.0)),
                user_identifiers::by_authority.eq(source == NameSource::Authority),
            ))
            .execute(connection)?;
    }
    Ok(())
}
