//! Reloads the key set when its file changes.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};

use super::file::{KeyFile, KeyFileError};
use super::file_system::FileVersion;
use super::generation::KeyGeneration;
use super::set::KeySet;
use crate::error_chain::error_chain;

/// How often the file's metadata are checked at most.
const CHECK_INTERVAL_MS: i64 = 2_000;
/// How often a file with unchanged metadata is read at most because a token names an unknown key.
const READ_INTERVAL_MS: i64 = 1_000;

/// The current key set of this service. All times are milliseconds since 1970.
pub(crate) struct KeyWatcher {
    key_set: RwLock<Arc<KeySet>>,
    /// `None` if the keys are not from a file.
    file: Option<Mutex<WatchedFile>>,
    generation: Arc<KeyGeneration>,
}

struct WatchedFile {
    path: PathBuf,
    /// The version that was read last.
    version: FileVersion,
    last_checked: Option<i64>,
    last_read: Option<i64>,
    is_broken: bool,
}

impl KeyWatcher {
    /// A key set that never changes.
    pub(crate) fn fixed(key_set: KeySet, generation: Arc<KeyGeneration>) -> Self {
        Self { key_set: RwLock::new(Arc::new(key_set)), file: None, generation }
    }

    /// A key set that is reloaded when the file changes.
    pub(crate) fn watching(file: KeyFile, generation: Arc<KeyGeneration>) -> Self {
        let KeyFile { path, key_set, version } = file;
        let watched = WatchedFile { path, version, last_checked: None, last_read: None, is_broken: false };
        Self { file: Some(Mutex::new(watched)), ..Self::fixed(key_set, generation) }
    }

    /// The key set as of the last reload.
    pub(crate) fn key_set(&self) -> Arc<KeySet> {
        Arc::clone(&self.key_set.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reloads the file if it has changed; checks that every two seconds at most. While one thread does, the others continue
    /// with the current key set.
    pub(crate) fn check(&self, now: i64) {
        let Some(file) = &self.file else { return };
        let mut file = match file.try_lock() {
            Ok(file) => file,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        if has_passed(CHECK_INTERVAL_MS, file.last_checked, now) {
            file.last_checked = Some(now);
            if file.is_broken || file.has_changed().unwrap_or(true) {
                self.reload(&mut file, now);
            }
        }
    }

    /// Reloads the file for a token that names an unknown key. A file with unchanged metadata is read once a second at most:
    /// the file system's clock may be too coarse to show a change.
    pub(crate) fn check_for_unknown_key(&self, now: i64) {
        let Some(file) = &self.file else { return };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        if has_passed(READ_INTERVAL_MS, file.last_read, now) || file.has_changed().unwrap_or(false) {
            self.reload(&mut file, now);
        }
    }

    /// Reads the file. If that fails, the current key set stays, because the file may be complete a moment later.
    fn reload(&self, file: &mut WatchedFile, now: i64) {
        file.last_read = Some(now);
        let path = file.path.display().to_string();
        match KeyFile::load(&file.path) {
            Ok(loaded) => {
                file.version = loaded.version;
                file.is_broken = false;
                self.update(loaded.key_set, &path);
            }
            Err(error) => {
                if let (KeyFileError::Content { .. }, Ok(version)) = (&error, FileVersion::at(&file.path)) {
                    file.version = version;
                }
                if !file.is_broken {
                    let error = error_chain(&error);
                    tracing::error!(%path, error, "the keys in {path} cannot be read; those of before stay in use");
                }
                file.is_broken = true;
            }
        }
    }

    fn update(&self, key_set: KeySet, path: &str) {
        let mut current = self.key_set.write().unwrap_or_else(PoisonError::into_inner);
        if current.ids().eq(key_set.ids()) {
            return;
        }
        let (signing, retired) = (key_set.signing.id().to_owned(), key_set.retired.len());
        *current = Arc::new(key_set);
        self.generation.advance();
        tracing::info!(%path, signing, retired, "the keys in {path} changed: {signing} signs, {retired} others verify");
    }
}

impl WatchedFile {
    /// Whether the file's metadata differ from those of the version that was read.
    fn has_changed(&self) -> io::Result<bool> {
        Ok(FileVersion::at(&self.path)? != self.version)
    }
}

/// Whether `interval` milliseconds have passed since `last`. Also true if the clock was set back.
fn has_passed(interval: i64, last: Option<i64>, now: i64) -> bool {
    last.is_none_or(|last| !(0..interval).contains(&now.saturating_sub(last)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::KeyWatcher;
    use crate::keys::file::KeyFile;
    use crate::log_lines::LogLines;

    #[test]
    fn the_log_says_once_that_the_file_is_broken_and_once_that_its_keys_have_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let keys = KeyWatcher::watching(KeyFile::load_or_generate(&path).unwrap(), Arc::default());
        let name = path.display();
        let broken = format!("ERROR the keys in {name} cannot be read; those of before stay in use");
        assert!(LogLines::of(|| keys.check(0)).is_empty());
        let whole = fs::read(&path).unwrap();
        fs::write(&path, "").unwrap();
        assert_eq!(LogLines::of(|| keys.check(2_000)), [&*broken]);
        fs::remove_file(&path).unwrap();
        assert!(LogLines::of(|| (2..9).for_each(|check| keys.check(check * 2_000))).is_empty());
        fs::write(&path, whole).unwrap();
        assert!(LogLines::of(|| keys.check(20_000)).is_empty(), "they are the same");
        let signing = KeyFile::rotate(&path).unwrap().signing;
        let changed = format!("INFO the keys in {name} changed: {signing} signs, 1 others verify");
        assert_eq!(LogLines::of(|| keys.check(22_000)), [changed]);
        fs::write(&path, "").unwrap();
        assert_eq!(LogLines::of(|| keys.check(24_000)), [&*broken]);
    }
}
