//! Managers of groups.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text};
use guildhall_domain::group::{Group, GroupId, SystemGroup};
use guildhall_domain::manager::{Author, Management, Manager, ManagerId};
use guildhall_domain::page::{Page, Paged};
use guildhall_domain::ports::{ManagerReader, ManagerWriter, StoreError};
use guildhall_domain::provenance::Provenance;
use guildhall_domain::search::GroupListing;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;

use super::events::run_with_events;
use crate::connection::AnyConnection;
use crate::dialect::scheduled::SOURCES;
use crate::listing;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql, saturating};
use crate::unit_of_work::{Failure, Unit};

#[derive(QueryableByName)]
struct ManagedRow {
    #[diesel(sql_type = UuidSql)]
    id: Key,
    #[diesel(sql_type = Bool)]
    is_below: bool,
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    managers: i64,
}

#[derive(QueryableByName)]
struct ManagerRow {
    #[diesel(sql_type = Integer)]
    kind: i32,
    #[diesel(sql_type = UuidSql)]
    id: Key,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    added: i64,
    #[diesel(sql_type = Nullable<UuidSql>)]
    author_id: Option<Key>,
    #[diesel(sql_type = Nullable<Text>)]
    author: Option<String>,
}

impl From<ManagerRow> for Manager {
    fn from(row: ManagerRow) -> Self {
        let author = row.author_id.zip(row.author);
        Self {
            id: if row.kind == Self::USERS {
                ManagerId::User(UserId(row.id.0))
            } else {
                ManagerId::Group(GroupId(row.id.0))
            },
            name: row.name,
            added: Timestamp::from_milliseconds(row.added),
            added_by: author.map(|(id, username)| Author { id: UserId(id.0), username }),
        }
    }
}

impl ManagerReader for Unit<'_> {
    fn managed_among(
        &mut self,
        user: UserId,
        groups: &BTreeSet<GroupId>,
    ) -> Result<BTreeMap<GroupId, Management>, StoreError> {
        let managed = |row: ManagedRow| {
            (GroupId(row.id.0), if row.is_below { Management::FromAbove } else { Management::OfItself })
        };
        let rows = self.run(|connection| Ok(managed_among(connection, user, groups)?))?;
        Ok(rows.into_iter().map(managed).collect())
    }

    fn managed_groups(&mut self, user: UserId, listing: &GroupListing) -> Result<Paged<Group>, StoreError> {
        self.run(|connection| listing::managed_groups(connection, user, listing))
    }

    fn managers(&mut self, group: GroupId, page: &Page) -> Result<Paged<Manager>, StoreError> {
        self.run(|connection| {
            let count = prepared(
                "SELECT (SELECT count(*) FROM group_manager_users WHERE group_id = $1) \
                 + (SELECT count(*) FROM group_manager_groups WHERE group_id = $1) AS managers",
            )
            .bind::<UuidSql, _>(Key(group.0));
            let total: CountRow = match connection {
                AnyConnection::Postgres(connection) => count.get_result(connection)?,
                AnyConnection::Sqlite(connection) => count.get_result(connection)?,
            };
            let rows = managers(connection, group, page)?;
            let items = rows.into_iter().map(Manager::from).collect();
            Ok(Paged::new(page, total.managers.unsigned_abs(), items, Manager::place))
        })
    }
}

impl ManagerWriter for Unit<'_> {
    fn insert_manager(&mut self, group: GroupId, manager: ManagerId, added: Provenance) -> Result<bool, StoreError> {
        let (text, manager) = match manager {
            ManagerId::User(user) => (
                "INSERT INTO group_manager_users (group_id, user_id, added, added_by) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT DO NOTHING",
                Key(user.0),
            ),
            ManagerId::Group(group) => (
                "INSERT INTO group_manager_groups (group_id, manager_id, added, added_by) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT DO NOTHING",
                Key(group.0),
            ),
        };
        let inserted = prepared(text)
            .bind::<UuidSql, _>(Key(group.0))
            .bind::<UuidSql, _>(manager)
            .bind::<BigInt, _>(added.at.milliseconds())
            .bind::<Nullable<UuidSql>, _>(added.by.map(|user| Key(user.0)));
        self.change_with_events(|connection, events| Ok(run_with_events(connection, &inserted, events)? > 0))
    }

    fn remove_manager(&mut self, group: GroupId, manager: ManagerId) -> Result<bool, StoreError> {
        let (text, manager) = match manager {
            ManagerId::User(user) => {
                ("DELETE FROM group_manager_users WHERE group_id = $1 AND user_id = $2", Key(user.0))
            }
            ManagerId::Group(group) => {
                ("DELETE FROM group_manager_groups WHERE group_id = $1 AND manager_id = $2", Key(group.0))
            }
        };
        let removed = prepared(text).bind::<UuidSql, _>(Key(group.0)).bind::<UuidSql, _>(manager);
        self.change_with_events(|connection, events| Ok(run_with_events(connection, &removed, events)? > 0))
    }
}

/// The names of the administrators' groups, which are found by name, because their ids differ from installation to installation.
fn administrators() -> Vec<String> {
    SystemGroup::ADMINISTRATORS.map(|group| group.key().as_str().to_owned()).to_vec()
}

/// From the user up to what is appointed, and from each of the groups asked about up to that: neither reads the groups below an appointed one.
fn managed_among(
    connection: &mut AnyConnection,
    user: UserId,
    groups: &BTreeSet<GroupId>,
) -> QueryResult<Vec<ManagedRow>> {
    static POSTGRES: LazyLock<String> = LazyLock::new(|| {
        format!(
            "WITH RECURSIVE appointed AS MATERIALIZED (\
                 SELECT group_id FROM group_manager_users WHERE user_id = $1 \
                 UNION SELECT p.group_id FROM group_users m \
                     JOIN group_closure c ON c.descendant_id = m.group_id \
                     JOIN group_manager_groups p ON p.manager_id = c.ancestor_id WHERE m.user_id = $1), \
             sources (id) AS (SELECT id FROM groups WHERE name_key = ANY ($3){SOURCES} \
             SELECT wanted.id, bool_or(c.ancestor_id <> wanted.id) AS is_below \
             FROM unnest($2) AS wanted (id) JOIN group_closure c ON c.descendant_id = wanted.id \
             WHERE c.ancestor_id IN (SELECT group_id FROM appointed) \
             AND NOT EXISTS (SELECT 1 FROM group_closure a WHERE a.descendant_id = wanted.id \
                 AND a.ancestor_id = ANY (ARRAY(SELECT id FROM sources))) \
             GROUP BY wanted.id"
        )
    });
    static SQLITE: LazyLock<String> = LazyLock::new(|| {
        format!(
            "WITH RECURSIVE appointed AS MATERIALIZED (\
                 SELECT group_id FROM group_manager_users WHERE user_id = $1 \
                 UNION SELECT p.group_id FROM group_users m \
                     CROSS JOIN group_closure c ON c.descendant_id = m.group_id \
                     CROSS JOIN group_manager_groups p ON p.manager_id = c.ancestor_id \
                     WHERE m.user_id = $1 AND length(m.group_id) >= guildhall_interrupt_check()), \
             wanted (id) AS MATERIALIZED (SELECT unhex(value) FROM json_each($2)), \
             sources (id) AS (SELECT id FROM groups WHERE name_key IN (SELECT value FROM json_each($3)){SOURCES} \
             SELECT wanted.id AS id, max(c.ancestor_id <> wanted.id) AS is_below \
             FROM wanted CROSS JOIN group_closure c ON c.descendant_id = wanted.id \
             WHERE length(wanted.id) >= guildhall_interrupt_check() AND c.ancestor_id IN (SELECT group_id FROM appointed) \
             AND NOT EXISTS (SELECT 1 FROM group_closure a WHERE a.descendant_id = wanted.id \
                 AND a.ancestor_id IN (SELECT id FROM sources)) \
             GROUP BY wanted.id"
        )
    });
    match connection {
        AnyConnection::Postgres(connection) => prepared(&POSTGRES)
            .bind::<UuidSql, _>(Key(user.0))
            .bind::<Array<UuidSql>, _>(groups.iter().map(|group| Key(group.0)).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(administrators())
            .load(connection),
        AnyConnection::Sqlite(connection) => prepared(&SQLITE)
            .bind::<UuidSql, _>(Key(user.0))
            .bind::<Text, _>(json(groups.iter().map(|group| group.0.simple().to_string()).collect()))
            .bind::<Text, _>(json(administrators()))
            .load(connection),
    }
}

fn json(texts: Vec<String>) -> String {
    serde_json::Value::from(texts).to_string()
}

fn managers(connection: &mut AnyConnection, group: GroupId, page: &Page) -> Result<Vec<ManagerRow>, Failure> {
    // Every kind comes after -1.
    let (kind, name) = page.position().and_then(Manager::place_values).unwrap_or((-1, ""));
    let statement = prepared(
        "SELECT kind, id, name, added, author_id, author FROM (\
             SELECT 0 AS kind, u.id, u.username AS name, u.username_key AS name_key, p.added, b.id AS author_id, \
                 b.username AS author \
             FROM group_manager_users p JOIN users u ON u.id = p.user_id LEFT JOIN users b ON b.id = p.added_by \
             WHERE p.group_id = $1 \
             UNION ALL SELECT 1, g.id, g.name, g.name_key, p.added, b.id, b.username \
             FROM group_manager_groups p JOIN groups g ON g.id = p.manager_id LEFT JOIN users b ON b.id = p.added_by \
             WHERE p.group_id = $1) appointed \
         WHERE kind > $2 OR (kind = $2 AND name_key > $3) ORDER BY kind, name_key LIMIT $4 OFFSET $5",
    )
    .bind::<UuidSql, _>(Key(group.0))
    .bind::<Integer, _>(kind)
    .bind::<Text, _>(name)
    .bind::<BigInt, _>(saturating(page.lookahead()))
    .bind::<BigInt, _>(saturating(page.offset()));
    Ok(match connection {
        AnyConnection::Postgres(connection) => statement.load(connection)?,
        AnyConnection::Sqlite(connection) => statement.load(connection)?,
    })
}
