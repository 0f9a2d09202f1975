//! Where records come from.

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;

use guildhall_domain::record::Record;
use guildhall_domain::validation::InvalidField;

/// The kinds of records, in the order in which they are imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// Users.
    Users,
    /// Groups.
    Groups,
    /// Edges between groups.
    Edges,
    /// Memberships.
    Memberships,
    /// Managers of groups.
    Managers,
}

impl RecordKind {
    /// All kinds, in this order.
    pub const ALL: [Self; 5] = [Self::Users, Self::Groups, Self::Edges, Self::Memberships, Self::Managers];
}

/// A record, and where it was read.
#[derive(Clone, Debug)]
pub struct Sourced {
    /// The number of the file, in the order in which files were given, counted from 0.
    pub file: usize,
    /// The number of the line, counted from 1; in a format without lines, that of the record.
    pub line: u64,
    /// The record, or what is wrong with its columns.
    pub record: Result<Record, Vec<InvalidField>>,
}

/// Why records cannot be read any further.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file cannot be read.
    #[error("{}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{}, line {line}: {message}", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The number of the line, counted from 1.
        line: u64,
        /// What is wrong.
        message: String,
    },
}

/// Files that records are read from.
pub trait Source: Send {
    /// Calls `each` with all records of a kind until it breaks. It may be called again, and then begins anew.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or is not what it should be.
    fn read(&mut self, kind: RecordKind, each: &mut dyn FnMut(Sourced) -> ControlFlow<()>) -> Result<(), SourceError>;
    /// The files, in the order in which they were given.
    fn files(&self) -> &[PathBuf];
    /// Whether memberships are told. If they are not, users join the groups of their email domains.
    fn tells_memberships(&self) -> bool {
        true
    }
    /// What whoever imports should know of files that were read, such as that hashes of passwords are weak, each once.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}
