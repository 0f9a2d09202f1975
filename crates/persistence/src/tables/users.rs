//! Users and their credentials.

use std::collections::{BTreeMap, BTreeSet};

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use guildhall_domain::access::Scopes;
use guildhall_domain::api_key::ApiKeyId;
use guildhall_domain::group::SystemGroup;
use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::name::NameKey;
use guildhall_domain::page::Paged;
use guildhall_domain::password::PasswordHash;
use guildhall_domain::ports::{AccountStatus, Credentials, NameSource, StoreError, UserReader, UserWriter};
use guildhall_domain::search::UserListing;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{SecurityStamp, User, UserId};

use super::user_names;
use super::user_row::{self, UserRow};
use crate::dialect::{self, lookups};
use crate::listing::{self, index_rows};
use crate::schema::{api_keys, group_closure, group_users, groups, user_identifiers, users};
use crate::sql_types::Key;
use crate::unit_of_work::{Failure, Unit};

#[derive(Queryable)]
struct AccountStatusRow {
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

impl From<AccountStatusRow> for AccountStatus {
    fn from(row: AccountStatusRow) -> Self {
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
            system_administrator: row.system_administrator,
            user_administrator: row.user_administrator,
            group_administrator: row.group_administrator,
            api_key_administrator: row.api_key_administrator,
        }
    }
}

/// Whether a user is an effective member of a system group: one indexed join of the closure with the memberships. The group is
/// found by its name, because its id differs from installation to installation.
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

impl UserReader for Unit<'_> {
    fn account_status(&mut self, user: UserId) -> Result<Option<AccountStatus>, StoreError> {
        self.run(|connection| {
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
                .first::<AccountStatusRow>(connection)
                .optional()?;
            Ok(row.map(AccountStatus::from))
        })
    }

    fn user_id(&mut self, identifier: &UserIdentifier) -> Result<Option<UserId>, StoreError> {
        self.run(|connection| {
            let found: Option<Key> = match identifier {
                UserIdentifier::Current => None,
                UserIdentifier::Id(id) => {
                    users::table.find(Key(id.0)).select(users::id).first(connection).optional()?
                }
                UserIdentifier::Name(key) => user_identifiers::table
                    .find(key.as_str())
                    .select(user_identifiers::user_id)
                    .first(connection)
                    .optional()?,
            };
            Ok(found.map(|key| UserId(key.0)))
        })
    }

    fn users_named<'n>(&mut self, names: &BTreeSet<&'n NameKey>) -> Result<BTreeMap<&'n NameKey, UserId>, StoreError> {
        Ok(self.named(names, lookups::users_named)?.into_iter().map(|(name, key)| (name, UserId(key.0))).collect())
    }

    fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        self.run(|connection| user_row::find(connection, id))
    }

    fn unknown_users(&mut self, ids: &BTreeSet<UserId>) -> Result<BTreeSet<UserId>, StoreError> {
        self.run(|connection| {
            let unknown = dialect::unknown_users(connection, ids.iter().map(|id| Key(id.0)).collect())?;
            Ok(unknown.into_iter().map(|key| UserId(key.0)).collect())
        })
    }

    fn user_named_by_authority(&mut self, name: &NameKey) -> Result<Option<UserId>, StoreError> {
        self.run(|connection| {
            let user: Option<Key> = user_identifiers::table
                .find(name.as_str())
                .filter(user_identifiers::by_authority)
                .select(user_identifiers::user_id)
                .first(connection)
                .optional()?;
            Ok(user.map(|key| UserId(key.0)))
        })
    }

    fn password(&mut self, user: UserId) -> Result<Option<PasswordHash>, StoreError> {
        self.run(|connection| {
            let hash: Option<Option<String>> =
                users::table.find(Key(user.0)).select(users::password_hash).first(connection).optional()?;
            Ok(hash.flatten().map(PasswordHash))
        })
    }

    fn users(&mut self, listing: &UserListing) -> Result<Paged<User>, StoreError> {
        self.list(|connection, cache| listing::all_users(connection, cache, listing))
    }

    fn has_users(&mut self) -> Result<bool, StoreError> {
        self.run(|connection| Ok(diesel::select(exists(users::table.select(users::id))).get_result(connection)?))
    }

    fn has_active_administrator(&mut self, now: Timestamp) -> Result<bool, StoreError> {
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
        self.run(|connection| Ok(diesel::select(exists(active)).get_result(connection)?))
    }
}

impl UserWriter for Unit<'_> {
    fn insert_user(
        &mut self,
        user: &User,
        password: Option<&PasswordHash>,
        stamp: SecurityStamp,
        names: NameSource,
    ) -> Result<(), StoreError> {
        let others = (
            users::username_key.eq(user.username.key().as_str().to_owned()),
            users::password_hash.eq(password.map(|hash| hash.0.clone())),
            users::security_stamp.eq(Key(stamp.0)),
            users::password_due.eq(index_rows::password_due(user)),
        );
        self.run(|connection| {
            diesel::insert_into(users::table).values((UserRow::from(user), others)).execute(connection)?;
            index_rows::insert(connection, user)?;
            dialect::change_users(connection, 1)?;
            user_names::insert(connection, user, names)
        })
    }

    fn user_to_change(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        self.run(|connection| {
            dialect::lock_user(connection, Key(id.0))?;
            user_row::find(connection, id)
        })
    }

    fn update_user(&mut self, user: &User, credentials: &Credentials) -> Result<(), StoreError> {
        let read = UserRow::from(user);
        let next = UserRow::from(&User { version: user.version.next(), ..user.clone() });
        let expected = users::table.find(read.id).filter(users::version.eq(read.version));
        let others = (
            users::username_key.eq(user.username.key().as_str().to_owned()),
            credentials.password.as_ref().map(|hash| users::password_hash.eq(hash.0.clone())),
            credentials.stamp.map(|stamp| users::security_stamp.eq(Key(stamp.0))),
            users::password_due.eq(index_rows::password_due(user)),
        );
        self.run(|connection| {
            if diesel::update(expected).set((next, others)).execute(connection)? == 0 {
                return Err(Failure::Stale);
            }
            index_rows::update(connection, user)?;
            if user_names::update(connection, user, credentials.names)? {
                // Cached listings that are sorted by username may be out of date.
                dialect::change_users(connection, 0)?;
                dialect::note_renamed(connection, Key(user.id.0))?;
            }
            Ok(())
        })
    }

    /// Memberships, names, the API key, refresh tokens, identities and known addresses are deleted with the row, by foreign
    /// keys. The member counts of the user's groups are changed before, while the memberships are there.
    fn delete_user(&mut self, id: UserId) -> Result<(), StoreError> {
        self.run(|connection| {
            dialect::lock_memberships(connection, Key(id.0))?;
            dialect::subtract_from_member_counts(connection, Key(id.0))?;
            dialect::change_users(connection, -1)?;
            diesel::delete(users::table.find(Key(id.0))).execute(connection)?;
            Ok(())
        })
    }
}
