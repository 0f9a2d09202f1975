//! Records from the files that an export writes, or others of their form.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::reading::{files_of, format_of, read};
use crate::row::row_fault;
use crate::source::{RecordKind, Source, SourceError, Sourced};
use crate::tables::{self, Table};

/// Files of users, groups, edges, memberships and managers, as CSV or as JSON lines. The name of a file tells which: it is that of the table, or begins with it and a character that is neither
/// letter nor digit, such as `users-2024.csv`.
pub struct TableSource {
    files: Vec<PathBuf>,
    kinds: Vec<RecordKind>,
    warnings: Vec<String>,
}

/// Why files are no source.
#[derive(Debug, thiserror::Error)]
pub enum TableSourceError {
    /// A folder cannot be read.
    #[error(transparent)]
    Folder(#[from] SourceError),
    /// The name of a file tells neither a table nor a format.
    #[error("{}: the name of a file is that of what it tells: users, groups, edges, memberships or managers, with .csv or .ndjson", .0.display())]
    Name(PathBuf),
    /// There is nothing to import.
    #[error("there are no files to import")]
    Empty,
}

impl TableSource {
    /// Takes these files, and of folders those that are named so.
    ///
    /// # Errors
    ///
    /// When a folder cannot be read, a file is named otherwise, or there is none.
    pub fn of(paths: &[PathBuf]) -> Result<Self, TableSourceError> {
        let mut source = Self { files: Vec::new(), kinds: Vec::new(), warnings: Vec::new() };
        for path in paths {
            if path.is_dir() {
                for file in files_of(path)? {
                    match kind_of(&file) {
                        Some(kind) => source.add(file, kind),
                        None => source.warnings.push(format!("{} is left out", file.display())),
                    }
                }
            } else {
                let kind = kind_of(path).filter(|_| format_of(path).is_some());
                source.add(path.clone(), kind.ok_or_else(|| TableSourceError::Name(path.clone()))?);
            }
        }
        if source.files.is_empty() { Err(TableSourceError::Empty) } else { Ok(source) }
    }

    fn add(&mut self, file: PathBuf, kind: RecordKind) {
        self.files.push(file);
        self.kinds.push(kind);
    }
}

impl Source for TableSource {
    fn read(&mut self, kind: RecordKind, each: &mut dyn FnMut(Sourced) -> ControlFlow<()>) -> Result<(), SourceError> {
        let mut flow = ControlFlow::Continue(());
        for (number, path) in self.files.iter().enumerate().filter(|(number, _)| self.kinds.get(*number) == Some(&kind))
        {
            let Some(format) = format_of(path) else { continue };
            let mut unknown = Vec::new();
            read(path, format, table(kind), &mut unknown, &mut |line, row| {
                let record = row.map_err(row_fault).and_then(|row| row.record(kind));
                flow = each(Sourced { file: number, line, record });
                flow
            })?;
            for column in unknown {
                let warning = format!("{}: the column '{column}' is not known, and left out", path.display());
                if !self.warnings.contains(&warning) {
                    self.warnings.push(warning);
                }
            }
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn files(&self) -> &[PathBuf] {
        &self.files
    }

    fn tells_memberships(&self) -> bool {
        self.kinds.contains(&RecordKind::Memberships)
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }
}

fn table(kind: RecordKind) -> Table {
    match kind {
        RecordKind::Users => tables::USERS,
        RecordKind::Groups => tables::GROUPS,
        RecordKind::Edges => tables::EDGES,
        RecordKind::Memberships => tables::MEMBERSHIPS,
        RecordKind::Managers => tables::MANAGERS,
    }
}

fn kind_of(path: &Path) -> Option<RecordKind> {
    let stem = path.file_stem()?.to_str()?.to_ascii_lowercase();
    let is_of = |kind: &RecordKind| {
        let rest = stem.strip_prefix(table(*kind).name);
        rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    RecordKind::ALL.into_iter().find(is_of)
}
