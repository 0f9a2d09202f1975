//! The past: memberships and edges that ended, and the names of users and groups that were deleted. Whoever ends something keeps it by the same statement, or one beside it.

mod keeping;
mod pages;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text};
use guildhall_domain::group::{Group, GroupId, GroupName};
use guildhall_domain::manager::Author;
use guildhall_domain::page::{Page, Paged};
use guildhall_domain::ports::{
    Deleted, Former, FormerGroup, FormerUser, MembershipGraph, PastReader, PastWriter, PathEdge, PathMembership, Reach,
    StoreError,
};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{User, UserId};

use super::{groups_in_order, users_in_order};
use crate::connection::AnyConnection;
use crate::dialect::past::{MEMBERSHIPS, edges_above, prune};
use crate::dialect::sqlite::{REQUESTED_IDS, packed};
use crate::dialect::{self, Dialect};
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};
use crate::unit_of_work::{Failure, Unit};
pub(super) use keeping::{keep_edges, keep_group, keep_memberships_of_group, keep_memberships_of_user, keep_user};
use pages::{Listed, load, page_of_groups, page_of_members};

#[derive(QueryableByName)]
struct DeletedRow {
    #[diesel(sql_type = UuidSql)]
    id: Key,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    deleted: i64,
}

impl DeletedRow {
    fn with<Id>(self, id: Id) -> Deleted<Id> {
        Deleted { id, name: self.name, at: Timestamp::from_milliseconds(self.deleted) }
    }
}

#[derive(QueryableByName)]
struct KnownFrom {
    #[diesel(sql_type = BigInt)]
    known_from: i64,
}

#[derive(QueryableByName)]
struct MembershipRow {
    #[diesel(sql_type = UuidSql)]
    group_id: Key,
    #[diesel(sql_type = BigInt)]
    began: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    ended: Option<i64>,
    #[diesel(sql_type = Nullable<UuidSql>)]
    author_id: Option<Key>,
    #[diesel(sql_type = Nullable<Text>)]
    author: Option<String>,
}

#[derive(QueryableByName)]
struct EdgeRow {
    #[diesel(sql_type = UuidSql)]
    parent_id: Key,
    #[diesel(sql_type = UuidSql)]
    child_id: Key,
    #[diesel(sql_type = Nullable<BigInt>)]
    ended: Option<i64>,
}

/// The deleted users or groups with these ids, which existing ones may have, too.
fn deleted(connection: &mut AnyConnection, listed: Listed, ids: &[Key]) -> QueryResult<BTreeMap<Key, DeletedRow>> {
    const COLUMNS: [&str; 2] =
        ["SELECT id, username AS name, deleted FROM past_users", "SELECT id, name, deleted FROM past_groups"];
    static POSTGRES: LazyLock<[String; 2]> =
        LazyLock::new(|| COLUMNS.map(|columns| format!("{columns} WHERE id = ANY ($1)")));
    static SQLITE: LazyLock<[String; 2]> = LazyLock::new(|| {
        COLUMNS.map(|columns| format!("{REQUESTED_IDS} {columns} WHERE id IN (SELECT id FROM wanted)"))
    });
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<DeletedRow> = match connection {
        AnyConnection::Postgres(connection) => {
            prepared(listed.of(&POSTGRES)).bind::<Array<UuidSql>, _>(ids).load(connection)?
        }
        AnyConnection::Sqlite(connection) => {
            prepared(listed.of(&SQLITE)).bind::<Binary, _>(packed(ids)).load(connection)?
        }
    };
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Those that exist, what their keys are, and what the id of a key is.
type Existing<T, Id> = (Vec<T>, fn(&T) -> Key, fn(Key) -> Id);

/// The users or groups with these ids, in their order: those that exist, and those that were deleted.
fn former<T, Id>(
    connection: &mut AnyConnection,
    listed: Listed,
    ids: &[Key],
    (existing, key, id): Existing<T, Id>,
) -> Result<Vec<Former<T, Id>>, Failure> {
    let mut existing: BTreeMap<Key, T> = existing.into_iter().map(|item| (key(&item), item)).collect();
    let missing: Vec<Key> = ids.iter().filter(|id| !existing.contains_key(id)).copied().collect();
    let mut deleted = deleted(connection, listed, &missing)?;
    let one = |of: &Key| match existing.remove(of) {
        Some(item) => Some(Former::Existing(item)),
        None => deleted.remove(of).map(|row| Former::Deleted(row.with(id(*of)))),
    };
    Ok(ids.iter().filter_map(one).collect())
}

fn former_groups(connection: &mut AnyConnection, ids: &[Key]) -> Result<Vec<FormerGroup>, Failure> {
    let existing = groups_in_order(connection, ids)?;
    let key = |group: &Group| Key(group.id.0);
    former(connection, Listed::Groups, ids, (existing, key, |key| GroupId(key.0)))
}

impl PastReader for Unit<'_> {
    fn known_from(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let question = prepared("SELECT known_from FROM event_checkpoint");
        self.run(|connection| {
            let row: Option<KnownFrom> = match connection {
                AnyConnection::Postgres(connection) => question.get_result(connection).optional()?,
                AnyConnection::Sqlite(connection) => question.get_result(connection).optional()?,
            };
            Ok(row.map(|row| Timestamp::from_milliseconds(row.known_from)))
        })
    }

    fn deleted_user(&mut self, id: UserId) -> Result<Option<Deleted<UserId>>, StoreError> {
        self.run(|connection| {
            if dialect::unknown_users(connection, vec![Key(id.0)])?.is_empty() {
                return Ok(None);
            }
            let mut found = deleted(connection, Listed::Users, &[Key(id.0)])?;
            Ok(found.remove(&Key(id.0)).map(|row| row.with(id)))
        })
    }

    fn deleted_group(&mut self, id: GroupId) -> Result<Option<Deleted<GroupId>>, StoreError> {
        self.run(|connection| {
            if dialect::unknown_groups(connection, vec![Key(id.0)])?.is_empty() {
                return Ok(None);
            }
            let mut found = deleted(connection, Listed::Groups, &[Key(id.0)])?;
            Ok(found.remove(&Key(id.0)).map(|row| row.with(id)))
        })
    }

    fn members_at(
        &mut self,
        group: GroupId,
        reach: Reach,
        at: Timestamp,
        page: &Page,
    ) -> Result<Paged<FormerUser>, StoreError> {
        self.run(|connection| {
            let (total, ids) = page_of_members(connection, (group, reach, at), page)?;
            let (existing, key) = (users_in_order(connection, &ids)?, |user: &User| Key(user.id.0));
            let users = former(connection, Listed::Users, &ids, (existing, key, |key| UserId(key.0)))?;
            Ok(Paged::new(page, total, users, FormerUser::place))
        })
    }

    fn groups_at(
        &mut self,
        user: UserId,
        reach: Reach,
        at: Timestamp,
        page: &Page,
    ) -> Result<Paged<FormerGroup>, StoreError> {
        self.run(|connection| {
            let (total, ids) = page_of_groups(connection, (user, reach, at), page)?;
            Ok(Paged::new(page, total, former_groups(connection, &ids)?, FormerGroup::place))
        })
    }

    /// What leads up from the user's groups is read, and what does not come from `group` is left out here: at that moment there was a closure that is there no more.
    fn membership_graph_at(
        &mut self,
        group: GroupId,
        user: UserId,
        at: Timestamp,
    ) -> Result<MembershipGraph, StoreError> {
        static EDGES: LazyLock<[String; 2]> =
            LazyLock::new(|| [edges_above(Dialect::Postgres), edges_above(Dialect::Sqlite)]);
        let (user, at) = (Key(user.0), at.milliseconds());
        self.run(|connection| {
            let [postgres, sqlite] = &*EDGES;
            let memberships: Vec<MembershipRow> = load(connection, [MEMBERSHIPS, MEMBERSHIPS], user, at)?;
            let edges: Vec<EdgeRow> = load(connection, [postgres, sqlite], user, at)?;
            let mut below = BTreeMap::<Key, Vec<&EdgeRow>>::new();
            for edge in &edges {
                below.entry(edge.parent_id).or_default().push(edge);
            }
            let mut graph = MembershipGraph::default();
            let (mut reached, mut open) = (BTreeSet::from([Key(group.0)]), vec![Key(group.0)]);
            while let Some(next) = open.pop() {
                for edge in below.get(&next).into_iter().flatten() {
                    let until = edge.ended.map(Timestamp::from_milliseconds);
                    let (parent, child) = (GroupId(edge.parent_id.0), GroupId(edge.child_id.0));
                    graph.edges.push(PathEdge { parent, child, until });
                    open.extend(reached.insert(edge.child_id).then_some(edge.child_id));
                }
            }
            for row in memberships.into_iter().filter(|row| reached.contains(&row.group_id)) {
                let author = row.author_id.zip(row.author);
                let membership = PathMembership {
                    added: Timestamp::from_milliseconds(row.began),
                    added_by: author.map(|(id, username)| Author { id: UserId(id.0), username }),
                    from: None,
                    until: row.ended.map(Timestamp::from_milliseconds),
                };
                graph.memberships.insert(GroupId(row.group_id.0), membership);
            }
            if !graph.memberships.is_empty() {
                let ids: Vec<Key> = reached.into_iter().collect();
                let named = |group: FormerGroup| match group {
                    Former::Existing(group) => (group.id, group.name),
                    Former::Deleted(group) => (group.id, GroupName::stored(group.name)),
                };
                graph.groups = former_groups(connection, &ids)?.into_iter().map(named).collect();
            }
            Ok(graph)
        })
    }
}

impl PastWriter for Unit<'_> {
    fn prune_past(&mut self, most: u32) -> Result<u64, StoreError> {
        const NAMES: [&str; 2] = [
            "DELETE FROM past_users WHERE deleted < (SELECT known_from FROM event_checkpoint)",
            "DELETE FROM past_groups WHERE deleted < (SELECT known_from FROM event_checkpoint)",
        ];
        static SQL: LazyLock<[[String; 2]; 2]> = LazyLock::new(|| {
            [Dialect::Postgres, Dialect::Sqlite].map(|dialect| {
                [
                    prune(dialect, "past_memberships", ["group_id", "user_id"]),
                    prune(dialect, "past_edges", ["parent_id", "child_id"]),
                ]
            })
        });
        self.change(|connection| {
            let [postgres, sqlite] = &*SQL;
            let limit = i64::from(most);
            let mut pruned = 0;
            for number in 0..2 {
                pruned += match connection {
                    AnyConnection::Postgres(connection) => {
                        prepared(&postgres[number]).bind::<BigInt, _>(limit).execute(connection)?
                    }
                    AnyConnection::Sqlite(connection) => {
                        prepared(&sqlite[number]).bind::<BigInt, _>(limit).execute(connection)?
                    }
                };
                // Groups are found by their names, which go last.
                if pruned as u64 >= u64::from(most) {
                    return Ok(pruned as u64);
                }
            }
            for text in NAMES {
                match connection {
                    AnyConnection::Postgres(connection) => prepared(text).execute(connection)?,
                    AnyConnection::Sqlite(connection) => prepared(text).execute(connection)?,
                };
            }
            Ok(pruned as u64)
        })
    }
}
