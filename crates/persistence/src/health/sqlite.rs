//! The checks of SQLite. They use a connection of their own, so that they do not wait for the one that writes.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};

use super::{DatabaseFault, FaultFound};
use crate::dialect;
use crate::schema::TABLES;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Report {
    #[diesel(sql_type = Text)]
    quick_check: String,
}

/// Whether a change would be taken. After a fault one is committed, which changes nothing that is read; then a connection that
/// writes meanwhile leaves the fault as it was.
pub(crate) fn check(connection: &mut SqliteConnection, before: Option<DatabaseFault>) -> Result<(), FaultFound> {
    let names = TABLES.map(|name| format!("'{name}'")).join(", ");
    let tables = format!("SELECT count(*) AS count FROM sqlite_schema WHERE type = 'table' AND name IN ({names})");
    let is_here: Count = sql_query(tables).get_result(connection).map_err(found)?;
    if usize::try_from(is_here.count) != Ok(TABLES.len()) {
        return Err(FaultFound::new(DatabaseFault::Incomplete, "the file has not all tables of this program"));
    }
    if before == Some(DatabaseFault::Damaged) {
        let report: Report = sql_query("PRAGMA quick_check(1)").get_result(connection).map_err(found)?;
        if report.quick_check != "ok" {
            return Err(FaultFound::new(DatabaseFault::Damaged, report.quick_check));
        }
    }
    connection.batch_execute("PRAGMA busy_timeout = 0").map_err(found)?;
    match (connection.batch_execute("BEGIN IMMEDIATE"), before) {
        (Ok(()), None) => connection.batch_execute("ROLLBACK"),
        (Ok(()), Some(_)) => connection.batch_execute(
            // An update to the same values would write nothing.
            "DELETE FROM user_counts WHERE slot = -1; \
             INSERT INTO user_counts (slot, users, changes) VALUES (-1, 0, 0); COMMIT",
        ),
        (Err(error), None) if dialect::sqlite::is_busy(&error) => Ok(()),
        (Err(error), Some(fault)) if dialect::sqlite::is_busy(&error) => return Err(FaultFound::new(fault, error)),
        (Err(error), _) => Err(error),
    }
    .map_err(found)
}

fn found(error: Error) -> FaultFound {
    let fault = match &error {
        error if dialect::sqlite::is_busy(error) => Some(DatabaseFault::Locked),
        Error::DatabaseError(_, information) => DatabaseFault::of_sqlite(information.message()),
        _ => None,
    };
    FaultFound::new(fault.unwrap_or(DatabaseFault::Refusing), error)
}
