//! Copies everything from a database of one kind to an empty one of the other.
//!
//! Both have the same tables, so rows are copied as they are, as JSON: a statement of one database writes it, and one of the other reads it.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::{pg::PgRowByRowLoadingMode, sql_query};
use r2d2::ManageConnection as _;

use crate::connection::{AnyConnection, ConnectError};
use crate::database::Database;
use crate::schema::TABLES;
use crate::start::StartError;

/// Why a database was not copied. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Both are of the same kind.
    #[error("both databases are of the same kind: `guildhall backup` copies SQLite, and pg_dump PostgreSQL")]
    SameKind,
    /// The source was made by an earlier version.
    #[error("{0} migrations are to be run on the database that is copied: `guildhall migrate` runs them")]
    NotMigrated(usize),
    /// The target has users or groups.
    #[error("the database that is copied to has users or groups of its own")]
    NotEmpty,
    /// The source is no database of this program, or of a later version of it.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A database cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A statement failed.
    #[error("the database cannot be copied")]
    Query(#[from] diesel::result::Error),
}

/// How many rows are copied with one statement.
const ROWS_AT_ONCE: usize = 2_000;
/// The most bytes of the rows that are copied with one statement, but for the last of them.
const BYTES_AT_ONCE: usize = 4 << 20;

/// Tables that have rows once groups were copied.
const COUNTED_BY_TRIGGERS: [&str; 2] = ["group_user_counts", "group_counts"];

/// A column, as PostgreSQL has it.
#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    data_type: String,
}

#[derive(QueryableByName)]
struct JsonRow {
    #[diesel(sql_type = Text)]
    json: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Copies everything that `from` holds at one moment to `to`, which was migrated and has no users, and groups of the system alone. Returns how many rows each table has. Nobody who uses `from`
/// waits.
///
/// # Errors
///
/// When both are of the same kind, the source is not up to date, the target is not empty, or a statement failed.
pub fn copy(from: &Database, to: &Database) -> Result<Vec<(&'static str, u64)>, CopyError> {
    let pending = from.pending_migrations()?.len();
    if pending > 0 {
        return Err(CopyError::NotMigrated(pending));
    }
    let (mut source, mut target) = (from.manager().connect()?, to.manager().connect()?);
    let columns = match (&mut source.connection, &mut target.connection) {
        (AnyConnection::Sqlite(_), AnyConnection::Postgres(postgres))
        | (AnyConnection::Postgres(postgres), AnyConnection::Sqlite(_)) => columns(postgres)?,
        _ => return Err(CopyError::SameKind),
    };
    begin_reading(&mut source.connection)?;
    let copied = target.connection.transaction(|target| copy_tables(&mut source.connection, target, &columns));
    // Whatever came of it, the source was only read.
    let ended = execute(&mut source.connection, "ROLLBACK");
    let copied = copied?;
    ended?;
    Ok(copied)
}

fn columns(connection: &mut PgConnection) -> QueryResult<Vec<Column>> {
    sql_query(
        "SELECT CAST(table_name AS text) AS \"table\", CAST(column_name AS text) AS name, CAST(data_type AS text) AS data_type \
         FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position",
    )
    .load(connection)
}

fn begin_reading(source: &mut AnyConnection) -> QueryResult<()> {
    match source {
        AnyConnection::Sqlite(_) => execute(source, "BEGIN"),
        AnyConnection::Postgres(_) => {
            execute(source, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
            execute(source, "SET LOCAL statement_timeout = 0")
        }
    }
}

fn execute(connection: &mut AnyConnection, text: &str) -> QueryResult<()> {
    match connection {
        AnyConnection::Postgres(connection) => sql_query(text).execute(connection).map(drop),
        AnyConnection::Sqlite(connection) => sql_query(text).execute(connection).map(drop),
    }
}

fn copy_tables(
    source: &mut AnyConnection,
    target: &mut AnyConnection,
    columns: &[Column],
) -> Result<Vec<(&'static str, u64)>, CopyError> {
    if let AnyConnection::Postgres(_) = target {
        execute(target, "SET LOCAL statement_timeout = 0")?;
        execute(target, "LOCK TABLE users, groups IN SHARE ROW EXCLUSIVE MODE")?;
    }
    let question = "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM groups WHERE kind <> 'sys') AS number";
    let count: Count = match target {
        AnyConnection::Postgres(connection) => sql_query(question).get_result(connection)?,
        AnyConnection::Sqlite(connection) => sql_query(question).get_result(connection)?,
    };
    if count.number > 0 {
        return Err(CopyError::NotEmpty);
    }
    for table in TABLES.iter().rev() {
        execute(target, &format!("DELETE FROM {table}"))?;
    }
    let mut copied = Vec::new();
    for table in TABLES {
        let columns: Vec<&Column> = columns.iter().filter(|column| column.table == table).collect();
        if COUNTED_BY_TRIGGERS.contains(&table) {
            execute(target, &format!("DELETE FROM {table}"))?;
        }
        copied.push((table, copy_table(source, target, table, &columns)?));
    }
    if let AnyConnection::Postgres(_) = target {
        execute(
            target,
            "SELECT setval(pg_get_serial_sequence('new_events', 'place'), coalesce((SELECT max(place) FROM new_events), 0) + 1, false)",
        )?;
    }
    Ok(copied)
}

fn copy_table(
    source: &mut AnyConnection,
    target: &mut AnyConnection,
    table: &str,
    columns: &[&Column],
) -> Result<u64, CopyError> {
    let (select, insert) = (selection(source, table, columns), insertion(target, table, columns));
    let mut batch = Batch { insert, rows: 0, json: String::from("["), copied: 0 };
    match source {
        AnyConnection::Postgres(connection) => {
            let rows = sql_query(select).load_iter::<JsonRow, PgRowByRowLoadingMode>(connection)?;
            for row in rows {
                batch.add(target, &row?.json)?;
            }
        }
        AnyConnection::Sqlite(connection) => {
            for row in sql_query(select).load_iter::<JsonRow, _>(connection)? {
                batch.add(target, &row?.json)?;
            }
        }
    }
    batch.insert(target)?;
    Ok(batch.copied)
}

/// Rows that are inserted together.
struct Batch {
    insert: String,
    rows: usize,
    json: String,
    copied: u64,
}

impl Batch {
    fn add(&mut self, target: &mut AnyConnection, row: &str) -> QueryResult<()> {
        if self.rows > 0 {
            self.json.push(',');
        }
        self.json.push_str(row);
        self.rows += 1;
        if self.rows == ROWS_AT_ONCE || self.json.len() >= BYTES_AT_ONCE { self.insert(target) } else { Ok(()) }
    }

    fn insert(&mut self, target: &mut AnyConnection) -> QueryResult<()> {
        if self.rows == 0 {
            return Ok(());
        }
        self.json.push(']');
        let statement = sql_query(self.insert.as_str()).bind::<Text, _>(self.json.as_str());
        match target {
            AnyConnection::Postgres(connection) => statement.execute(connection)?,
            AnyConnection::Sqlite(connection) => statement.execute(connection)?,
        };
        self.copied += self.rows as u64;
        self.rows = 0;
        self.json.clear();
        self.json.push('[');
        Ok(())
    }
}

/// Reads each row as a JSON object: bytes as hexadecimal digits, a JSON document as the text that it is.
fn selection(source: &AnyConnection, table: &str, columns: &[&Column]) -> String {
    let (object, value): (_, fn(&Column) -> String) = match source {
        AnyConnection::Postgres(_) => ("json_build_object", |column| {
            let name = &column.name;
            match column.data_type.as_str() {
                "uuid" => format!("replace(CAST(\"{name}\" AS text), '-', '')"),
                "bytea" => format!("encode(\"{name}\", 'hex')"),
                "json" | "jsonb" => format!("CAST(\"{name}\" AS text)"),
                _ => format!("\"{name}\""),
            }
        }),
        AnyConnection::Sqlite(_) => ("json_object", |column| {
            let name = &column.name;
            match column.data_type.as_str() {
                "uuid" | "bytea" => format!("CASE WHEN \"{name}\" IS NOT NULL THEN hex(\"{name}\") END"),
                _ => format!("\"{name}\""),
            }
        }),
    };
    let pairs: Vec<String> = columns.iter().map(|column| format!("'{}', {}", column.name, value(column))).collect();
    format!("SELECT CAST({object}({}) AS text) AS json FROM {table}", pairs.join(", "))
}

/// Inserts the rows of a JSON array, `$1`.
fn insertion(target: &AnyConnection, table: &str, columns: &[&Column]) -> String {
    let names: Vec<String> = columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
    let names = names.join(", ");
    match target {
        AnyConnection::Postgres(_) => {
            let of = |column: &&Column| {
                let Column { name, data_type, .. } = column;
                match data_type.as_str() {
                    "bytea" => (format!("decode(r.\"{name}\", 'hex')"), format!("\"{name}\" text")),
                    "json" | "jsonb" => (format!("CAST(r.\"{name}\" AS {data_type})"), format!("\"{name}\" text")),
                    _ => (format!("r.\"{name}\""), format!("\"{name}\" {data_type}")),
                }
            };
            let (values, typed): (Vec<String>, Vec<String>) = columns.iter().map(of).unzip();
            format!(
                "INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE SELECT {} FROM json_to_recordset(CAST($1 AS json)) AS r ({})",
                values.join(", "),
                typed.join(", ")
            )
        }
        AnyConnection::Sqlite(_) => {
            let value = |column: &&Column| match column.data_type.as_str() {
                "uuid" | "bytea" => format!("unhex(value ->> '{}')", column.name),
                _ => format!("value ->> '{}'", column.name),
            };
            let values: Vec<String> = columns.iter().map(value).collect();
            format!("INSERT INTO {table} ({names}) SELECT {} FROM jsonb_each($1)", values.join(", "))
        }
    }
}
