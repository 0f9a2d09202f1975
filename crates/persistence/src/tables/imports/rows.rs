//! Many rows as one parameter of a statement: a JSON array of objects, whose keys are columns.

use std::fmt::Write as _;
use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_types::Text;
use serde::Serialize;

use crate::connection::AnyConnection;
use crate::prepared::prepared;
use crate::unit_of_work::Failure;

/// How many rows are the parameter of one statement: it is in memory several times.
const ROWS_AT_ONCE: usize = 20_000;

/// How a column is read from JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnType {
    /// 32 hexadecimal digits.
    Uuid,
    Text,
    /// A document, as text.
    Json,
    Number,
    Flag,
}

pub(super) type Columns = &'static [(&'static str, ColumnType)];

/// A statement about rows, for each database. It begins with the table `wanted`, which has their columns.
pub(super) struct RowStatement {
    postgres: String,
    sqlite: String,
}

impl RowStatement {
    /// The statement `text` with a table of these columns.
    pub(super) fn of(columns: Columns, text: &str) -> Self {
        let (mut names, mut selected, mut typed, mut read) =
            (String::new(), String::new(), String::new(), String::new());
        for (number, (name, column_type)) in columns.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            // Texts are only appended to.
            _ = write!(names, "{comma}{name}");
            let (sql_type, cast, value) = match column_type {
                ColumnType::Uuid => ("uuid", "", format!("unhex(value ->> '{name}')")),
                ColumnType::Text => ("text", "", format!("value ->> '{name}'")),
                ColumnType::Json => ("text", "::json", format!("value ->> '{name}'")),
                ColumnType::Number => ("bigint", "", format!("value ->> '{name}'")),
                ColumnType::Flag => ("boolean", "", format!("value ->> '{name}'")),
            };
            _ = write!(typed, "{comma}{name} {sql_type}");
            _ = write!(selected, "{comma}r.{name}{cast}");
            _ = write!(read, "{comma}{value}");
        }
        Self {
            postgres: format!(
                "WITH RECURSIVE wanted ({names}) AS (SELECT {selected} FROM json_to_recordset(CAST($1 AS json)) AS r ({typed})) {text}"
            ),
            sqlite: format!("WITH RECURSIVE wanted ({names}) AS (SELECT {read} FROM jsonb_each($1)) {text}"),
        }
    }

    /// A statement that adds rows to a table. `conflict` is what is done where a row is there.
    pub(super) fn insert(table: &str, columns: Columns, conflict: &str) -> Self {
        let names = columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        // SQLite would take ON CONFLICT for the condition of a join.
        Self::of(columns, &format!("INSERT INTO {table} ({names}) SELECT {names} FROM wanted WHERE true {conflict}"))
    }

    /// Runs it with these rows, a part of them after the other.
    pub(super) fn execute(
        &'static self,
        connection: &mut AnyConnection,
        rows: &[impl Serialize],
    ) -> Result<usize, Failure> {
        let mut changed = 0;
        for part in rows.chunks(ROWS_AT_ONCE) {
            let part = json(part)?;
            changed += match connection {
                AnyConnection::Postgres(connection) => {
                    prepared(&self.postgres).bind::<Text, _>(part).execute(connection)?
                }
                AnyConnection::Sqlite(connection) => {
                    prepared(&self.sqlite).bind::<Text, _>(part).execute(connection)?
                }
            };
        }
        Ok(changed)
    }

    /// Runs it with these rows, and reads what it returns.
    pub(super) fn load<R>(
        &'static self,
        connection: &mut AnyConnection,
        rows: &[impl Serialize],
    ) -> Result<Vec<R>, Failure>
    where
        R: 'static
            + diesel::deserialize::QueryableByName<diesel::pg::Pg>
            + diesel::deserialize::QueryableByName<diesel::sqlite::Sqlite>,
    {
        let mut found = Vec::new();
        for part in rows.chunks(ROWS_AT_ONCE) {
            let part = json(part)?;
            found.append(&mut match connection {
                AnyConnection::Postgres(connection) => {
                    prepared(&self.postgres).bind::<Text, _>(part).load(connection)?
                }
                AnyConnection::Sqlite(connection) => prepared(&self.sqlite).bind::<Text, _>(part).load(connection)?,
            });
        }
        Ok(found)
    }
}

/// Statements that are made once.
pub(super) type Lazy = LazyLock<RowStatement>;

fn json(rows: &[impl Serialize]) -> Result<String, Failure> {
    serde_json::to_string(rows).map_err(|error| Failure::Data(error.to_string()))
}
