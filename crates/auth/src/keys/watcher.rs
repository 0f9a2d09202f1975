//! The keys of this service as they are now, in a file that others may change.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};

use crate::error_chain::chain;
use crate::keys::file::{KeyFile, KeyFileError, Stamp};
use crate::keys::generation::Era;
use crate::keys::set::KeyRing;

/// How long the file is not looked at again, in milliseconds.
const LOOK: i64 = 2_000;
/// How long a file that looks the same is not read again because of a token that names no known key, in milliseconds.
const READ: i64 = 1_000;

/// The keys of this service as they are now.
pub(crate) struct OwnKeys {
    ring: RwLock<Arc<KeyRing>>,
    file: Option<Mutex<Followed>>,
    era: Arc<Era>,
}

/// A file that is followed.
struct Followed {
    path: PathBuf,
    seen: Stamp,
    /// When the file was last looked at and last read, in milliseconds since 1970.
    looked: Option<i64>,
    read: Option<i64>,
    is_broken: bool,
}

impl OwnKeys {
    /// Keys that stay as they are.
    pub(crate) fn fixed(ring: KeyRing, era: Arc<Era>) -> Self {
        Self { ring: RwLock::new(Arc::new(ring)), file: None, era }
    }

    /// Keys that change when the file does.
    pub(crate) fn of_file(file: KeyFile, era: Arc<Era>) -> Self {
        let followed = Followed { path: file.path, seen: file.seen, looked: None, read: None, is_broken: false };
        Self { file: Some(Mutex::new(followed)), ..Self::fixed(file.ring, era) }
    }

    /// The keys as of the last look.
    pub(crate) fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the file every few seconds, and reads it if it has changed. While one caller does, others go on with the keys
    /// that are known.
    pub(crate) fn look(&self, now: i64) {
        let Some(file) = &self.file else { return };
        let mut file = match file.try_lock() {
            Ok(file) => file,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        if has_passed(LOOK, file.looked, now) {
            file.looked = Some(now);
            if file.is_broken || file.has_changed().unwrap_or(true) {
                self.read(&mut file, now);
            }
        }
    }

    /// Looks at once, for a token that names no known key, and at most once a second into a file that looks the same. A file
    /// system's clock may be too coarse to show a change.
    pub(crate) fn look_again(&self, now: i64) {
        let Some(file) = &self.file else { return };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        if has_passed(READ, file.read, now) || file.has_changed().unwrap_or(false) {
            self.read(&mut file, now);
        }
    }

    /// Takes the keys in the file. If there are none, those of before stay, because something may be about to put it right.
    fn read(&self, file: &mut Followed, now: i64) {
        file.read = Some(now);
        let path = file.path.display().to_string();
        match KeyFile::load(&file.path) {
            Ok(loaded) => {
                file.seen = loaded.seen;
                file.is_broken = false;
                self.take(loaded.ring, &path);
            }
            Err(error) => {
                if let (KeyFileError::Content { .. }, Ok(stamp)) = (&error, Stamp::of(&file.path)) {
                    file.seen = stamp;
                }
                if !file.is_broken {
                    let error = chain(&error);
                    tracing::error!(%path, error, "the keys in {path} cannot be read; those of before stay in use");
                }
                file.is_broken = true;
            }
        }
    }

    fn take(&self, ring: KeyRing, path: &str) {
        let mut current = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        if current.ids().eq(ring.ids()) {
            return;
        }
        let (signing, retired) = (ring.signing.id().to_owned(), ring.retired.len());
        *current = Arc::new(ring);
        self.era.end();
        tracing::info!(%path, signing, retired, "the keys in {path} changed: {signing} signs, {retired} others verify");
    }
}

impl Followed {
    /// Whether it is another file than the one that was read, as far as can be seen from outside.
    fn has_changed(&self) -> io::Result<bool> {
        Ok(Stamp::of(&self.path)? != self.seen)
    }
}

/// Whether it is `span` milliseconds since `last`. A clock that was put back makes it so.
fn has_passed(span: i64, last: Option<i64>, now: i64) -> bool {
    last.is_none_or(|last| !(0..span).contains(&now.saturating_sub(last)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::OwnKeys;
    use crate::keys::file::KeyFile;
    use crate::log_lines::LogLines;

    #[test]
    fn the_log_says_once_that_the_file_is_broken_and_once_that_its_keys_have_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let keys = OwnKeys::of_file(KeyFile::load_or_generate(&path).unwrap(), Arc::default());
        let name = path.display();
        let broken = format!("ERROR the keys in {name} cannot be read; those of before stay in use");
        assert!(LogLines::of(|| keys.look(0)).is_empty());
        let whole = fs::read(&path).unwrap();
        fs::write(&path, "").unwrap();
        assert_eq!(LogLines::of(|| keys.look(2_000)), [&*broken]);
        fs::remove_file(&path).unwrap();
        assert!(LogLines::of(|| (2..9).for_each(|look| keys.look(look * 2_000))).is_empty());
        fs::write(&path, whole).unwrap();
        assert!(LogLines::of(|| keys.look(20_000)).is_empty(), "they are the same");
        let signing = KeyFile::rotate(&path).unwrap().signing;
        let changed = format!("INFO the keys in {name} changed: {signing} signs, 1 others verify");
        assert_eq!(LogLines::of(|| keys.look(22_000)), [changed]);
        fs::write(&path, "").unwrap();
        assert_eq!(LogLines::of(|| keys.look(24_000)), [&*broken]);
    }
}
