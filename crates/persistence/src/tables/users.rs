//! Users and their credentials.

use std::collections::{BTreeMap, BTreeSet};

use diesel::dsl::exists;
use diesel::prelude::*;
use guildhall_domain::group::SystemGroup;
use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::name::NameKey;
use guildhall_domain::page::Paged;
use guildhall_domain::password::PasswordHash;
use guildhall_domain::ports::{
    AccountStatus, Accounts, Credentials, NameSource, Purpose, StoreError, UserForUpdate, UserReader, UserWriter,
};
use guildhall_domain::search::UserListing;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{SecurityStamp, User, UserId};

use super::Announced;
use super::lookup::{AccountRow, Lock};
use super::user_row::{self, UserRow};
use super::{lookup, past, user_names};
use crate::connection::AnyConnection;
use crate::dialect::{self, Dialect, lookups};
use crate::listing::{self, index_rows};
use crate::schema::{api_keys, group_closure, group_users, groups, user_identifiers, users};
use crate::sql_types::Key;
use crate::together::{Part, Update, run_together};
use crate::unit_of_work::{Failure, Unit};

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

/// Adds a user together with `joins`, which make them a member of groups.
pub(super) fn insert(
    connection: &mut AnyConnection,
    user: &User,
    password: Option<&PasswordHash>,
    (stamp, names): (SecurityStamp, NameSource),
    (joins, events): (&[&dyn Part], Option<&Announced>),
) -> Result<(), Failure> {
    let others = (
        users::username_key.eq(user.username.key().as_str().to_owned()),
        users::password_hash.eq(password.map(|hash| hash.0.clone())),
        users::security_stamp.eq(Key(stamp.0)),
        users::password_due.eq(index_rows::password_due(user)),
    );
    let inserted = diesel::insert_into(users::table).values((UserRow::from(user), others));
    let (searched, counted) = (index_rows::insert(user), dialect::count_new_user());
    let names = user_names::insert(user, names);
    let mut changes: Vec<&dyn Part> = vec![&inserted, &searched, &counted];
    changes.extend(names.iter().map(|name| name as &dyn Part));
    changes.extend(joins);
    let events = events.map(Announced::part);
    changes.extend(events.as_ref().map(|events| events as &dyn Part));
    run_together(connection, &changes)?;
    Ok(())
}

impl UserReader for Unit<'_> {
    fn accounts(&mut self, caller: Option<UserId>, user: &UserIdentifier) -> Result<Accounts, StoreError> {
        match caller {
            Some(caller) => {
                let at = self.moment();
                self.run(|connection| lookup::accounts(connection, at, caller, user))
            }
            None => Accounts::by_reading(self, caller, user),
        }
    }

    fn account_status(&mut self, user: UserId) -> Result<Option<AccountStatus>, StoreError> {
        let at = self.moment();
        self.run(|connection| {
            let due = at.due(Dialect::of(connection));
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
                    (
                        is_effective_member_of!(user, SystemGroup::SystemAdministrators),
                        is_effective_member_of!(user, SystemGroup::UserAdministrators),
                        is_effective_member_of!(user, SystemGroup::GroupAdministrators),
                        is_effective_member_of!(user, SystemGroup::ApiKeyAdministrators),
                    ),
                    due,
                ))
                .first::<AccountRow<(bool, bool, bool, bool)>>(connection)
                .optional()?;
            Ok(row.map(AccountRow::unless_due).transpose()?.map(AccountStatus::from))
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
}

impl UserWriter for Unit<'_> {
    fn insert_user(
        &mut self,
        user: &User,
        password: Option<&PasswordHash>,
        stamp: SecurityStamp,
        names: NameSource,
    ) -> Result<(), StoreError> {
        self.change_with_events(|connection, events| insert(connection, user, password, (stamp, names), (&[], events)))
    }

    fn user_to_change(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        self.run(|connection| user_row::find_and_lock(connection, id))
    }

    fn user_for_update(
        &mut self,
        caller: Option<UserId>,
        user: &UserIdentifier,
        purpose: Purpose<'_>,
    ) -> Result<UserForUpdate, StoreError> {
        let Some(caller) = caller else { return UserForUpdate::by_locking(self, caller, user, purpose) };
        let at = self.moment();
        let found = self.ask_and_lock(purpose, |connection, lock| {
            lookup::user_for_update(connection, at, caller, user, (purpose, lock))
        })?;
        self.note_locked_for(purpose, found.user.as_ref().map(|found| found.user.id));
        Ok(found)
    }

    fn update_user(&mut self, before: &User, user: &User, credentials: &Credentials) -> Result<(), StoreError> {
        self.change_with_events(|connection, events| update(connection, (before, user), credentials, (None, events)))
    }

    /// Memberships, names, the API key, refresh tokens, identities and known addresses are deleted with the row, by foreign
    /// keys. The member counts of the user's groups are changed before, while the memberships are there, and so is the past kept.
    fn delete_user(&mut self, id: UserId, at: Timestamp) -> Result<(), StoreError> {
        let is_locked = self.has_locked(Key(id.0));
        let left = self.change(|connection| {
            if !is_locked {
                dialect::lock_memberships(connection, Key(id.0))?;
            }
            let counts = dialect::subtract_from_member_counts(Key(id.0));
            let (named, ended) = (past::keep_user(id, at), past::keep_memberships_of_user(id, at));
            let deleted = diesel::delete(users::table.find(Key(id.0)));
            let changed = run_together(connection, &[&counts, &dialect::change_users(-1), &named, &ended, &deleted])?;
            Ok(changed.first().copied().unwrap_or_default())
        })?;
        // A row is changed for each group that the user was in.
        self.changes.users_removed += u64::try_from(left).unwrap_or_default();
        Ok(())
    }
}

/// Replaces a user who was `before`, with what changes `with` them, if nobody else has replaced them meanwhile.
pub(super) fn update(
    connection: &mut AnyConnection,
    (before, user): (&User, &User),
    credentials: &Credentials,
    (with, events): (Option<&dyn Part>, Option<&Announced>),
) -> Result<(), Failure> {
    let read = UserRow::from(before);
    let next = UserRow::from(&User { version: before.version.next(), ..user.clone() });
    let others = (
        users::username_key.eq(user.username.key().as_str().to_owned()),
        credentials.password.as_ref().map(|password| users::password_hash.eq(password.hash().0.clone())),
        credentials.stamp.map(|stamp| users::security_stamp.eq(Key(stamp.0))),
        users::password_due.eq(index_rows::password_due(user)),
    );
    let updated = Update {
        table: "users",
        changes: (next, others).as_changeset(),
        condition: users::id.eq(read.id).and(users::version.eq(read.version)),
    };
    let searched = index_rows::update(user);
    let names = user_names::update(before, user, credentials.names);
    let mut changes: Vec<&dyn Part> = vec![&updated, &searched];
    changes.extend(with);
    changes.extend(names.iter().map(|change| &**change));
    let events = events.map(Announced::part);
    changes.extend(events.as_ref().map(|events| events as &dyn Part));
    let rows = run_together(connection, &changes)?;
    if rows.first() == Some(&1) { Ok(()) } else { Err(Failure::Stale) }
}

impl Unit<'_> {
    /// Asks for what is to be changed, and locks it where the unit of work locks what it reads. A row that was locked is the latest, and
    /// others are as they were when the statement began: if it was changed meanwhile, they are asked again.
    pub(super) fn ask_and_lock<T>(
        &mut self,
        purpose: Purpose<'_>,
        ask: impl Fn(&mut AnyConnection, Lock) -> Result<(T, bool), Failure>,
    ) -> Result<T, StoreError> {
        let lock = match purpose {
            _ if !self.locks() => Lock::None,
            Purpose::Change(_) => Lock::AgainstChanges,
            Purpose::Deletion => Lock::AgainstMemberships,
        };
        self.run(|connection| {
            let (found, is_current) = ask(connection, lock)?;
            if is_current { Ok(found) } else { Ok(ask(connection, lock)?.0) }
        })
    }

    /// Notes whom a question has locked.
    pub(super) fn note_locked_for(&mut self, purpose: Purpose<'_>, user: Option<UserId>) {
        if let (Purpose::Deletion, true, Some(user)) = (purpose, self.locks(), user) {
            self.note_locked(Key(user.0));
        }
    }
}
