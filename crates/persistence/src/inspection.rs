//! Whether what is derived from other rows is what follows from them, and making it so.
//!
//! | Derived | From |
//! |---|---|
//! | the closure of the nesting | the edges between groups |
//! | the numbers of members, children, users and groups | their rows |
//! | the names that somebody has | the usernames and addresses of users |
//! | the search rows | the properties of users |

use std::error::Error;

use diesel::connection::{SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::connection::{AnyConnection, ConnectError};
use crate::database::Database;
use crate::dialect::{self, TransactionMode};
use crate::listing::search_rows;
use crate::unit_of_work::Failure;
use r2d2::ManageConnection as _;

/// Why a database was not inspected or repaired.
#[derive(Debug, thiserror::Error)]
pub enum InspectionError {
    /// The database cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A statement failed.
    #[error("the database cannot be inspected")]
    Query(#[from] diesel::result::Error),
    /// The row of a user or a group cannot be read.
    #[error("a row cannot be read")]
    Row(#[source] Box<dyn Error + Send + Sync>),
}

impl From<Failure> for InspectionError {
    fn from(failure: Failure) -> Self {
        Self::Row(failure.into())
    }
}

/// Rows that are not what follows from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discrepancy {
    /// What is wrong with them.
    pub what: &'static str,
    /// How many there are.
    pub count: u64,
    /// Whether [`Database::repair`] makes them anew. What is not derived has to come from a backup.
    pub is_derived: bool,
}

/// What can be looked at by one statement.
struct Check {
    what: &'static str,
    /// Counts what is wrong.
    count: &'static str,
    /// The statements that make it right. Empty: nothing can.
    repair: &'static [&'static str],
}

macro_rules! walk {
    ($rest:literal) => {
        concat!(
            "WITH RECURSIVE walk (ancestor_id, descendant_id) AS (SELECT g.id, g.id FROM groups g \
             UNION SELECT w.ancestor_id, e.child_id FROM walk w JOIN group_children e ON e.parent_id = w.descendant_id) ",
            $rest
        )
    };
}

const CHECKS: &[Check] = &[
    Check {
        what: "groups contain themselves through others",
        count: walk!(
            "SELECT count(DISTINCT w.ancestor_id) AS number FROM walk w JOIN walk back \
             ON back.ancestor_id = w.descendant_id AND back.descendant_id = w.ancestor_id WHERE w.ancestor_id <> w.descendant_id"
        ),
        repair: &[],
    },
    Check {
        what: "pairs of groups are missing in the closure",
        count: walk!(
            "SELECT count(*) AS number FROM (SELECT * FROM walk EXCEPT SELECT ancestor_id, descendant_id FROM group_closure) d"
        ),
        repair: &[walk!(
            "INSERT INTO group_closure (ancestor_id, descendant_id) \
             SELECT * FROM walk EXCEPT SELECT ancestor_id, descendant_id FROM group_closure"
        )],
    },
    Check {
        what: "pairs of groups are in the closure and follow from no edges",
        count: walk!(
            "SELECT count(*) AS number FROM (SELECT ancestor_id, descendant_id FROM group_closure EXCEPT SELECT * FROM walk) d"
        ),
        repair: &[walk!(
            "DELETE FROM group_closure WHERE NOT EXISTS (SELECT 1 FROM walk w \
             WHERE w.ancestor_id = group_closure.ancestor_id AND w.descendant_id = group_closure.descendant_id)"
        )],
    },
    Check {
        what: "groups have another number of members than is kept",
        count: "SELECT count(*) AS number FROM groups g WHERE \
             (SELECT count(*) FROM group_users m WHERE m.group_id = g.id) \
             <> (SELECT coalesce(sum(c.users), -1) FROM group_user_counts c WHERE c.group_id = g.id)",
        repair: &[
            "INSERT INTO group_user_counts (group_id, slot, users, changes) SELECT g.id, 0, 0, 0 FROM groups g \
             WHERE NOT EXISTS (SELECT 1 FROM group_user_counts c WHERE c.group_id = g.id AND c.slot = 0)",
            "UPDATE group_user_counts SET users = users + (SELECT count(*) FROM group_users m WHERE m.group_id = group_user_counts.group_id) \
             - (SELECT sum(c.users) FROM group_user_counts c WHERE c.group_id = group_user_counts.group_id), changes = changes + 1 \
             WHERE slot = 0 AND (SELECT count(*) FROM group_users m WHERE m.group_id = group_user_counts.group_id) \
             <> (SELECT sum(c.users) FROM group_user_counts c WHERE c.group_id = group_user_counts.group_id)",
        ],
    },
    Check {
        what: "groups have another number of children than is kept",
        count: "SELECT count(*) AS number FROM groups g WHERE g.child_group_count <> (SELECT count(*) FROM group_children e WHERE e.parent_id = g.id)",
        repair: &[
            "UPDATE groups SET child_group_count = (SELECT count(*) FROM group_children e WHERE e.parent_id = groups.id) \
             WHERE child_group_count <> (SELECT count(*) FROM group_children e WHERE e.parent_id = groups.id)",
        ],
    },
    Check {
        what: "users are more or fewer than is kept",
        count: "SELECT CAST(abs((SELECT count(*) FROM users) - (SELECT coalesce(sum(users), 0) FROM user_counts)) AS bigint) AS number",
        repair: &[
            "UPDATE user_counts SET users = users + (SELECT count(*) FROM users) - (SELECT sum(c.users) FROM user_counts c), changes = changes + 1 \
             WHERE slot = (SELECT min(c.slot) FROM user_counts c) AND (SELECT count(*) FROM users) <> (SELECT sum(c.users) FROM user_counts c)",
        ],
    },
    Check {
        what: "groups are more or fewer than is kept",
        count: "SELECT CAST(abs((SELECT count(*) FROM groups) - (SELECT coalesce(sum(groups), 0) FROM group_counts)) AS bigint) AS number",
        repair: &[
            "UPDATE group_counts SET groups = groups + (SELECT count(*) FROM groups) - (SELECT sum(c.groups) FROM group_counts c) \
             WHERE slot = (SELECT min(c.slot) FROM group_counts c) AND (SELECT count(*) FROM groups) <> (SELECT sum(c.groups) FROM group_counts c)",
        ],
    },
    // Who gave a name that was lost, nobody knows. It counts as chosen by the user, so that no account of another issuer is linked by it.
    Check {
        what: "users cannot be found by their username",
        count: "SELECT count(*) AS number FROM users u WHERE NOT EXISTS \
             (SELECT 1 FROM user_identifiers i WHERE i.identifier_key = u.username_key AND i.user_id = u.id)",
        repair: &[
            "INSERT INTO user_identifiers (identifier_key, user_id, by_authority) SELECT u.username_key, u.id, 1 = 0 FROM users u \
             WHERE NOT EXISTS (SELECT 1 FROM user_identifiers i WHERE i.identifier_key = u.username_key)",
        ],
    },
    Check {
        what: "users cannot be found by their email address",
        count: "SELECT count(*) AS number FROM user_search s WHERE s.email_key IS NOT NULL AND NOT EXISTS \
             (SELECT 1 FROM user_identifiers i WHERE i.identifier_key = s.email_key AND i.user_id = s.user_id)",
        repair: &[
            "INSERT INTO user_identifiers (identifier_key, user_id, by_authority) SELECT s.email_key, s.user_id, 1 = 0 FROM user_search s \
             WHERE s.email_key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM user_identifiers i WHERE i.identifier_key = s.email_key)",
        ],
    },
    Check {
        what: "memberships are of no user or no group",
        count: "SELECT count(*) AS number FROM group_users m WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = m.user_id) \
             OR NOT EXISTS (SELECT 1 FROM groups g WHERE g.id = m.group_id)",
        repair: &[],
    },
];

/// The tables whose rows are compared, and written by who repairs.
const LOCK: &str = "LOCK TABLE users, user_identifiers, user_search, user_counts, groups, group_counts, group_users, group_user_counts, group_children, group_closure \
     IN SHARE ROW EXCLUSIVE MODE";

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Report {
    #[diesel(sql_type = Nullable<Text>)]
    integrity_check: Option<String>,
}

impl Database {
    /// Compares what is derived with what it is derived from, at one moment, and has SQLite look at every page.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn inspect(&self) -> Result<Vec<Discrepancy>, InspectionError> {
        self.in_transaction(TransactionMode::Read, |connection| discrepancies(connection, false))
    }

    /// Makes anew what is derived and not as it follows, in one transaction, during which others only read. Returns what was wrong.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or written. Nothing was changed then.
    pub fn repair(&self) -> Result<Vec<Discrepancy>, InspectionError> {
        self.in_transaction(TransactionMode::Write, |connection| {
            if let AnyConnection::Postgres(connection) = connection {
                connection.batch_execute(LOCK)?;
            }
            discrepancies(connection, true)
        })
    }

    fn in_transaction<T>(
        &self,
        mode: TransactionMode,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, InspectionError>,
    ) -> Result<T, InspectionError> {
        type Transactions = <AnyConnection as Connection>::TransactionManager;
        let mut pooled = self.manager().connect()?;
        let connection = &mut pooled.connection;
        dialect::begin(connection, mode, None)?;
        let done = work(connection);
        match done {
            Ok(_) => Transactions::commit_transaction(connection)?,
            Err(_) => Transactions::rollback_transaction(connection)?,
        }
        done
    }
}

/// What is wrong. With `repairs`, what is derived is right then.
fn discrepancies(connection: &mut AnyConnection, repairs: bool) -> Result<Vec<Discrepancy>, InspectionError> {
    let mut found = Vec::new();
    let mut note = |what, count, is_derived| {
        if count > 0 {
            found.push(Discrepancy { what, count, is_derived });
        }
    };
    if let AnyConnection::Sqlite(connection) = connection {
        let reports: Vec<Report> = sql_query("PRAGMA integrity_check").load(connection)?;
        let damages = reports.iter().filter(|report| report.integrity_check.as_deref() != Some("ok")).count() as u64;
        note("parts of the file are damaged", damages, false);
    }
    // Addresses are looked up by the keys of search rows.
    let count = search_rows::differing(connection, repairs)?;
    note("users or groups are searched by other properties than they have", count, true);
    for check in CHECKS {
        let counted: Number = match connection {
            AnyConnection::Postgres(connection) => sql_query(check.count).get_result(connection)?,
            AnyConnection::Sqlite(connection) => sql_query(check.count).get_result(connection)?,
        };
        let count = counted.number.unsigned_abs();
        note(check.what, count, !check.repair.is_empty());
        if repairs && count > 0 {
            for statement in check.repair {
                match connection {
                    AnyConnection::Postgres(connection) => sql_query(*statement).execute(connection)?,
                    AnyConnection::Sqlite(connection) => sql_query(*statement).execute(connection)?,
                };
            }
        }
    }
    Ok(found)
}
