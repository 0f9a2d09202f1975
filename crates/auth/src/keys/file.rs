//! Keys in a file, and how they change there.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::keys::pem as pem_text;
use crate::keys::set::KeyRing;
use crate::keys::signing::{KeyError, SigningKey};
use crate::keys::verifying::VerifyingKey;
use crate::random::{NoRandomness, random_text};

/// How many retired keys stay in a file when its key changes.
const RETIRED: usize = 3;

/// The keys in a file, which a running service follows; see [`KeyRing::from_pem`].
#[derive(Debug)]
pub struct KeyFile {
    pub(crate) path: PathBuf,
    pub(crate) ring: KeyRing,
    pub(crate) seen: Stamp,
}

/// What tells a file from the one that was there before, without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    number: u64,
}

/// How the keys in a file have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The id of the new key, which signs.
    pub signing: String,
    /// The ids of those that still verify, the latest first.
    pub retired: Vec<String>,
}

/// Why there are no keys from a file.
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
    /// The file holds no key to sign with, or something that is no key.
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
    /// The keys in the file at `path`.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        let (text, seen) = read(path).map_err(|source| KeyFileError::Read { path: path.to_owned(), source })?;
        let ring = KeyRing::from_pem(&text).map_err(in_file(path))?;
        Ok(Self { path: path.to_owned(), ring, seen })
    }

    /// The keys in the file at `path`, or a new Ed25519 key that is kept there, readable by its owner alone. Processes that
    /// start at the same time all get the same key.
    pub fn load_or_generate(path: &Path) -> Result<Self, KeyFileError> {
        let exists = path.try_exists().map_err(|source| KeyFileError::Read { path: path.to_owned(), source })?;
        if !exists {
            let pem = SigningKey::generate_pem().map_err(in_file(path))?;
            with_draft(path, |draft| {
                write(&pem, draft, None)?;
                link(draft, path)
            })?;
        }
        Self::load(path)
    }

    /// Puts a new Ed25519 key in the file at `path`, and the public halves of the keys of before behind it, the latest three of
    /// them. The retired private key is gone.
    ///
    /// The file changes at once and as a whole. Of two that do this at the same time, one waits for the other and retires
    /// its key. The new file is its owner's alone, but for the group's reading where the old one allowed that.
    pub fn rotate(path: &Path) -> Result<Rotated, KeyFileError> {
        let failed = |source| KeyFileError::Read { path: path.to_owned(), source };
        // A link stays a link, to a file that changes.
        let path = &fs::canonicalize(path).map_err(failed)?;
        let lock = lock(path).map_err(failed)?;
        let old = lock.metadata().map_err(failed)?;
        let before = Self::load(path)?.ring;
        let pem = SigningKey::generate_pem().map_err(in_file(path))?;
        let signing = SigningKey::from_pem(&pem).map_err(in_file(path))?;
        let retired: Vec<&VerifyingKey> = before.all().filter(|key| key.published.is_some()).take(RETIRED).collect();
        let blocks = retired.iter().filter_map(|key| key.published.as_ref());
        let text = blocks.fold(pem, |text, key| text + &pem_text::block(pem_text::PUBLIC_KEY, &key.spki));
        with_draft(path, |draft| {
            write(&text, draft, Some(&old))?;
            fs::rename(draft, path)?;
            keep_name(path);
            Ok(())
        })?;
        let retired = retired.into_iter().map(|key| key.id.clone()).collect();
        Ok(Rotated { signing: signing.id().to_owned(), retired })
    }

    /// The keys that were in the file.
    #[must_use]
    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }
}

impl Stamp {
    /// What the file at `path` is now.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        Ok(Self::from(&fs::metadata(path)?))
    }
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        Self { modified: metadata.modified().ok(), length: metadata.len(), number: number(metadata) }
    }
}

/// A file's text, and what tells it from others; of the same file, even if another one takes its name meanwhile.
fn read(path: &Path) -> io::Result<(String, Stamp)> {
    let mut file = File::open(path)?;
    let stamp = Stamp::from(&file.metadata()?);
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok((text, stamp))
}

/// Waits until nobody else changes the file at `path`. The lock is held until it is dropped.
fn lock(path: &Path) -> io::Result<File> {
    loop {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        file.lock()?;
        // Whoever held the lock before has put another file in place.
        if number(&file.metadata()?) == number(&fs::metadata(path)?) {
            return Ok(file);
        }
    }
}

/// Works with a name for a draft in the same folder, where nothing stays. Writing to `path` itself would show others half a key,
/// and leave half a key behind if the process died.
fn with_draft(path: &Path, work: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), KeyFileError> {
    let draft = path.with_added_extension(random_text(12)?);
    let done = work(&draft);
    // Nothing hangs on the draft any more, and a key without it is a key all the same.
    let _ = fs::remove_file(&draft);
    done.map_err(|source| KeyFileError::Write { path: path.to_owned(), source })
}

fn write(text: &str, draft: &Path, like: Option<&Metadata>) -> io::Result<()> {
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(draft)?;
    if let Some(like) = like {
        give(&file, like)?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Puts a whole file in place at once, unless there is one.
fn link(draft: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

fn in_file(path: &Path) -> impl Fn(KeyError) -> KeyFileError {
    move |source| KeyFileError::Content { path: path.to_owned(), source }
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600)
}

/// Gives the file to the owner and the group of another one. Root changes keys that a service must read which is not root.
#[cfg(unix)]
fn give(file: &File, like: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
        fchown(file, Some(like.uid()), Some(like.gid()))?;
    }
    file.set_permissions(fs::Permissions::from_mode(0o600 | (like.mode() & 0o040)))
}

#[cfg(unix)]
fn number(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

/// Makes the new name outlast a loss of power, where the system can.
#[cfg(unix)]
fn keep_name(path: &Path) {
    let _ = path.parent().map(|folder| File::open(folder).and_then(|folder| folder.sync_all()));
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(not(unix))]
fn give(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn number(_: &Metadata) -> u64 {
    0
}

#[cfg(not(unix))]
fn keep_name(_: &Path) {}
