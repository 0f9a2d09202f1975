//! Empty databases for tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use diesel::prelude::*;
use guildhall_domain::ports::Clock;
use guildhall_persistence::{Database, DatabaseSettings, OpenError, Workload};

/// The settings for a database at this URL.
pub(crate) fn settings(url: &str) -> DatabaseSettings {
    DatabaseSettings {
        url: url.to_owned(),
        pool_size: 4,
        statement_timeout: None,
        prepared_statements: true,
        workload: Workload::Service,
    }
}

/// The files of a SQLite database, which go when this is dropped.
///
/// All are in one folder, which stays: a process has one folder for SQLite's temporary files, that of the database that was opened last, whichever test
/// opened it.
pub(crate) struct Files {
    path: PathBuf,
}

impl Files {
    fn new() -> Self {
        static FOLDER: OnceLock<PathBuf> = OnceLock::new();
        let folder = FOLDER.get_or_init(|| tempfile::tempdir().expect("a folder").keep());
        let file = tempfile::Builder::new().suffix(".db").tempfile_in(folder).expect("a file");
        let (_, path) = file.keep().expect("a file that is kept");
        fs::remove_file(&path).expect("a name that is free");
        Self { path }
    }

    /// The name of another file, which goes with these.
    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        PathBuf::from(format!("{}{suffix}", self.path.display()))
    }

    /// The files that there are.
    pub(crate) fn list(&self) -> Vec<PathBuf> {
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let own = name(&self.path);
        let folder = self.path.parent().expect("the folder");
        let files = fs::read_dir(folder).expect("the files").filter_map(Result::ok).map(|file| file.path());
        files.filter(|path| name(path).starts_with(&own)).collect()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for file in self.list() {
            let _ = fs::remove_file(file);
        }
    }
}

/// A SQLite file, which goes with the second value.
pub(crate) fn sqlite() -> (Database, String, Files) {
    sqlite_of(Database::connect)
}

/// The same, by this clock.
pub(crate) fn sqlite_by(clock: Arc<dyn Clock>) -> (Database, String, Files) {
    sqlite_of(|settings| Database::connect_by(settings, clock))
}

fn sqlite_of(connect: impl FnOnce(&DatabaseSettings) -> Result<Database, OpenError>) -> (Database, String, Files) {
    let files = Files::new();
    let url = format!("sqlite://{}", files.path.display());
    let database = connect(&settings(&url)).expect("a database");
    database.migrate().expect("tables");
    (database, url, files)
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
