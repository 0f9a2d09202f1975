//! Paths between groups and users.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use guildhall_domain::group::{GroupId, GroupName};
use guildhall_domain::manager::Author;
use guildhall_domain::ports::{MembershipGraph, PathEdge, PathMembership, PathReader, StoreError};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use guildhall_domain::validity::Validity;

use crate::connection::AnyConnection;
use crate::dialect::validity::validity;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql};
use crate::unit_of_work::Unit;

/// Selects from `reached`: the groups from those that the user `$2` is directly in up to the group `$1`. From the user up, so that the groups below
/// `$1` do not count; a subquery inside one keeps PostgreSQL from any other way.
macro_rules! from_reached {
    ($($rest:literal),+) => {
        [
            concat!(
                "WITH RECURSIVE reached (id) AS (\
                     SELECT m.group_id FROM group_users m WHERE m.user_id = $2 \
                     AND (SELECT 1 FROM group_closure c WHERE c.ancestor_id = $1 AND c.descendant_id = m.group_id LIMIT 1) = 1 \
                     UNION SELECT e.parent_id FROM reached JOIN group_children e ON e.child_id = reached.id \
                     WHERE (SELECT 1 FROM group_closure c WHERE c.ancestor_id = $1 AND c.descendant_id = e.parent_id LIMIT 1) = 1) ",
                $($rest),+
            ),
            concat!(
                "WITH RECURSIVE reached (id) AS (\
                     SELECT m.group_id FROM group_users m WHERE m.user_id = $2 AND length(m.user_id) >= guildhall_interrupt_check() \
                     AND EXISTS (SELECT 1 FROM group_closure c WHERE c.ancestor_id = $1 AND c.descendant_id = m.group_id) \
                     UNION SELECT e.parent_id FROM reached CROSS JOIN group_children e ON e.child_id = reached.id \
                     WHERE length(e.child_id) >= guildhall_interrupt_check() \
                     AND EXISTS (SELECT 1 FROM group_closure c WHERE c.ancestor_id = $1 AND c.descendant_id = e.parent_id)) ",
                $($rest),+
            ),
        ]
    };
}

const GROUPS: [&str; 2] = from_reached!(
    "SELECT g.id, g.name, m.added, b.id AS author_id, b.username AS author, d.valid_from, d.valid_until, d.next_at FROM reached \
     JOIN groups g ON g.id = reached.id \
     LEFT JOIN group_users m ON m.group_id = reached.id AND m.user_id = $2 \
     LEFT JOIN membership_dates d ON d.group_id = reached.id AND d.user_id = $2 \
     LEFT JOIN users b ON b.id = m.added_by"
);
const EDGES: [&str; 2] = from_reached!(
    "SELECT e.parent_id, e.child_id, d.valid_until FROM reached JOIN group_children e ON e.child_id = reached.id \
     LEFT JOIN membership_dates d ON d.group_id = e.parent_id AND d.child_id = e.child_id \
     WHERE e.parent_id IN (SELECT id FROM reached)"
);

#[derive(QueryableByName)]
struct GroupRow {
    #[diesel(sql_type = UuidSql)]
    id: Key,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    added: Option<i64>,
    #[diesel(sql_type = Nullable<UuidSql>)]
    author_id: Option<Key>,
    #[diesel(sql_type = Nullable<Text>)]
    author: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    valid_from: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    valid_until: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    next_at: Option<i64>,
}

#[derive(QueryableByName)]
struct EdgeRow {
    #[diesel(sql_type = UuidSql)]
    parent_id: Key,
    #[diesel(sql_type = UuidSql)]
    child_id: Key,
    #[diesel(sql_type = Nullable<BigInt>)]
    valid_until: Option<i64>,
}

impl PathReader for Unit<'_> {
    fn membership_graph(&mut self, group: GroupId, user: UserId) -> Result<MembershipGraph, StoreError> {
        let mut graph = MembershipGraph::default();
        for row in self.run(|connection| Ok(load::<GroupRow>(connection, GROUPS, group, user)?))? {
            let id = GroupId(row.id.0);
            if let Some(added) = row.added {
                let author = row.author_id.zip(row.author);
                let Validity { from, until } = validity(true, (row.valid_from, row.valid_until, row.next_at));
                let membership = PathMembership {
                    added: Timestamp::from_milliseconds(added),
                    added_by: author.map(|(id, username)| Author { id: UserId(id.0), username }),
                    from,
                    until,
                };
                graph.memberships.insert(id, membership);
            }
            graph.groups.insert(id, GroupName::stored(row.name));
        }
        // One group has no edge to another.
        if graph.groups.len() > 1 {
            let edges = self.run(|connection| Ok(load::<EdgeRow>(connection, EDGES, group, user)?))?;
            let edge = |row: EdgeRow| PathEdge {
                parent: GroupId(row.parent_id.0),
                child: GroupId(row.child_id.0),
                until: row.valid_until.map(Timestamp::from_milliseconds),
            };
            graph.edges = edges.into_iter().map(edge).collect();
        }
        Ok(graph)
    }
}

fn load<R>(
    connection: &mut AnyConnection,
    [postgres, sqlite]: [&'static str; 2],
    group: GroupId,
    user: UserId,
) -> QueryResult<Vec<R>>
where
    R: QueryableByName<diesel::pg::Pg> + QueryableByName<diesel::sqlite::Sqlite> + 'static,
{
    let statement = |text| prepared(text).bind::<UuidSql, _>(Key(group.0)).bind::<UuidSql, _>(Key(user.0));
    match connection {
        AnyConnection::Postgres(connection) => statement(postgres).load(connection),
        AnyConnection::Sqlite(connection) => statement(sqlite).load(connection),
    }
}
