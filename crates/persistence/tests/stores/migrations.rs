//! Migrations go down and up again, and leave the tables that `schema.rs` describes.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Bool, Text};
use guildhall_persistence::Database;

use super::databases;

/// Table and column, to the SQL type and whether it may be null.
type Columns = BTreeMap<(String, String), (String, bool)>;

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
}

/// The columns that `schema.rs` describes, read from its text.
fn described() -> Columns {
    let mut columns = Columns::new();
    let mut table = String::new();
    for line in include_str!("../../src/schema.rs").lines().map(str::trim) {
        if let Some((name, _)) = line.strip_suffix('{').and_then(|line| line.split_once(" (")) {
            table = name.to_owned();
        } else if let Some((name, kind)) = line.trim_end_matches(',').split_once(" -> ").filter(|_| line.ends_with(','))
        {
            let inner = kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>'));
            columns.insert((table.clone(), name.to_owned()), (inner.unwrap_or(kind).to_owned(), inner.is_some()));
        }
    }
    columns
}

/// The live columns, with the database's types put into the words of `schema.rs`.
fn live(columns: Vec<Column>, word: impl Fn(&Column) -> String) -> Columns {
    let named = |column: Column| ((column.table.clone(), column.name.clone()), (word(&column), column.nullable));
    // An index of SQLite is tables of its own, which only SQLite reads; so are the numbers that it has rows by.
    let is_own = |column: &Column| {
        column.table.starts_with("__diesel")
            || column.table.starts_with("user_search_grams")
            || (column.table.as_str(), column.name.as_str()) == ("user_search", "row")
    };
    columns.into_iter().filter(|column| !is_own(column)).map(named).collect()
}

fn sqlite_columns(url: &str) -> Columns {
    let path = url.strip_prefix("sqlite://").expect("a path");
    let mut connection = SqliteConnection::establish(path).expect("the database");
    let columns = sql_query(
        "SELECT t.name AS \"table\", c.name AS name, c.type AS kind, c.\"notnull\" = 0 AS nullable \
         FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'",
    )
    .load(&mut connection)
    .expect("columns");
    // SQLite has fewer types than the schema: what is kept as an integer, a text or bytes is told apart by name alone.
    live(columns, |column| {
        let described = described().remove(&(column.table.clone(), column.name.clone())).map(|(kind, _)| kind);
        let fits = match column.kind.as_str() {
            "INTEGER" => ["Integer", "BigInt", "SmallInt", "Bool"].as_slice(),
            "TEXT" => &["Text", "JsonSql"],
            "BLOB" => &["UuidSql", "Binary"],
            _ => &[],
        };
        described.filter(|kind| fits.contains(&kind.as_str())).unwrap_or_else(|| column.kind.clone())
    })
}

fn postgres_columns(url: &str) -> Columns {
    let mut connection = PgConnection::establish(url).expect("the database");
    let columns = sql_query(
        "SELECT table_name::text AS \"table\", column_name::text AS name, data_type::text AS kind, \
         is_nullable = 'YES' AS nullable FROM information_schema.columns WHERE table_schema = 'public'",
    )
    .load(&mut connection)
    .expect("columns");
    live(columns, |column| {
        let word = match column.kind.as_str() {
            "uuid" => "UuidSql",
            "json" => "JsonSql",
            "text" => "Text",
            "bytea" => "Binary",
            "boolean" => "Bool",
            "bigint" => "BigInt",
            "integer" => "Integer",
            "smallint" => "SmallInt",
            other => other,
        };
        word.to_owned()
    })
}

fn go_down_and_up(database: &Database, columns: impl Fn() -> Columns) {
    assert_eq!(columns(), described());
    database.revert().expect("no tables");
    assert_eq!(columns(), Columns::new());
    assert!(!database.migrate().expect("tables again").is_empty());
    assert_eq!(columns(), described());
    assert!(database.migrate().expect("nothing to do").is_empty());
}

#[test]
fn sqlite_migrations_go_down_and_up_to_the_described_tables() {
    let (database, url, _folder) = databases::sqlite();
    go_down_and_up(&database, || sqlite_columns(&url));
}

#[test]
fn postgres_migrations_go_down_and_up_to_the_described_tables() {
    let (database, url, _dropped) = databases::postgres();
    go_down_and_up(&database, || postgres_columns(&url));
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_the_sqlite_file() {
    use std::os::unix::fs::PermissionsExt;
    let (_database, files) = databases::new_sqlite();
    assert!(!files.list().is_empty());
    for file in files.list() {
        let metadata = std::fs::metadata(&file).expect("its metadata");
        assert_eq!(metadata.permissions().mode() & 0o077, 0, "{file:?}");
    }
}
