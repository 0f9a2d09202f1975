//! What is checked before a database is used.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::{Error, QueryResult};
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};

use crate::connection::{AnyConnection, ConnectError, InterruptHandle, Manager, Pooled};
use r2d2::ManageConnection as _;

/// The oldest PostgreSQL that has all that the statements use (`MATERIALIZED`, among others), as `server_version_num`.
const OLDEST_POSTGRES: i32 = 120_000;

/// Something that the program relies on is not so; the text names the cure.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The server is too old.
    #[error("PostgreSQL {0} is too old: version 12 is the oldest that works")]
    OldServer(String),
    /// The database does not keep texts in UTF-8, so names would not be found.
    #[error(
        "the database has the encoding {0}: create it with ENCODING 'UTF8', as in CREATE DATABASE guildhall ENCODING 'UTF8' TEMPLATE template0"
    )]
    Encoding(String),
    /// A proxy between the database and this program changes the encoding of texts.
    #[error(
        "the connection has the encoding {0}, although UTF8 was asked for: let the proxy before the database pass client_encoding on"
    )]
    ClientEncoding(String),
    /// A program of a later version has migrated the database.
    #[error(
        "the database has the migration {0}, which this version does not know: start the version that ran it, or a later one"
    )]
    NewerSchema(String),
    /// The SQLite file is of another program.
    #[error("the file has tables of another program: let database.url name another file")]
    ForeignFile,
    /// The database's user may not create tables, and some are to be created.
    #[error(
        "the database's user may not create tables in the schema {0}: GRANT CREATE ON SCHEMA {0}, or run `guildhall migrate` as the schema's owner"
    )]
    MayNotCreate(String),
    /// There is no schema in which tables could be created.
    #[error(
        "no schema of the search path exists, or the database's user may not use it: GRANT USAGE, CREATE ON SCHEMA public, or set search_path"
    )]
    NoSchema,
    /// Tables are to be created, and nothing can be.
    #[error(
        "the database is read-only and has to be migrated: let database.url name the primary, or set default_transaction_read_only to off"
    )]
    ReadOnly,
    /// A proxy gives each transaction another connection, and loses prepared statements.
    #[error(
        "a proxy before the database pools transactions and loses prepared statements (PgBouncer does, up to 1.20, and later without max_prepared_statements): set database.prepared_statements = false, or pool_mode = session in the proxy"
    )]
    LosesPreparedStatements,
    /// A statement of the checks failed.
    #[error("the database could not be examined")]
    Query(#[from] Error),
    /// A connection for the checks could not be opened.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

#[derive(QueryableByName)]
struct Server {
    #[diesel(sql_type = Integer)]
    number: i32,
    #[diesel(sql_type = Text)]
    version: String,
    #[diesel(sql_type = Text)]
    encoding: String,
    #[diesel(sql_type = Text)]
    client_encoding: String,
}

impl Server {
    fn check(self) -> Result<(), StartError> {
        if self.number < OLDEST_POSTGRES {
            return Err(StartError::OldServer(self.version));
        }
        if self.encoding != "UTF8" {
            return Err(StartError::Encoding(self.encoding));
        }
        if self.client_encoding != "UTF8" {
            return Err(StartError::ClientEncoding(self.client_encoding));
        }
        Ok(())
    }
}

/// Checks the server and the encoding of texts.
pub(crate) fn check_server(connection: &mut PgConnection) -> Result<(), StartError> {
    let server: Server = sql_query(
        "SELECT current_setting('server_version_num')::integer AS number, current_setting('server_version') AS version, \
         current_setting('server_encoding') AS encoding, current_setting('client_encoding') AS client_encoding",
    )
    .get_result(connection)?;
    server.check()
}

#[derive(QueryableByName)]
struct Flag {
    #[diesel(sql_type = Bool)]
    flag: bool,
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

/// The versions of the migrations that were run. Unlike Diesel's own question, this needs no right to create tables.
fn applied(connection: &mut AnyConnection) -> QueryResult<BTreeSet<String>> {
    let exists = match connection {
        AnyConnection::Postgres(connection) => {
            sql_query("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS flag")
                .get_result::<Flag>(connection)?
        }
        AnyConnection::Sqlite(connection) => {
            sql_query("SELECT count(*) > 0 AS flag FROM sqlite_schema WHERE name = '__diesel_schema_migrations'")
                .get_result::<Flag>(connection)?
        }
    };
    if !exists.flag {
        return Ok(BTreeSet::new());
    }
    let rows: Vec<Applied> = sql_query("SELECT version FROM __diesel_schema_migrations").load(connection)?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

/// Whether some of the `known` migrations have not been run, with the same errors as [`pending`].
pub(crate) fn has_pending(connection: &mut AnyConnection, known: &BTreeSet<String>) -> Result<bool, StartError> {
    Ok(!pending(connection, known)?.is_empty())
}

/// Those of the `known` migrations that have not been run. A migration that is not known is an error, and so is a file with
/// other tables and no migrations.
pub(crate) fn pending(connection: &mut AnyConnection, known: &BTreeSet<String>) -> Result<Vec<String>, StartError> {
    let applied = applied(connection)?;
    if let Some(unknown) = applied.difference(known).last() {
        return Err(StartError::NewerSchema(unknown.clone()));
    }
    if let (true, AnyConnection::Sqlite(connection)) = (applied.is_empty(), &mut *connection) {
        let others: Flag =
            sql_query("SELECT count(*) > 0 AS flag FROM sqlite_schema WHERE name <> '__diesel_schema_migrations' AND type = 'table'")
                .get_result(connection)?;
        if others.flag {
            return Err(StartError::ForeignFile);
        }
    }
    Ok(known.difference(&applied).cloned().collect())
}

#[derive(QueryableByName)]
struct Target {
    #[diesel(sql_type = Nullable<Text>)]
    schema: Option<String>,
    #[diesel(sql_type = Nullable<Bool>)]
    may_create: Option<bool>,
    #[diesel(sql_type = Bool)]
    is_read_only: bool,
}

/// Checks that migrations can create tables.
pub(crate) fn check_may_create(connection: &mut PgConnection) -> Result<(), StartError> {
    let answer: Target = sql_query(
        "SELECT current_schema()::text AS schema, has_schema_privilege(current_schema(), 'CREATE') AS may_create, \
         pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS is_read_only",
    )
    .get_result(connection)?;
    match answer {
        Target { is_read_only: true, .. } => Err(StartError::ReadOnly),
        Target { schema: None, .. } => Err(StartError::NoSchema),
        Target { schema: Some(schema), may_create: Some(false), .. } => Err(StartError::MayNotCreate(schema)),
        Target { .. } => Ok(()),
    }
}

/// The time of the server, in milliseconds since 1970.
pub(crate) fn server_time(connection: &mut PgConnection) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Time {
        #[diesel(sql_type = BigInt)]
        time: i64,
    }
    let time: Time = sql_query("SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint) AS time")
        .get_result(connection)?;
    Ok(time.time)
}

/// Whether a proxy before the database gives each transaction another connection. If it does and statements are prepared, it must
/// keep them.
pub(crate) fn pools_transactions(manager: &Manager) -> Result<bool, StartError> {
    let (mut one, mut other) = (manager.connect()?, manager.connect()?);
    // The other one keeps the connection that this one had, if it is given the same.
    let prepared = prepare(&mut one);
    postgres(&mut other)?.batch_execute("BEGIN")?;
    let found = (process(&mut one), process(&mut other));
    let again = prepare(&mut one);
    postgres(&mut other)?.batch_execute("ROLLBACK")?;
    let (InterruptHandle::Postgres(first), InterruptHandle::Postgres(second)) = (&one.interrupt, &other.interrupt)
    else {
        return Ok(false);
    };
    let pools = first == second || found.0.as_ref().ok() != Some(first) || found.1.as_ref().ok() != Some(second);
    match prepared.and(again) {
        Err(_) if pools && manager.prepared_statements => Err(StartError::LosesPreparedStatements),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(pools),
    }
}

/// A statement that is prepared at its first use and found again at the second.
fn prepare(pooled: &mut Pooled) -> QueryResult<()> {
    diesel::select(1.into_sql::<Integer>()).execute(postgres(pooled)?).map(drop)
}

/// The process that serves the connection at this time. The text is sent as it is, without preparing it.
fn process(pooled: &mut Pooled) -> QueryResult<i32> {
    crate::dialect::postgres::process(postgres(pooled)?)
}

fn postgres(pooled: &mut Pooled) -> QueryResult<&mut PgConnection> {
    match &mut pooled.connection {
        AnyConnection::Postgres(connection) => Ok(connection),
        AnyConnection::Sqlite(_) => Err(Error::NotInTransaction),
    }
}

#[cfg(test)]
mod tests {
    use super::Server;

    #[test]
    fn an_old_server_and_other_encodings_are_refused() {
        let server = |number, encoding: &str, client: &str| Server {
            number,
            version: "11.22".to_owned(),
            encoding: encoding.to_owned(),
            client_encoding: client.to_owned(),
        };
        for (server, reason) in [
            (server(110_022, "UTF8", "UTF8"), "PostgreSQL 11.22 is too old"),
            (server(150_000, "SQL_ASCII", "UTF8"), "encoding SQL_ASCII"),
            (server(150_000, "LATIN1", "UTF8"), "encoding LATIN1"),
            (server(150_000, "UTF8", "LATIN1"), "client_encoding"),
        ] {
            let error = server.check().unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        assert!(server(120_000, "UTF8", "UTF8").check().is_ok());
    }
}
