//! The file of a SQLite database: whether it is still there, the same, and writable.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};
use rustix::io::Errno;

use super::{DatabaseFault, FaultFound};

/// The fewest bytes that must be free: a few pages of the write-ahead log.
const FEWEST_FREE_BYTES: u64 = 64 * 1024;

/// The file that was opened. It is never opened here: closing it would release SQLite's locks of this process on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatabaseFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl DatabaseFile {
    /// The file that is at this path.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self { path: path.to_path_buf(), device: metadata.dev(), inode: metadata.ino() })
    }

    /// The folder that the file is in.
    pub(crate) fn folder(&self) -> &Path {
        folder_of(&self.path)
    }

    /// Checks that the same file is still at the path.
    pub(crate) fn check_identity(&self) -> Result<(), FaultFound> {
        match Self::at(&self.path) {
            Ok(found) if found == *self => Ok(()),
            Ok(_) => Err(self.fault(DatabaseFault::Replaced, "another file is there")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(self.fault(DatabaseFault::Removed, "no file is there"))
            }
            Err(error) => Err(self.fault(DatabaseFault::InputOutput, &error.to_string())),
        }
    }

    /// Checks that the file holds anything. SQLite would take an emptied file for a new database, and wait for the locks of the
    /// connections that are open before it could make one.
    pub(crate) fn check_content(&self) -> Result<(), FaultFound> {
        match fs::metadata(&self.path) {
            Ok(metadata) if metadata.len() == 0 => Err(self.fault(DatabaseFault::Incomplete, "the file is empty")),
            Ok(_) => Ok(()),
            Err(error) => Err(self.fault(DatabaseFault::InputOutput, &error.to_string())),
        }
    }

    /// Checks that the file and its folder, where SQLite keeps its log, can be written to, and that a little space is left.
    pub(crate) fn check_writable(&self) -> Result<(), FaultFound> {
        check_access(&self.path).map_err(|error| self.fault_of(error, "cannot be written to"))?;
        let free = statvfs(folder_of(&self.path)).map_err(|error| self.fault_of(error, "has no readable folder"))?;
        // Some file systems do not know their size.
        if free.f_blocks > 0 && free.f_bavail.saturating_mul(free.f_frsize) < FEWEST_FREE_BYTES {
            return Err(self.fault(DatabaseFault::Full, "the file system has no space left"));
        }
        Ok(())
    }

    fn fault(&self, fault: DatabaseFault, what: &str) -> FaultFound {
        FaultFound::new(fault, format!("{}: {what}", self.path.display()))
    }

    fn fault_of(&self, error: Errno, what: &str) -> FaultFound {
        let fault = match error {
            Errno::ACCESS | Errno::PERM | Errno::ROFS => DatabaseFault::ReadOnly,
            Errno::NOENT => DatabaseFault::Removed,
            _ => DatabaseFault::InputOutput,
        };
        self.fault(fault, &format!("{what}: {error}"))
    }
}

/// Checks that the file and its folder can be written to.
pub(crate) fn check_access(path: &Path) -> Result<(), Errno> {
    access(path, Access::READ_OK | Access::WRITE_OK)?;
    access(folder_of(path), Access::WRITE_OK | Access::EXEC_OK)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{DatabaseFault, DatabaseFile};

    #[test]
    fn a_file_is_the_same_only_while_it_is_itself() {
        let folder = tempfile::tempdir().unwrap();
        let (path, aside) = (folder.path().join("g.db"), folder.path().join("aside"));
        fs::write(&path, "one").unwrap();
        let file = DatabaseFile::at(&path).unwrap();
        let found = || file.check_identity().map_err(|found| found.fault);
        assert_eq!(found(), Ok(()));
        fs::rename(&path, &aside).unwrap();
        assert_eq!(found(), Err(DatabaseFault::Removed));
        fs::copy(&aside, &path).unwrap();
        assert_eq!(found(), Err(DatabaseFault::Replaced));
        fs::rename(&aside, &path).unwrap();
        assert_eq!(found(), Ok(()));
        fs::write(&path, "changed in place").unwrap();
        assert_eq!(found(), Ok(()));
    }
}
