//! A key set in a file: created, loaded, rotated.

use std::io;
use std::path::{Path, PathBuf};

use super::error::KeyError;
use super::file_system::{self, FileVersion};
use super::pem::{PUBLIC_KEY, encode_block};
use super::set::KeySet;
use super::signing::SigningKey;
use crate::random::{NoRandomness, random_text};

/// How many retired keys stay in a file after a rotation.
const MAX_RETIRED: usize = 3;
/// The length of the random suffix of a temporary file's name.
const TEMPORARY_SUFFIX_LENGTH: usize = 12;

/// A key set that was loaded from a file. A running service reloads it when the file changes. The form of the file is that of
/// [`KeySet::from_pem`].
#[derive(Debug)]
pub struct KeyFile {
    pub(super) path: PathBuf,
    pub(super) key_set: KeySet,
    pub(super) version: FileVersion,
    is_new: bool,
}

/// The keys in a file after a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRotation {
    /// The id of the new key, which signs.
    pub signing: String,
    /// The ids of the keys that still verify, the latest first.
    pub retired: Vec<String>,
}

/// Why a key file could not be loaded, created or rotated.
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
    /// There is a file already, which is left alone.
    #[error("{} exists already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file has no private key, or something that is not a supported key.
    #[error("{} holds no key to sign with, or something that is no key", path.display())]
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

impl KeyFile {
    /// Loads the key set in the file at `path`.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        let (text, version) = file_system::read(path).map_err(read_error(path))?;
        let key_set = KeySet::from_pem(&text).map_err(content_error(path))?;
        Ok(Self { path: path.to_owned(), key_set, version, is_new: false })
    }

    /// Creates the file at `path` with a new Ed25519 key, readable by its owner only.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Exists`] if there is a file, whatever it holds; [`KeyFileError::Write`] where none can be created.
    pub fn generate(path: &Path) -> Result<Self, KeyFileError> {
        let pem = SigningKey::generate_pem().map_err(content_error(path))?;
        file_system::create(path, &temporary_path(path)?, &pem).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => KeyFileError::Exists { path: path.to_owned() },
            _ => write_error(path)(error),
        })?;
        Ok(Self { is_new: true, ..Self::load(path)? })
    }

    /// Loads the key set in the file at `path`. If there is no file, creates it as [`generate`](Self::generate) does. Processes that
    /// start at the same time all get the same key.
    pub fn load_or_generate(path: &Path) -> Result<Self, KeyFileError> {
        if path.try_exists().map_err(read_error(path))? {
            return Self::load(path);
        }
        match Self::generate(path) {
            // Another process was faster.
            Err(KeyFileError::Exists { .. }) => Self::load(path),
            generated => generated,
        }
    }

    /// Adds a new Ed25519 key as the signing key. Of the previous keys the latest three stay, as public keys; the previous
    /// private key is deleted.
    ///
    /// The file is replaced atomically. Rotations at the same time are serialised by a file lock, so each retires the key of
    /// the one before. The new file is readable by its owner only, and by its group if the old one was.
    pub fn rotate(path: &Path) -> Result<KeyRotation, KeyFileError> {
        // Resolves a symbolic link, so that its target is replaced and not the link.
        let path = &std::fs::canonicalize(path).map_err(read_error(path))?;
        let lock = file_system::lock(path).map_err(read_error(path))?;
        let old = lock.metadata().map_err(read_error(path))?;
        let previous = Self::load(path)?.key_set;
        let pem = SigningKey::generate_pem().map_err(content_error(path))?;
        let signing = SigningKey::from_pem(&pem).map_err(content_error(path))?;
        let (mut text, mut retired) = (pem, Vec::new());
        for (key, spki) in previous.all().filter_map(|key| Some((key, key.spki()?))).take(MAX_RETIRED) {
            text += &encode_block(PUBLIC_KEY, spki);
            retired.push(key.id.clone());
        }
        file_system::replace(path, &temporary_path(path)?, &text, &old).map_err(write_error(path))?;
        Ok(KeyRotation { signing: signing.id().to_owned(), retired })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file did not exist before this call of [`generate`](Self::generate) or
    /// [`load_or_generate`](Self::load_or_generate) created it.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// The key set as of loading.
    #[must_use]
    pub fn key_set(&self) -> &KeySet {
        &self.key_set
    }
}

/// A new name in the folder of `path`.
fn temporary_path(path: &Path) -> Result<PathBuf, NoRandomness> {
    Ok(path.with_added_extension(random_text(TEMPORARY_SUFFIX_LENGTH)?))
}

fn read_error(path: &Path) -> impl Fn(io::Error) -> KeyFileError {
    move |source| KeyFileError::Read { path: path.to_owned(), source }
}

fn write_error(path: &Path) -> impl Fn(io::Error) -> KeyFileError {
    move |source| KeyFileError::Write { path: path.to_owned(), source }
}

fn content_error(path: &Path) -> impl Fn(KeyError) -> KeyFileError {
    move |source| KeyFileError::Content { path: path.to_owned(), source }
}
