//! A Unix socket, and the file that stands for it.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen as begin, socket_with,
};

use crate::listening::BACKLOG;
use crate::settings::FileMode;

/// The file of a socket on which this process listens. Dropping it removes the file, unless another one is there by then.
pub(crate) struct SocketFile {
    path: PathBuf,
    inode: u64,
}

/// Who is behind a path.
#[derive(Debug, PartialEq, Eq)]
enum Occupant {
    Nobody,
    /// The socket of a process that has ended.
    DeadSocket,
    LiveSocket,
    Other,
}

/// Listens on a socket at `path`, with these permissions from its beginning. The socket of a process that has ended is replaced.
pub(crate) fn listen(path: &Path, mode: FileMode) -> Result<(UnixListener, SocketFile)> {
    check(path)?;
    if occupant(path)? == Occupant::DeadSocket {
        fs::remove_file(path).context("cannot remove the socket of a process that has ended")?;
    }
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    bind(&socket, &SocketAddrUnix::new(path)?)?;
    let file = SocketFile { path: path.to_owned(), inode: fs::symlink_metadata(path)?.ino() };
    // Nobody can connect before the process listens, whatever the permissions are until here.
    fs::set_permissions(path, Permissions::from_mode(mode.0))?;
    begin(&socket, BACKLOG)?;
    Ok((UnixListener::from(socket), file))
}

/// Fails if no socket can be made at `path`. It changes nothing.
pub(crate) fn check(path: &Path) -> Result<()> {
    SocketAddrUnix::new(path)
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidFilename))
        .context("the path is too long for a socket")?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        bail!("there is no folder {}", folder.display());
    }
    match occupant(path)? {
        Occupant::Nobody | Occupant::DeadSocket => Ok(()),
        Occupant::LiveSocket => bail!("another process listens there"),
        Occupant::Other => bail!("there is a file that is no socket"),
    }
}

fn occupant(path: &Path) -> Result<Occupant> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Occupant::Nobody),
        Err(error) => return Err(error.into()),
        Ok(found) if !found.file_type().is_socket() => return Ok(Occupant::Other),
        Ok(_) => {}
    }
    // Without waiting: a live process may have too many to accept.
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    match connect(&socket, &SocketAddrUnix::new(path)?) {
        Err(Errno::CONNREFUSED) => Ok(Occupant::DeadSocket),
        Err(Errno::NOENT) => Ok(Occupant::Nobody),
        // Whatever else it is, somebody has it.
        Ok(()) | Err(_) => Ok(Occupant::LiveSocket),
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(%error, "cannot remove the socket {}", self.path.display());
        }
    }
}
