//! The statements that differ from database to database: one function of the same name and form for each.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use std::time::Duration;

use diesel::QueryResult;

use crate::connection::AnyConnection;
use crate::sql_types::Key;

/// How a unit of work goes beside others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It only reads, and sees one state.
    Reading,
    /// It writes what commutes.
    Writing,
    /// It writes what must see no other such work.
    Alone,
}

/// Calls the function of this name for the database that the connection is to.
macro_rules! dialect {
    ($name:ident($connection:ident $(, $argument:ident: $type:ty)*) -> $result:ty) => {
        pub(crate) fn $name($connection: &mut AnyConnection $(, $argument: $type)*) -> $result {
            match $connection {
                AnyConnection::Postgres($connection) => postgres::$name($connection $(, $argument)*),
                AnyConnection::Sqlite($connection) => sqlite::$name($connection $(, $argument)*),
            }
        }
    };
}

dialect!(begin(connection, turn: Turn, limit: Option<Duration>) -> QueryResult<()>);
dialect!(unknown_users(connection, ids: Vec<Key>) -> QueryResult<Vec<Key>>);
dialect!(unknown_groups(connection, ids: Vec<Key>) -> QueryResult<Vec<Key>>);
dialect!(insert_members(connection, group: Key, users: Vec<Key>, added: i64) -> QueryResult<usize>);
dialect!(change_user_count(connection, group: Key, change: i64) -> QueryResult<usize>);
dialect!(uncount_user(connection, user: Key) -> QueryResult<usize>);
dialect!(gather_counts(connection) -> QueryResult<usize>);
dialect!(change_users(connection, users: i64) -> QueryResult<usize>);
dialect!(note_memberships(connection) -> QueryResult<usize>);
dialect!(note_renamed(connection, user: Key) -> QueryResult<usize>);
dialect!(force_index_order(connection, is_forced: bool) -> QueryResult<()>);
dialect!(lock_user(connection, user: Key) -> QueryResult<usize>);
dialect!(lock_unknown_name(connection, place: i32) -> QueryResult<usize>);
dialect!(lock_memberships(connection, user: Key) -> QueryResult<usize>);
dialect!(lock_group(connection, group: Key) -> QueryResult<usize>);
dialect!(insert_edges(connection, parent: Key, children: Vec<Key>) -> QueryResult<usize>);
dialect!(insert_pairs(connection, parent: Key, children: Vec<Key>) -> QueryResult<usize>);
