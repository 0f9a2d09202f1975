//! Reading, locking and replacing a key file. Other processes never see a partly written file, and a crash leaves none.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::SystemTime;

/// The metadata that change when a file is rewritten or replaced. They show a change without reading the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileVersion {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl FileVersion {
    /// The version of the file that is at `path` at the moment.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        Ok(Self::from(&fs::metadata(path)?))
    }
}

impl From<&Metadata> for FileVersion {
    fn from(metadata: &Metadata) -> Self {
        Self { modified: metadata.modified().ok(), length: metadata.len(), inode: inode(metadata) }
    }
}

/// A file's text and version. Both are of the same file, even if it is replaced at the same time.
pub(super) fn read(path: &Path) -> io::Result<(String, FileVersion)> {
    let mut file = File::open(path)?;
    let version = FileVersion::from(&file.metadata()?);
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok((text, version))
}

/// Waits for an exclusive lock on the file at `path`. Dropping the returned file releases it.
pub(super) fn lock(path: &Path) -> io::Result<File> {
    loop {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        file.lock()?;
        // The previous holder of the lock may have replaced the file; then this lock is on the old one.
        if inode(&file.metadata()?) == inode(&fs::metadata(path)?) {
            return Ok(file);
        }
    }
}

/// Creates the file at `path`, readable by its owner only. Fails with `AlreadyExists` if there is one. `temporary` is a name in
/// the same folder.
pub(super) fn create(path: &Path, temporary: &Path, text: &str) -> io::Result<()> {
    with_temporary(temporary, || {
        write(temporary, text, None)?;
        // Unlike a rename, this fails if there is a file.
        fs::hard_link(temporary, path)
    })
}

/// Replaces the file at `path`, with the owner, group and group-readability of the `old` one. `temporary` is a name in the same
/// folder.
pub(super) fn replace(path: &Path, temporary: &Path, text: &str, old: &Metadata) -> io::Result<()> {
    with_temporary(temporary, || {
        write(temporary, text, Some(old))?;
        fs::rename(temporary, path)?;
        sync_folder_of(path);
        Ok(())
    })
}

/// Runs `work`, which writes the temporary file, and removes that file.
fn with_temporary(temporary: &Path, work: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let result = work();
    // Best effort: a leftover temporary file is harmless. After a rename there is none.
    let _ = fs::remove_file(temporary);
    result
}

fn write(path: &Path, text: &str, like: Option<&Metadata>) -> io::Result<()> {
    let mut file = owner_only(OpenOptions::new().write(true).create_new(true)).open(path)?;
    if let Some(like) = like {
        copy_ownership(&file, like)?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(unix)]
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600)
}

/// Gives the file the owner, group and group-readability of another one. When root rotates the keys of a service that does
/// not run as root, the service must still be able to read them.
#[cfg(unix)]
fn copy_ownership(file: &File, like: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
        fchown(file, Some(like.uid()), Some(like.gid()))?;
    }
    file.set_permissions(fs::Permissions::from_mode(0o600 | (like.mode() & 0o040)))
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

/// Makes a rename in the folder survive a loss of power. Best effort: not every file system supports it.
#[cfg(unix)]
fn sync_folder_of(path: &Path) {
    let _ = path.parent().map(|folder| File::open(folder).and_then(|folder| folder.sync_all()));
}

#[cfg(not(unix))]
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(not(unix))]
fn copy_ownership(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

#[cfg(not(unix))]
fn sync_folder_of(_: &Path) {}
