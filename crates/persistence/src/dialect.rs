//! The statements that differ between the databases: a function of the same name and signature for each database, and in `lookups`
//! one for both.

pub(crate) mod closure;
pub(crate) mod comparisons;
pub(crate) mod effects;
pub(crate) mod lasting;
pub(crate) mod lookups;
pub(crate) mod past;
pub(crate) mod postgres;
pub(crate) mod scheduled;
pub(crate) mod settling;
pub(crate) mod sqlite;
pub(crate) mod validity;

use std::time::Duration;

use diesel::QueryResult;
use guildhall_domain::provenance::Provenance;
use guildhall_domain::time::Timestamp;

use crate::connection::AnyConnection;
use crate::sql_types::Key;
use crate::tables::Announced;
use crate::together::{ByDialect, Part};

/// Which database a statement is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Postgres,
    Sqlite,
}

impl Dialect {
    pub(crate) fn of(connection: &AnyConnection) -> Self {
        match connection {
            AnyConnection::Postgres(_) => Self::Postgres,
            AnyConnection::Sqlite(_) => Self::Sqlite,
        }
    }

    /// The start of the condition of a statement that reads many rows: SQLite calls a function for each row that ends the statement
    /// if it is to end. PostgreSQL interrupts statements itself.
    pub(crate) const fn interrupt_check(self) -> &'static str {
        match self {
            Self::Postgres => "",
            Self::Sqlite => "guildhall_interrupt_check() AND ",
        }
    }

    /// The same as the end of the condition of a statement that reads memberships, `group_users m`. SQLite evaluates a condition as early as
    /// possible, so it refers to the membership: otherwise it would be evaluated once for each group.
    pub(crate) const fn row_check(self) -> &'static str {
        match self {
            Self::Postgres => "",
            Self::Sqlite => " AND length(m.user_id) >= guildhall_interrupt_check()",
        }
    }

    /// The email domains of a row of `groups`, as a JSON array.
    pub(crate) const fn email_domains(self) -> &'static str {
        match self {
            Self::Postgres => {
                "(SELECT CAST(json_agg(d.domain) AS text) FROM group_email_domains d WHERE d.group_id = groups.id)"
            }
            Self::Sqlite => {
                "(SELECT json_group_array(d.domain) FROM group_email_domains d WHERE d.group_id = groups.id)"
            }
        }
    }
}

/// What was removed: memberships of one group, or edges from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    /// How many counted.
    pub(crate) present: usize,
    /// How many others were to begin later.
    pub(crate) scheduled: usize,
}

/// The same, by the ids of the members, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RemovedIds {
    /// Those that counted.
    pub(crate) present: Vec<Key>,
    /// The others that were to begin later.
    pub(crate) scheduled: Vec<Key>,
}

/// How the transaction of a unit of work is isolated from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransactionMode {
    /// It only reads, and all its statements see the same state.
    Read,
    /// It writes, and other units of work may write at the same time.
    Write,
    /// It writes, and no unit of work in the mode `WriteAlone` runs at the same time.
    WriteShared,
    /// It writes, and no other unit of work in this mode or in `WriteShared` runs at the same time.
    WriteAlone,
}

impl TransactionMode {
    /// A short name, for spans.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::WriteShared => "write shared",
            Self::WriteAlone => "write alone",
        }
    }
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

/// The part of this name for each database.
macro_rules! part {
    ($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*)) => {
        $(#[$doc])*
        pub(crate) fn $name($($argument: $type),*) -> impl Part {
            ByDialect { postgres: postgres::$name($($argument),*), sqlite: sqlite::$name($($argument),*) }
        }
    };
}

part! {
    /// Adds to the number of direct members of a group, and counts as many changes.
    change_member_count(group: Key, change: i64)
}
part! {
    /// Subtracts the user from the member count of each of their groups.
    subtract_from_member_counts(user: Key)
}
part! {
    /// Adds to the number of all users, and counts a change of who they are or of their names. Not together with [`note_memberships`],
    /// which changes the same row.
    change_users(users: i64)
}
part! {
    /// Counts a new user, and a change of memberships.
    count_new_user()
}
part! {
    /// Makes a user a direct member of these groups, which they are not yet.
    insert_memberships(groups: &[Key], user: Key, added: Provenance)
}
part! {
    /// Counts one member more of each of these groups.
    count_joined(groups: &[Key])
}
part! {
    /// Adds to the numbers of direct members of these groups, each of which is there once, and counts as many changes.
    change_member_counts(groups: &[Key], users: &[i64], changes: &[i64])
}
part! {
    /// Counts a change of memberships or of edges between groups.
    note_memberships()
}
part! {
    /// Counts a change in each group of the user: the username of a member changed.
    note_renamed(user: Key)
}
part! {
    /// Deletes the email domains of a group, or at least those that are not among `kept`, which [`insert_domains`] adds. It follows the change
    /// of the group.
    delete_domains(group: Key, kept: &[&str])
}
part! {
    /// Adds those of `domains` to the email domains of a group that it does not have. It follows the change of the group.
    insert_domains(group: Key, domains: &[&str])
}

dialect!(begin(connection, mode: TransactionMode, limit: Option<Duration>) -> QueryResult<()>);
/// Begins a transaction of SQLite that writes, unless another one writes. Whether it has begun.
pub(crate) fn begin_if_nobody_writes(connection: &mut AnyConnection) -> bool {
    match connection {
        AnyConnection::Postgres(_) => false,
        AnyConnection::Sqlite(connection) => sqlite::begin_if_nobody_writes(connection),
    }
}

dialect!(lock_names(connection) -> QueryResult<()>);
dialect!(unknown_users(connection, ids: Vec<Key>) -> QueryResult<Vec<Key>>);
dialect!(unknown_groups(connection, ids: Vec<Key>) -> QueryResult<Vec<Key>>);
dialect!(insert_member(connection, group: Key, user: Key, added: Provenance, events: Option<&Announced>) -> QueryResult<usize>);
dialect!(remove_member(connection, group: Key, user: Key, at: Timestamp) -> QueryResult<Removed>);
dialect!(insert_members(connection, group: Key, users: Vec<Key>, added: Provenance) -> QueryResult<Vec<Key>>);
dialect!(remove_members(connection, group: Key, users: Vec<Key>, at: Timestamp) -> QueryResult<RemovedIds>);
dialect!(merge_count_slots(connection) -> QueryResult<usize>);
dialect!(force_index_order(connection, is_forced: bool) -> QueryResult<()>);
dialect!(lock_memberships(connection, user: Key) -> QueryResult<usize>);
dialect!(lock_group(connection, group: Key) -> QueryResult<usize>);
dialect!(lock_members(connection, group: Key) -> QueryResult<usize>);
dialect!(insert_children(connection, parent: Key, children: Vec<Key>, added: Provenance) -> QueryResult<Vec<Key>>);
dialect!(remove_child(connection, parent: Key, child: Key, at: Timestamp) -> QueryResult<Removed>);
dialect!(remove_children(connection, parent: Key, children: Vec<Key>, at: Timestamp) -> QueryResult<RemovedIds>);
