//! A database of its own for every test.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, id};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use guildhall_persistence::{DatabaseSettings, Workload};
use tempfile::TempDir;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// A database, and the folder in which the server of the test runs. Both are gone when this is dropped.
pub(crate) struct Database {
    pub(crate) kind: Kind,
    pub(crate) url: String,
    pub(crate) folder: TempDir,
    keeper: Option<Keeper>,
}

/// The name of the file of SQLite.
const FILE: &str = "guildhall.db";
/// The password of the user of [`Database::of_a_role`].
pub(crate) const ROLE_PASSWORD: &str = "open-sesame";

/// A transaction that ends when this is dropped.
#[expect(dead_code, reason = "held until the lock is to end")]
pub(crate) enum UsersLock {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Who made a database on PostgreSQL, and removes it.
enum Keeper {
    Suite {
        administrator: String,
        name: String,
        #[expect(dead_code, reason = "held until no copy is left")]
        template: Option<Arc<Template>>,
    },
    Cluster(Cluster),
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}

impl Database {
    /// A new database with all tables, in a temporary file or in the PostgreSQL that the suite runs beside: a copy, which is made much sooner than the migrations are run.
    pub(crate) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => {
                static MIGRATED: LazyLock<Vec<u8>> = LazyLock::new(|| {
                    let empty = Database::empty(Kind::Sqlite);
                    migrate(&empty.url);
                    // What is set for all of SQLite in a process is that of the program, whose folder goes.
                    let settle = "PRAGMA wal_checkpoint (TRUNCATE); PRAGMA temp_store_directory = ''; PRAGMA soft_heap_limit = 0";
                    sqlite(&empty.url).batch_execute(settle).unwrap();
                    fs::read(empty.path().join(FILE)).unwrap()
                });
                let new = Self::empty(kind);
                let file = new.path().join(FILE);
                fs::write(&file, &*MIGRATED).unwrap();
                fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
                new
            }
            Kind::Postgres => {
                let template = Template::of_all();
                Self::in_suite(&format!("TEMPLATE {}", template.name), Some(template))
            }
        }
    }

    /// A new database without any table.
    pub(crate) fn empty(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => {
                let folder = folder();
                let url = format!("sqlite://{}", folder.path().join(FILE).display());
                Self { kind, url, folder, keeper: None }
            }
            Kind::Postgres => Self::in_suite("", None),
        }
    }

    /// A new database in the PostgreSQL that the suite runs beside, with this `CREATE DATABASE` option.
    fn in_suite(option: &str, template: Option<Arc<Template>>) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let administrator = administrator();
        let name = format!("guildhall_{}_{}", id(), MADE.fetch_add(1, Ordering::Relaxed));
        let url = create(&administrator, &name, option);
        let keeper = Some(Keeper::Suite { administrator, name, template });
        Self { kind: Kind::Postgres, url, folder: folder(), keeper }
    }

    /// A new database in the PostgreSQL that the suite runs beside, with this `CREATE DATABASE` option, that belongs to a user without any other
    /// rights.
    pub(crate) fn of_a_role(option: &str) -> Self {
        let mut new = Self::empty(Kind::Postgres);
        let Some(Keeper::Suite { administrator, name, .. }) = &new.keeper else { panic!("it is the suite's") };
        let (server, _) = administrator.rsplit_once('/').unwrap();
        let (_, host) = server.rsplit_once('@').unwrap();
        let url = format!("postgres://{name}:{ROLE_PASSWORD}@{host}/{name}");
        let mut connection = postgres(administrator);
        for statement in [
            format!("CREATE ROLE {name} LOGIN PASSWORD '{ROLE_PASSWORD}'"),
            format!("DROP DATABASE {name}"),
            format!("CREATE DATABASE {name} OWNER {name} {option}"),
        ] {
            connection.batch_execute(&statement).unwrap();
        }
        new.url = url;
        new
    }

    /// The user of [`Database::of_a_role`], and the name of the database.
    pub(crate) fn role(&self) -> &str {
        self.url.rsplit_once('/').unwrap().1
    }

    /// A PostgreSQL that no other test uses, so that it can be stopped.
    pub(crate) fn on_own_cluster() -> Self {
        let cluster = Cluster::create();
        Self { kind: Kind::Postgres, url: cluster.run("url"), folder: folder(), keeper: Some(Keeper::Cluster(cluster)) }
    }

    /// Takes the database away, or brings it back. Only for [`Database::on_own_cluster`].
    pub(crate) fn turn(&self, on: bool) {
        let Some(Keeper::Cluster(cluster)) = &self.keeper else { panic!("other tests use this database") };
        cluster.run(if on { "start" } else { "stop" });
    }

    /// Puts a PgBouncer of this mode before PostgreSQL, and says its URL. Only for [`Database::on_own_cluster`].
    pub(crate) fn pool(&self, mode: &str) -> String {
        let Some(Keeper::Cluster(cluster)) = &self.keeper else { panic!("other tests use this database") };
        script(&["pool", cluster.0.to_str().unwrap(), mode])
    }

    /// Lets PostgreSQL speak TLS, and says which certificate to trust. Only for [`Database::on_own_cluster`].
    pub(crate) fn certify(&self) -> String {
        let Some(Keeper::Cluster(cluster)) = &self.keeper else { panic!("other tests use this database") };
        cluster.run("certify")
    }

    /// Runs statements that both databases understand.
    pub(crate) fn execute(&self, statements: &str) {
        self.execute_either(statements, statements);
    }

    /// Runs the statements for the one or the other database.
    pub(crate) fn execute_either(&self, on_sqlite: &str, on_postgres: &str) {
        match self.kind {
            Kind::Sqlite => sqlite(&self.url).batch_execute(on_sqlite).unwrap(),
            Kind::Postgres => self.administrate().batch_execute(on_postgres).unwrap(),
        }
    }

    /// Keeps users from being written, in PostgreSQL also from being read, until the lock is dropped.
    pub(crate) fn lock_users(&self) -> UsersLock {
        match self.kind {
            Kind::Sqlite => {
                let mut connection = sqlite(&self.url);
                connection.batch_execute("BEGIN IMMEDIATE").unwrap();
                UsersLock::Sqlite(connection)
            }
            Kind::Postgres => {
                let mut connection = self.administrate();
                connection.batch_execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE").unwrap();
                UsersLock::Postgres(connection)
            }
        }
    }

    /// Whether PostgreSQL has counted the users. By itself it does not count as few as tests have.
    pub(crate) fn has_statistics(&self) -> bool {
        self.count("SELECT CAST(reltuples AS bigint) AS number FROM pg_class WHERE oid = 'users'::regclass") >= 0
    }

    /// A connection of the administrator to this database.
    pub(crate) fn administrate(&self) -> PgConnection {
        let url = match &self.keeper {
            Some(Keeper::Suite { administrator, name, .. }) => {
                format!("{}/{name}", administrator.rsplit_once('/').unwrap().0)
            }
            _ => self.url.clone(),
        };
        let mut connection = postgres(&url);
        // The database may be set so that nothing can be changed.
        connection.batch_execute("SET default_transaction_read_only = off").unwrap();
        connection
    }

    /// Ends all other connections to this database.
    pub(crate) fn disconnect_everybody(&self) {
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
    }

    /// Adds users straight to the database, far faster than the API could: those of [`user_id`] for every number below
    /// `count`. They cannot sign in, and no search by a part of their names finds them.
    pub(crate) fn insert_users(&self, count: u32) {
        let insert = |numbers: &str, id: &str, custom: &str, no: &str| {
            format!(
                "INSERT INTO users (id, username, username_key, timezone, language, custom, provider_kind, provider_name,
                     suspended, password_reset_required, created, modified, opt_out_of_notifications,
                     failed_login_attempts, failed_login_attempts_since_last_success, successful_login_attempts, security_stamp,
                     version)
                 SELECT {id}, 'user-' || n, 'user-' || n, 'Etc/UTC', 'en-GB', {custom}, 'contensis', 'contensis',
                     {no}, {no}, 0, 0, {no}, 0, 0, 0, {id}, 1
                 FROM {numbers};
                 INSERT INTO user_identifiers (identifier_key, user_id) SELECT username_key, id FROM users WHERE email IS NULL
                 ON CONFLICT DO NOTHING;
                 INSERT INTO user_search (user_id, timezone_key, language_key, provider_name_key, names_key, custom_keys)
                 SELECT {id}, 'etc', 'en-gb', 'contensis', '', {custom} FROM {numbers};
                 INSERT INTO user_counts (slot, users, changes) VALUES (99, {count}, 1);"
            )
        };
        let last = count - 1;
        self.execute_either(
            &insert(
                &format!("(WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < {last}) SELECT n FROM c)"),
                "unhex('01900000000070008000' || printf('%012x', n))",
                "'{}'",
                "0",
            ),
            &insert(
                &format!("generate_series(0, {last}) AS n"),
                "('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid",
                "'{}'::jsonb",
                "false",
            ),
        );
    }

    /// Waits until a server that was killed has left no work behind in PostgreSQL.
    pub(crate) fn settle(&self) {
        if self.kind == Kind::Postgres {
            let begun = Instant::now();
            while self.clients("true") > 0 {
                assert!(begun.elapsed() < Duration::from_mins(1), "a server is still connected");
                std::thread::yield_now();
            }
        }
    }

    /// How many connections PostgreSQL has to this database, this one not counted, that fulfil `condition`.
    pub(crate) fn clients(&self, condition: &str) -> i64 {
        let count = format!(
            "SELECT count(*) AS number FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND {condition}"
        );
        sql_query(count).get_result::<Number>(&mut self.administrate()).unwrap().number
    }

    /// The number that a statement selects as `number`.
    pub(crate) fn count(&self, statement: &str) -> i64 {
        let count = sql_query(statement);
        match self.kind {
            Kind::Sqlite => count.get_result::<Number>(&mut sqlite(&self.url)).unwrap().number,
            Kind::Postgres => count.get_result::<Number>(&mut self.administrate()).unwrap().number,
        }
    }

    /// The password in the URL, if there is one.
    pub(crate) fn password(&self) -> Option<String> {
        let (credentials, _) = self.url.split_once('@')?;
        credentials.rsplit_once(':').map(|(_, password)| password.to_owned())
    }

    /// The folder in which the server of the test runs.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(Keeper::Suite { administrator, name, .. }) = &self.keeper {
            let dropped = PgConnection::establish(administrator).map(|mut administrator| {
                let dropped = administrator.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"));
                dropped.and_then(|()| administrator.batch_execute(&format!("DROP ROLE IF EXISTS {name}")))
            });
            drop(dropped);
        }
    }
}

/// A database on PostgreSQL whose migrations were run, and that nobody uses. It is gone with the last of its copies.
struct Template {
    administrator: String,
    name: String,
}

impl Template {
    /// That of all tests that run at one time.
    fn of_all() -> Arc<Self> {
        static LAST: Mutex<(Weak<Template>, u32)> = Mutex::new((Weak::new(), 0));
        let (last, made) = &mut *LAST.lock().unwrap_or_else(PoisonError::into_inner);
        last.upgrade().unwrap_or_else(|| {
            let administrator = administrator();
            let name = format!("guildhall_template_{}_{made}", id());
            migrate(&create(&administrator, &name, ""));
            let template = Arc::new(Self { administrator, name });
            (*last, *made) = (Arc::downgrade(&template), *made + 1);
            template
        })
    }
}

impl Drop for Template {
    fn drop(&mut self) {
        let dropped = PgConnection::establish(&self.administrator)
            .map(|mut administrator| administrator.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name)));
        drop(dropped);
    }
}

/// The URL of the administrator of the PostgreSQL that the suite runs beside.
fn administrator() -> String {
    env::var("GUILDHALL_TEST_POSTGRES")
        .expect("GUILDHALL_TEST_POSTGRES names no PostgreSQL: run `make test`, which starts one")
}

/// Makes a database, and returns its URL.
fn create(administrator: &str, name: &str, option: &str) -> String {
    postgres(administrator).batch_execute(&format!("CREATE DATABASE {name} {option}")).unwrap();
    let (server, _) = administrator.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

/// Runs the migrations, and nothing else.
fn migrate(url: &str) {
    let settings = DatabaseSettings {
        url: url.to_owned(),
        pool_size: 1,
        statement_timeout: None,
        prepared_statements: true,
        workload: Workload::Service,
    };
    guildhall_persistence::Database::connect(&settings).unwrap().migrate().unwrap();
}

/// The id of a user from [`Database::insert_users`].
pub(crate) fn user_id(number: u32) -> String {
    format!("01900000-0000-7000-8000-{number:012x}")
}

/// Those ids for every number below `count`, out of order.
pub(crate) fn user_ids(count: u32) -> Vec<String> {
    const STRIDE: u64 = 7919;
    (0..count).map(|step| u32::try_from(u64::from(step) * STRIDE % u64::from(count)).unwrap()).map(user_id).collect()
}

fn folder() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn postgres(url: &str) -> PgConnection {
    PgConnection::establish(url).unwrap()
}

pub(crate) fn sqlite(url: &str) -> SqliteConnection {
    let mut connection = SqliteConnection::establish(url.strip_prefix("sqlite://").unwrap()).unwrap();
    connection
        .batch_execute("PRAGMA busy_timeout = 30000; PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF")
        .unwrap();
    connection
}

/// A PostgreSQL cluster, run by the project's script.
struct Cluster(PathBuf);

impl Cluster {
    fn create() -> Self {
        Self(PathBuf::from(script(&["create"])))
    }

    fn run(&self, action: &str) -> String {
        script(&[action, self.0.to_str().unwrap()])
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.run("destroy");
    }
}

fn script(arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/postgres");
    let output = Command::new(script).args(arguments).output().unwrap();
    assert!(output.status.success(), "scripts/postgres {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
