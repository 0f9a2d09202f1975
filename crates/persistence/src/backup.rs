//! Copies of a SQLite database, made while it serves, and put in place of one that is not there.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf, absolute};

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use r2d2::ManageConnection as _;

use crate::connection::{AnyConnection, ConnectError};
use crate::database::{Database, known};
use crate::dialect::sqlite;
use crate::location::{Location, UrlError};
use crate::start::{self, StartError};

/// Why a database was not copied.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database is on PostgreSQL.
    #[error("the database is on PostgreSQL, whose own pg_dump and pg_basebackup make backups")]
    Postgres,
    /// The URL names no database.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The file of the copy cannot be written.
    #[error("{}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is no database of this program, or of a later version of it.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The database cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A statement failed.
    #[error("the database cannot be copied")]
    Query(#[from] diesel::result::Error),
    /// The file is damaged.
    #[error("the file is damaged: {0}")]
    Damaged(String),
    /// There is a database where the copy is to go.
    #[error("{} is there: move it away, with the files beside it that end in -wal and -shm, or let database.url name another file", .0.display())]
    Exists(PathBuf),
}

impl Database {
    /// Copies the SQLite database as it is at one moment to a file that is not there, for its owner alone, and returns its size in bytes. Nobody who reads or writes waits.
    ///
    /// # Errors
    ///
    /// When there is such a file, it cannot be written, or the database is on PostgreSQL. No file is left then that was not there before.
    pub fn back_up(&self, to: &Path) -> Result<u64, BackupError> {
        let mut pooled = self.manager().connect()?;
        let AnyConnection::Sqlite(connection) = &mut pooled.connection else { return Err(BackupError::Postgres) };
        let in_file = |source| BackupError::File { path: to.to_owned(), source };
        // SQLite takes some relative names for URIs.
        let absolute = absolute(to).map_err(in_file)?;
        let name = absolute.to_str().ok_or_else(|| {
            in_file(io::Error::new(io::ErrorKind::InvalidFilename, "SQLite writes to no name that is not UTF-8"))
        })?;
        // SQLite writes to an empty file, and leaves one alone that holds anything.
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(in_file)?;
        let copied = sql_query("VACUUM INTO $1").bind::<Text, _>(name).execute(connection);
        let kept = copied.map_err(BackupError::from).and_then(|_| keep(to).map_err(in_file));
        if kept.is_err() {
            // What is there is of no use, and this call made it.
            let _ = fs::remove_file(to);
        }
        kept
    }
}

/// Waits until a file and its name are on the disk. Returns its size.
fn keep(file: &Path) -> io::Result<u64> {
    let opened = File::open(file)?;
    opened.sync_all()?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    Ok(opened.metadata()?.len())
}

#[derive(QueryableByName)]
struct Report {
    #[diesel(sql_type = Text)]
    integrity_check: String,
}

/// Puts a copy that [`Database::back_up`] made where the URL says that the SQLite database is, if none is there. Returns the file.
///
/// # Errors
///
/// When there is a database, the copy is damaged or of another program or a later version, or the URL is of PostgreSQL. Nothing is left at the place then.
pub fn restore(from: &Path, url: &str) -> Result<PathBuf, BackupError> {
    let Location::Sqlite(to) = Location::parse(url)? else { return Err(BackupError::Postgres) };
    let beside = |suffix: &str| {
        let mut name = to.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    if let Some(there) = [to.clone(), beside("-wal"), beside("-shm")].into_iter().find(|file| file.exists()) {
        return Err(BackupError::Exists(there));
    }
    let copy = beside(".restoring");
    let placed = place(from, &copy, &to);
    if placed.is_err() {
        for file in [copy, beside(".restoring-wal"), beside(".restoring-shm")] {
            // They are of no use, and this call made them.
            let _ = fs::remove_file(file);
        }
    }
    placed.map(|()| to)
}

fn place(from: &Path, copy: &Path, to: &Path) -> Result<(), BackupError> {
    let in_file = |path: &Path| {
        let path = path.to_owned();
        move |source| BackupError::File { path, source }
    };
    let mut source = File::open(from).map_err(in_file(from))?;
    let mut options = OpenOptions::new();
    let mut target = options.write(true).create_new(true).mode(0o600).open(copy).map_err(in_file(copy))?;
    io::copy(&mut source, &mut target).map_err(in_file(copy))?;
    drop(target);
    check(copy)?;
    keep(copy).map_err(in_file(copy))?;
    // The name is taken only if nobody has it by then.
    fs::hard_link(copy, to).map_err(in_file(to))?;
    fs::remove_file(copy).map_err(in_file(copy))?;
    keep(to).map_err(in_file(to)).map(drop)
}

/// Has SQLite look at every page of the copy, and checks that it is a database of this program or of an earlier version.
fn check(copy: &Path) -> Result<(), BackupError> {
    // Nobody else has the file, so that no files beside it are needed.
    let url = format!("{}&immutable=1", sqlite::url(copy));
    let mut connection = SqliteConnection::establish(&url).map_err(|error| BackupError::Damaged(error.to_string()))?;
    let report: QueryResult<Report> = sql_query("PRAGMA integrity_check(1)").get_result(&mut connection);
    match report {
        Ok(report) if report.integrity_check == "ok" => {}
        Ok(report) => return Err(BackupError::Damaged(report.integrity_check)),
        Err(error) => return Err(BackupError::Damaged(error.to_string())),
    }
    let known = known();
    let pending = start::pending(&mut AnyConnection::Sqlite(connection), &known)?;
    if pending.len() == known.len() { Err(BackupError::Damaged("it is empty".to_owned())) } else { Ok(()) }
}
