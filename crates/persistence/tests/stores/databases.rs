//! Empty databases for tests.

use std::sync::Arc;

use diesel::prelude::*;
use guildhall_domain::ports::Clock;
use guildhall_persistence::{Database, DatabaseSettings, OpenError};
use tempfile::TempDir;

/// The settings for a database at this URL.
pub(crate) fn settings(url: &str) -> DatabaseSettings {
    DatabaseSettings { url: url.to_owned(), pool_size: 4, statement_timeout: None, prepared_statements: true }
}

/// A SQLite file in a folder of its own, which goes with the second value.
pub(crate) fn sqlite() -> (Database, String, TempDir) {
    sqlite_of(Database::connect)
}

/// The same, by this clock.
pub(crate) fn sqlite_by(clock: Arc<dyn Clock>) -> (Database, String, TempDir) {
    sqlite_of(|settings| Database::connect_by(settings, clock))
}

fn sqlite_of(connect: impl FnOnce(&DatabaseSettings) -> Result<Database, OpenError>) -> (Database, String, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("guildhall.db").display());
    let database = connect(&settings(&url)).expect("a database");
    database.migrate().expect("tables");
    (database, url, folder)
}

/// A database of its own in the cluster of `GUILDHALL_TEST_POSTGRES`, which goes with the second value.
pub(crate) fn postgres() -> (Database, String, Dropped) {
    postgres_of(Database::connect)
}

/// The same, by this clock.
pub(crate) fn postgres_by(clock: Arc<dyn Clock>) -> (Database, String, Dropped) {
    postgres_of(|settings| Database::connect_by(settings, clock))
}

#[expect(clippy::disallowed_methods, reason = "a database of this test alone needs a name that no other has")]
fn postgres_of(connect: impl FnOnce(&DatabaseSettings) -> Result<Database, OpenError>) -> (Database, String, Dropped) {
    let cluster = std::env::var("GUILDHALL_TEST_POSTGRES")
        .expect("GUILDHALL_TEST_POSTGRES names no PostgreSQL to test with: run `make test`");
    let name = format!("contract_{}", uuid::Uuid::new_v4().simple());
    administer(&cluster, &format!("CREATE DATABASE {name}"));
    let (server, _) = cluster.rsplit_once('/').expect("a URL that ends with a database");
    let url = format!("{server}/{name}");
    let database = connect(&settings(&url)).expect("a database");
    database.migrate().expect("tables");
    (database, url, Dropped { cluster, name })
}

/// Drops a database.
pub(crate) struct Dropped {
    cluster: String,
    name: String,
}

impl Drop for Dropped {
    fn drop(&mut self) {
        administer(&self.cluster, &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

fn administer(cluster: &str, sql: &str) {
    let mut connection = PgConnection::establish(cluster).expect("the cluster of GUILDHALL_TEST_POSTGRES");
    diesel::sql_query(sql).execute(&mut connection).expect("a statement of an administrator");
}
