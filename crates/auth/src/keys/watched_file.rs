//! A key file that is looked at again and again.

use std::io;
use std::path::PathBuf;

use super::file::{KeyFile, KeyFileError};
use super::file_system::FileVersion;
use super::set::KeySet;
use super::watcher::CurrentKeys;
use super::watcher_schedule::{Look, has_passed};
use crate::error_chain::error_chain;

/// How often a file with unchanged metadata is read at most because a token names an unknown key.
const READ_INTERVAL_MS: i64 = 1_000;

/// A key file, and what is known of it. Only the background thread uses it, because the file system may block.
pub(super) struct WatchedFile {
    path: PathBuf,
    /// The version that was read last.
    version: FileVersion,
    last_read: Option<i64>,
    is_broken: bool,
}

impl WatchedFile {
    /// The file at `path`, of which this version was read.
    pub(super) fn new(path: PathBuf, version: FileVersion) -> Self {
        Self { path, version, last_read: None, is_broken: false }
    }

    /// Reloads the file if it has changed. For a token that names an unknown key, a file with unchanged metadata is read too, once a
    /// second at most: the file system's clock may be too coarse to show a change.
    pub(super) fn look(&mut self, look: Look, now: i64, keys: &CurrentKeys) {
        let may_hide_a_change = look == Look::ForUnknownKey && has_passed(READ_INTERVAL_MS, self.last_read, now);
        if may_hide_a_change || self.is_broken || self.has_changed().unwrap_or(true) {
            self.reload(now, keys);
        }
    }

    /// Whether the file's metadata differ from those of the version that was read.
    fn has_changed(&self) -> io::Result<bool> {
        Ok(FileVersion::at(&self.path)? != self.version)
    }

    /// Reads the file. If that fails, the current key set stays, because the file may be complete a moment later.
    fn reload(&mut self, now: i64, keys: &CurrentKeys) {
        self.last_read = Some(now);
        let path = self.path.display().to_string();
        match KeyFile::load(&self.path) {
            Ok(loaded) => {
                self.version = loaded.version;
                self.is_broken = false;
                update(keys, loaded.key_set, &path);
            }
            Err(error) => {
                if let (KeyFileError::Content { .. }, Ok(version)) = (&error, FileVersion::at(&self.path)) {
                    self.version = version;
                }
                if !self.is_broken {
                    let error = error_chain(&error);
                    tracing::error!(%path, error, "the keys in {path} cannot be read; those of before stay in use");
                }
                self.is_broken = true;
            }
        }
    }
}

fn update(keys: &CurrentKeys, key_set: KeySet, path: &str) {
    let (signing, retired) = (key_set.signing.id().to_owned(), key_set.retired.len());
    if keys.replace(key_set) {
        tracing::info!(%path, signing, retired, "the keys in {path} changed: {signing} signs, {retired} others verify");
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::WatchedFile;
    use crate::keys::file::KeyFile;
    use crate::keys::watcher::testing::current_keys;
    use crate::keys::watcher_schedule::Look;
    use crate::log_lines::LogLines;

    #[test]
    fn the_log_says_once_that_the_file_is_broken_and_once_that_its_keys_have_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let KeyFile { key_set, version, .. } = KeyFile::load_or_generate(&path).unwrap();
        let keys = current_keys(key_set);
        let mut file = WatchedFile::new(path.clone(), version);
        let mut look = || LogLines::of(|| file.look(Look::Regular, 0, &keys));
        let name = path.display();
        let broken = format!("ERROR the keys in {name} cannot be read; those of before stay in use");
        assert!(look().is_empty());
        let whole = fs::read(&path).unwrap();
        fs::write(&path, "").unwrap();
        assert_eq!(look(), [&*broken]);
        fs::remove_file(&path).unwrap();
        assert!((2..9).all(|_| look().is_empty()));
        fs::write(&path, whole).unwrap();
        assert!(look().is_empty(), "they are the same");
        let signing = KeyFile::rotate(&path).unwrap().signing;
        let changed = format!("INFO the keys in {name} changed: {signing} signs, 1 others verify");
        assert_eq!(look(), [changed]);
        fs::write(&path, "").unwrap();
        assert_eq!(look(), [&*broken]);
    }
}
