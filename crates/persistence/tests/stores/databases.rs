//! Empty databases for tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError, Weak};

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

/// A SQLite file that the adapter makes, which goes with the second value.
pub(crate) fn new_sqlite() -> (Database, Files) {
    let files = Files::new();
    let database = Database::connect(&settings(&format!("sqlite://{}", files.path.display()))).expect("a database");
    database.migrate().expect("tables");
    (database, files)
}

fn sqlite_of(connect: impl FnOnce(&DatabaseSettings) -> Result<Database, OpenError>) -> (Database, String, Files) {
    /// A file whose migrations were run: it is copied much sooner than they are run.
    static MIGRATED: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let files = Files::new();
        migrate(&format!("sqlite://{}", files.path.display()));
        let mut connection = SqliteConnection::establish(&files.path.to_string_lossy()).expect("the file");
        diesel::sql_query("PRAGMA wal_checkpoint (TRUNCATE)").execute(&mut connection).expect("a checkpoint");
        fs::read(&files.path).expect("the file")
    });
    let files = Files::new();
    fs::write(&files.path, &*MIGRATED).expect("a copy");
    let url = format!("sqlite://{}", files.path.display());
    (connect(&settings(&url)).expect("a database"), url, files)
}

/// A database of its own in the cluster of `GUILDHALL_TEST_POSTGRES`, which goes with the second value.
pub(crate) fn postgres() -> (Database, String, Dropped) {
    postgres_of(Database::connect)
}

/// The same, by this clock.
pub(crate) fn postgres_by(clock: Arc<dyn Clock>) -> (Database, String, Dropped) {
    postgres_of(|settings| Database::connect_by(settings, clock))
}

fn postgres_of(connect: impl FnOnce(&DatabaseSettings) -> Result<Database, OpenError>) -> (Database, String, Dropped) {
    let template = template();
    let (url, name) = create(&template.cluster, &format!("TEMPLATE {}", template.name));
    let dropped = Dropped { cluster: template.cluster.clone(), name, template: Some(template) };
    (connect(&settings(&url)).expect("a database"), url, dropped)
}

/// A database whose migrations were run, and that nobody uses: it is copied much sooner than they are run. It is gone with the last of its copies.
fn template() -> Arc<Dropped> {
    static LAST: Mutex<Weak<Dropped>> = Mutex::new(Weak::new());
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    last.upgrade().unwrap_or_else(|| {
        let cluster = std::env::var("GUILDHALL_TEST_POSTGRES")
            .expect("GUILDHALL_TEST_POSTGRES names no PostgreSQL to test with: run `make test`");
        let (url, name) = create(&cluster, "");
        migrate(&url);
        let template = Arc::new(Dropped { cluster, name, template: None });
        *last = Arc::downgrade(&template);
        template
    })
}

/// Makes a database, and returns its URL and its name.
#[expect(clippy::disallowed_methods, reason = "a database of this test alone needs a name that no other has")]
fn create(cluster: &str, option: &str) -> (String, String) {
    let name = format!("contract_{}", uuid::Uuid::new_v4().simple());
    administer(cluster, &format!("CREATE DATABASE {name} {option}"));
    let (server, _) = cluster.rsplit_once('/').expect("a URL that ends with a database");
    (format!("{server}/{name}"), name)
}

fn migrate(url: &str) {
    Database::connect(&settings(url)).expect("a database").migrate().expect("tables");
}

/// Drops a database.
pub(crate) struct Dropped {
    cluster: String,
    name: String,
    #[expect(dead_code, reason = "held until no copy is left")]
    template: Option<Arc<Dropped>>,
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
