//! What can be wrong with a database as a whole.

use std::error::Error;
use std::fmt;

/// What is wrong with a database as a whole, as opposed to one statement or one unit of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseFault {
    /// No connection can be opened: nobody answers, or the server takes no more, or not with these credentials.
    Unreachable,
    /// Another process holds the lock of the SQLite file.
    Locked,
    /// It only reads: a standby, or set so.
    ReadOnly,
    /// There is no space left for data.
    Full,
    /// The server, or this process, got no memory.
    OutOfMemory,
    /// The disk failed, or a limit of the system.
    InputOutput,
    /// The SQLite file is not there. Changes would go to a deleted file.
    Removed,
    /// Another file is where the SQLite file was. Changes would go to a file that nobody finds.
    Replaced,
    /// Stored data is not what the database wrote.
    Damaged,
    /// The database's user lacks rights on the tables.
    Forbidden,
    /// Tables are missing.
    Incomplete,
    /// It refuses changes for another reason.
    Refusing,
}

/// A fault that was found, and how it showed itself.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub(crate) struct FaultFound {
    pub(crate) fault: DatabaseFault,
    #[source]
    pub(crate) cause: Box<dyn Error + Send + Sync>,
}

impl FaultFound {
    pub(crate) fn new(fault: DatabaseFault, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { fault, cause: cause.into() }
    }
}

impl fmt::Display for DatabaseFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unreachable => "the database cannot be reached",
            Self::Locked => "the database is locked by another process",
            Self::ReadOnly => "the database is read-only",
            Self::Full => "the database has no space left",
            Self::OutOfMemory => "the database has no memory left",
            Self::InputOutput => "the database cannot be read or written to",
            Self::Removed => "the database file was removed",
            Self::Replaced => "the database file was replaced by another one",
            Self::Damaged => "the database is damaged",
            Self::Forbidden => "the database's user lacks rights",
            Self::Incomplete => "tables of the database are missing",
            Self::Refusing => "the database refuses changes",
        })
    }
}

/// The messages of SQLite, which are the same everywhere, and what they mean. Messages with text from elsewhere in them only start so.
const SQLITE_MESSAGES: [(&str, DatabaseFault); 13] = [
    ("attempt to write a readonly database", DatabaseFault::ReadOnly),
    ("database or disk is full", DatabaseFault::Full),
    ("out of memory", DatabaseFault::OutOfMemory),
    ("disk I/O error", DatabaseFault::InputOutput),
    ("unable to open database file", DatabaseFault::InputOutput),
    ("locking protocol", DatabaseFault::InputOutput),
    ("large file support is disabled", DatabaseFault::InputOutput),
    ("access permission denied", DatabaseFault::Forbidden),
    ("database disk image is malformed", DatabaseFault::Damaged),
    ("file is not a database", DatabaseFault::Damaged),
    ("malformed database schema", DatabaseFault::Damaged),
    ("no such table: ", DatabaseFault::Incomplete),
    ("vtable constructor failed: ", DatabaseFault::Damaged),
];

impl DatabaseFault {
    /// All of them.
    pub(crate) const ALL: [Self; 12] = [
        Self::Unreachable,
        Self::Locked,
        Self::ReadOnly,
        Self::Full,
        Self::OutOfMemory,
        Self::InputOutput,
        Self::Removed,
        Self::Replaced,
        Self::Damaged,
        Self::Forbidden,
        Self::Incomplete,
        Self::Refusing,
    ];

    /// A short name, for the log and for metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Locked => "locked",
            Self::ReadOnly => "read_only",
            Self::Full => "full",
            Self::OutOfMemory => "out_of_memory",
            Self::InputOutput => "input_output",
            Self::Removed => "file_removed",
            Self::Replaced => "file_replaced",
            Self::Damaged => "damaged",
            Self::Forbidden => "lacking_rights",
            Self::Incomplete => "missing_tables",
            Self::Refusing => "refusing",
        }
    }

    /// What ends it.
    pub(crate) fn cure(self) -> &'static str {
        match self {
            Self::Unreachable => "start it, or mend the network, the credentials or its limit of connections",
            Self::Locked => "end the process that keeps its lock, such as a shell or a backup",
            Self::ReadOnly => "make it writable, or let database.url name the primary",
            Self::Full => "make space on its disk",
            Self::OutOfMemory => "give it more memory",
            Self::InputOutput => "mend its disk, its folder or the system's limits",
            Self::Removed => "put the same file back, or stop the service, put a backup there and start again",
            Self::Replaced => {
                "put the file of before back, or stop the service, delete the files that end in -wal and -shm and start again"
            }
            Self::Damaged => "stop the service, put a backup in its place and start again",
            Self::Forbidden => "grant SELECT, INSERT, UPDATE and DELETE on all tables",
            Self::Incomplete => "restore them, or let database.url name the right database",
            Self::Refusing => "the database's own message and log say why",
        }
    }

    /// The fault that SQLite reports with this message.
    pub(crate) fn of_sqlite(message: &str) -> Option<Self> {
        SQLITE_MESSAGES.iter().find(|(start, _)| message.starts_with(start)).map(|(_, fault)| *fault)
    }

    /// The fault that an error of PostgreSQL with this state (SQLSTATE) means. `None`: it is about one statement, or a collision.
    pub(crate) fn of_state(state: &str) -> Option<Self> {
        match state {
            "25006" => Some(Self::ReadOnly),
            "53100" => Some(Self::Full),
            "53200" => Some(Self::OutOfMemory),
            "42501" => Some(Self::Forbidden),
            "42P01" | "42703" | "3F000" => Some(Self::Incomplete),
            "XX001" | "XX002" => Some(Self::Damaged),
            "57014" | "55P03" | "40001" | "40P01" => None,
            "53300" => Some(Self::Unreachable),
            _ if state.starts_with("58") => Some(Self::InputOutput),
            _ if state.starts_with("57P") || state.starts_with("08") => Some(Self::Unreachable),
            _ => Some(Self::Refusing),
        }
    }

    /// Whether a committed change shows that the fault is over. What only some statements meet, and what a commit does not notice, ends
    /// by a check.
    pub(crate) fn ends_with_a_commit(self) -> bool {
        match self {
            Self::Unreachable
            | Self::Locked
            | Self::ReadOnly
            | Self::Full
            | Self::OutOfMemory
            | Self::InputOutput
            | Self::Refusing => true,
            Self::Removed | Self::Replaced | Self::Damaged | Self::Forbidden | Self::Incomplete => false,
        }
    }

    /// Whether nothing of a SQLite file with this fault is to be read or changed: what is there cannot be relied on.
    pub(crate) fn closes_file(self) -> bool {
        matches!(self, Self::Removed | Self::Replaced | Self::Damaged | Self::Incomplete)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use diesel::connection::SimpleConnection;
    use diesel::prelude::*;
    use diesel::result::Error;

    use super::DatabaseFault;

    /// What SQLite itself says to statements on this file.
    fn fault_of(file: &str, statements: &str) -> Option<DatabaseFault> {
        let mut connection = SqliteConnection::establish(file).unwrap();
        match connection.batch_execute(statements) {
            Err(Error::DatabaseError(_, information)) => DatabaseFault::of_sqlite(information.message()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn sqlites_own_words_are_understood() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let fill = "CREATE TABLE t (x); PRAGMA max_page_count = 3; INSERT INTO t VALUES (zeroblob(100000))";
        assert_eq!(fault_of(&at("full.db"), fill), Some(DatabaseFault::Full));
        let table = "CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(100000));";
        SqliteConnection::establish(&at("g.db")).unwrap().batch_execute(table).unwrap();
        let insert = "INSERT INTO t VALUES (1)";
        assert_eq!(fault_of(&format!("file:{}?mode=ro", at("g.db")), insert), Some(DatabaseFault::ReadOnly));
        assert_eq!(fault_of(&at("g.db"), "INSERT INTO other VALUES (1)"), Some(DatabaseFault::Incomplete));
        let whole = fs::read(at("g.db")).unwrap();
        fs::write(at("half.db"), &whole[..whole.len() / 2]).unwrap();
        assert_eq!(
            fault_of(&at("half.db"), "SELECT length(group_concat(hex(x))) FROM t"),
            Some(DatabaseFault::Damaged)
        );
        fs::write(at("letter.db"), "a letter\n".repeat(1000)).unwrap();
        assert_eq!(fault_of(&at("letter.db"), insert), Some(DatabaseFault::Damaged));
    }

    #[test]
    fn states_of_postgres_are_faults_or_collisions() {
        for (state, fault) in [
            ("25006", Some(DatabaseFault::ReadOnly)),
            ("53100", Some(DatabaseFault::Full)),
            ("53200", Some(DatabaseFault::OutOfMemory)),
            ("53300", Some(DatabaseFault::Unreachable)),
            ("57P01", Some(DatabaseFault::Unreachable)),
            ("57P03", Some(DatabaseFault::Unreachable)),
            ("08006", Some(DatabaseFault::Unreachable)),
            ("42501", Some(DatabaseFault::Forbidden)),
            ("42P01", Some(DatabaseFault::Incomplete)),
            ("58030", Some(DatabaseFault::InputOutput)),
            ("XX001", Some(DatabaseFault::Damaged)),
            ("XX002", Some(DatabaseFault::Damaged)),
            ("XX000", Some(DatabaseFault::Refusing)),
            ("40001", None),
            ("40P01", None),
            ("55P03", None),
            ("57014", None),
        ] {
            assert_eq!(DatabaseFault::of_state(state), fault, "{state}");
        }
    }
}
