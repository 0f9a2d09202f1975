//! A signing key in a file.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::generated::{NoRandomness, random_text};
use crate::keys::{KeyError, SigningKey};

/// Why there is no key from a file.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds no key to sign with.
    #[error("{} holds no key to sign with", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// The operating system gave no random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl SigningKey {
    /// The private key in the file at `path`; see [`SigningKey::from_pem`].
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        let text = fs::read_to_string(path).map_err(|source| KeyFileError::Read { path: path.to_owned(), source })?;
        Self::from_pem(&text).map_err(|source| KeyFileError::Content { path: path.to_owned(), source })
    }

    /// The private key in the file at `path`, or a new Ed25519 key that is kept there, readable by its owner alone. Processes
    /// that start at the same time all get the same key.
    pub fn load_or_generate(path: &Path) -> Result<Self, KeyFileError> {
        let exists = path.try_exists().map_err(|source| KeyFileError::Read { path: path.to_owned(), source })?;
        if !exists {
            let pem =
                SigningKey::generate_pem().map_err(|source| KeyFileError::Content { path: path.to_owned(), source })?;
            let draft = path.with_added_extension(random_text(12)?);
            let kept = keep(&pem, &draft, path);
            // Nothing hangs on the draft any more, and a key without it is a key all the same.
            let _ = fs::remove_file(&draft);
            kept.map_err(|source| KeyFileError::Write { path: path.to_owned(), source })?;
        }
        Self::load(path)
    }
}

/// Puts a whole file in place at once, unless there is one. Writing to `path` itself would show others half a key, and leave
/// half a key behind if the process died.
fn keep(text: &str, draft: &Path, path: &Path) -> io::Result<()> {
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    match fs::hard_link(draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}
