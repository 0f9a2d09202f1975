//! Imports: many users, groups, memberships, edges and managers with as many statements for many as for few, up to 20,000 rows a statement.
//!
//! | Where | What |
//! |---|---|
//! | `rows` | rows as a parameter of a statement |
//! | `accounts`, `groups` | users and groups |
//! | `members` | who or what belongs to which group |
//! | `managers` | managers of groups |

mod accounts;
mod groups;
mod managers;
mod members;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_types::Text;
use guildhall_domain::group::{Group, GroupId, SystemGroup};
use guildhall_domain::manager::ManagerId;
use guildhall_domain::ports::{
    Appointment, ChangedAccount, ImportReader, ImportWriter, MemberStanding, NewAccount, PlacedMember, StoreError,
};
use guildhall_domain::provenance::Provenance;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{User, UserId};

use super::group_row::groups_in_order;
use super::user_row::users_in_order;
use crate::connection::AnyConnection;
use crate::dialect::scheduled::SOURCES;
use crate::dialect::validity::MemberKind;
use crate::prepared::prepared;
use crate::schema::{api_keys, group_children, membership_dates, users};
use crate::sql_types::{Key, UuidSql};
use crate::unit_of_work::{Failure, Unit};

/// How many ids are parameters of one statement: fewer than SQLite's limit.
const IDS_AT_ONCE: usize = 30_000;

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = UuidSql)]
    id: Key,
}

fn keys_of_users(ids: &BTreeSet<UserId>) -> Vec<Key> {
    ids.iter().map(|id| Key(id.0)).collect()
}

/// Reads what belongs to ids, a part of them after the other.
fn in_parts<T>(
    connection: &mut AnyConnection,
    ids: &[Key],
    read: impl Fn(&mut AnyConnection, &[Key]) -> Result<Vec<T>, Failure>,
) -> Result<Vec<T>, Failure> {
    let mut found = Vec::new();
    for part in ids.chunks(IDS_AT_ONCE) {
        found.append(&mut read(connection, part)?);
    }
    Ok(found)
}

impl ImportReader for Unit<'_> {
    fn users_of(&mut self, ids: &BTreeSet<UserId>) -> Result<BTreeMap<UserId, User>, StoreError> {
        let keys = keys_of_users(ids);
        let users = self.run(|connection| in_parts(connection, &keys, users_in_order))?;
        Ok(users.into_iter().map(|user| (user.id, user)).collect())
    }

    fn users_with_password(&mut self, ids: &BTreeSet<UserId>) -> Result<BTreeSet<UserId>, StoreError> {
        let keys = keys_of_users(ids);
        let found = self.run(|connection| {
            in_parts(connection, &keys, |connection, part| {
                let users = users::table.filter(users::id.eq_any(part)).filter(users::password_hash.is_not_null());
                Ok(users.select(users::id).load::<Key>(connection)?)
            })
        })?;
        Ok(found.into_iter().map(|key| UserId(key.0)).collect())
    }

    fn users_of_api_keys(&mut self, ids: &BTreeSet<UserId>) -> Result<BTreeSet<UserId>, StoreError> {
        let keys = keys_of_users(ids);
        let found = self.run(|connection| {
            in_parts(connection, &keys, |connection, part| {
                let of_keys = api_keys::table.filter(api_keys::user_id.eq_any(part));
                Ok(of_keys.select(api_keys::user_id).load::<Key>(connection)?)
            })
        })?;
        Ok(found.into_iter().map(|key| UserId(key.0)).collect())
    }

    fn groups_of_ids(&mut self, ids: &BTreeSet<GroupId>) -> Result<BTreeMap<GroupId, Group>, StoreError> {
        let keys: Vec<Key> = ids.iter().map(|id| Key(id.0)).collect();
        let groups = self.run(|connection| in_parts(connection, &keys, groups_in_order))?;
        Ok(groups.into_iter().map(|group| (group.id, group)).collect())
    }

    fn standings_of_memberships(
        &mut self,
        pairs: &BTreeSet<(GroupId, UserId)>,
    ) -> Result<BTreeMap<(GroupId, UserId), MemberStanding>, StoreError> {
        let keys: Vec<_> = pairs.iter().map(|(group, user)| (Key(group.0), Key(user.0))).collect();
        let found = self.run(|connection| members::standings(connection, MemberKind::User, &keys))?;
        Ok(found.into_iter().map(|(group, user, standing)| ((GroupId(group.0), UserId(user.0)), standing)).collect())
    }

    fn standings_of_edges(
        &mut self,
        pairs: &BTreeSet<(GroupId, GroupId)>,
    ) -> Result<BTreeMap<(GroupId, GroupId), MemberStanding>, StoreError> {
        let keys: Vec<_> = pairs.iter().map(|(parent, child)| (Key(parent.0), Key(child.0))).collect();
        let found = self.run(|connection| members::standings(connection, MemberKind::Child, &keys))?;
        let pair = |(parent, child, standing): (Key, Key, _)| ((GroupId(parent.0), GroupId(child.0)), standing);
        Ok(found.into_iter().map(pair).collect())
    }

    fn all_edges(&mut self) -> Result<BTreeMap<GroupId, Vec<GroupId>>, StoreError> {
        self.run(|connection| {
            let mut edges: Vec<(Key, Key)> =
                group_children::table.select((group_children::parent_id, group_children::child_id)).load(connection)?;
            let dates: Vec<(Key, Option<Key>)> = membership_dates::table
                .filter(membership_dates::child_id.is_not_null())
                .select((membership_dates::group_id, membership_dates::child_id))
                .load(connection)?;
            edges.extend(dates.into_iter().filter_map(|(parent, child)| Some((parent, child?))));
            edges.sort_unstable();
            edges.dedup();
            let mut by_parent: BTreeMap<GroupId, Vec<GroupId>> = BTreeMap::new();
            for (parent, child) in edges {
                by_parent.entry(GroupId(parent.0)).or_default().push(GroupId(child.0));
            }
            Ok(by_parent)
        })
    }

    fn administrators_groups(&mut self) -> Result<BTreeMap<GroupId, BTreeSet<SystemGroup>>, StoreError> {
        static SQL: LazyLock<String> = LazyLock::new(|| {
            format!(
                "WITH RECURSIVE sources (id) AS (SELECT g.id FROM groups g WHERE g.name_key = $1{SOURCES} \
                 SELECT DISTINCT c.descendant_id AS id FROM sources CROSS JOIN group_closure c WHERE c.ancestor_id = sources.id"
            )
        });
        self.run(|connection| {
            let mut found: BTreeMap<GroupId, BTreeSet<SystemGroup>> = BTreeMap::new();
            for system in SystemGroup::ADMINISTRATORS {
                let statement = prepared(&SQL).bind::<Text, _>(system.key().as_str().to_owned());
                let below: Vec<Id> = match connection {
                    AnyConnection::Postgres(connection) => statement.load(connection)?,
                    AnyConnection::Sqlite(connection) => statement.load(connection)?,
                };
                for row in below {
                    found.entry(GroupId(row.id.0)).or_default().insert(system);
                }
            }
            Ok(found)
        })
    }
}

impl ImportWriter for Unit<'_> {
    fn begin_member(&mut self, group: GroupId, member: ManagerId, at: Timestamp) -> Result<(), StoreError> {
        self.after_change(|connection| members::begin(connection, group, member, at))
    }

    fn insert_accounts(&mut self, accounts: &[NewAccount], added: Provenance) -> Result<(), StoreError> {
        self.change(|connection| accounts::insert(connection, accounts, added))?;
        self.changes.users_added += accounts.iter().map(|account| account.groups.len() as u64).sum::<u64>();
        Ok(())
    }

    fn update_accounts(&mut self, accounts: &[ChangedAccount]) -> Result<(), StoreError> {
        self.change(|connection| accounts::update(connection, accounts))
    }

    fn insert_groups(&mut self, groups: &[Group]) -> Result<(), StoreError> {
        self.change(|connection| groups::insert(connection, groups))
    }

    fn update_groups(&mut self, groups: &[(Group, Group)]) -> Result<(), StoreError> {
        self.change(|connection| groups::update(connection, groups))
    }

    fn place_members(&mut self, members: &[PlacedMember<UserId>], now: Timestamp) -> Result<(), StoreError> {
        let rows = members::Placed::of(members, now, |user| Key(user.0));
        let joined = self.change(|connection| members::place(connection, MemberKind::User, &rows, now))?;
        self.changes.users_added += joined;
        self.changes.users_removed += rows.leaving.len() as u64;
        Ok(())
    }

    fn place_children(&mut self, children: &[PlacedMember<GroupId>], now: Timestamp) -> Result<(), StoreError> {
        let rows = members::Placed::of(children, now, |group| Key(group.0));
        let joined = self.change(|connection| members::place(connection, MemberKind::Child, &rows, now))?;
        self.changes.groups_added += joined;
        self.changes.groups_removed += rows.leaving.len() as u64;
        Ok(())
    }

    fn appoint_managers(&mut self, appointments: &[Appointment]) -> Result<Vec<Appointment>, StoreError> {
        self.change(|connection| managers::insert(connection, appointments))
    }
}

/// The keys of groups with a number each, as changes of their counts.
fn counts(groups: impl Iterator<Item = Key>) -> (Vec<Key>, Vec<i64>) {
    let mut counts: BTreeMap<Key, i64> = BTreeMap::new();
    for group in groups {
        *counts.entry(group).or_default() += 1;
    }
    counts.into_iter().unzip()
}

/// A failure if not all rows were changed: others have changed some of them.
fn all_changed(changed: usize, wanted: usize) -> Result<(), Failure> {
    if changed == wanted { Ok(()) } else { Err(Failure::Stale) }
}
