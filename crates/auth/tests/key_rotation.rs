//! Rotation of the keys in a file while services use them.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect, in its helpers too")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use guildhall_auth::{JwtTokens, KeyFile, KeyFileError, KeyRotation, SigningKey, TokenSettings};
use guildhall_domain::access::{Caller, Scopes};
use guildhall_domain::ports::{Bearer, Clock, InvalidToken, Tokens};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{SecurityStamp, UserId};
use tempfile::TempDir;
use uuid::Uuid;

/// A clock that a test sets, in milliseconds since 1970.
struct ManualClock(AtomicI64);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(self.0.load(Ordering::SeqCst))
    }
}

impl ManualClock {
    fn forward(&self, milliseconds: i64) {
        self.0.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

struct Installation {
    _folder: TempDir,
    path: PathBuf,
    clock: Arc<ManualClock>,
}

impl Installation {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guildhall.key.pem");
        KeyFile::load_or_generate(&path).unwrap();
        Self { _folder: folder, path, clock: Arc::new(ManualClock(AtomicI64::new(1_700_000_000_000))) }
    }

    /// Another process that uses the file.
    fn service(&self) -> JwtTokens {
        let settings = TokenSettings { issuer: "issuer".to_owned(), audience: "audience".to_owned(), lifetime: 3600 };
        let file = KeyFile::load(&self.path).unwrap();
        JwtTokens::from_file(settings, file, Arc::clone(&self.clock) as Arc<dyn Clock>).unwrap()
    }

    fn rotate(&self) -> KeyRotation {
        KeyFile::rotate(&self.path).unwrap()
    }
}

fn caller() -> Caller {
    Caller { user: UserId(Uuid::nil()), stamp: SecurityStamp(Uuid::max()), scopes: Scopes::all() }
}

fn issue(tokens: &JwtTokens) -> String {
    tokens.issue(&caller(), None).unwrap().value
}

/// The result of verifying a token as soon as it waits for nothing.
fn outcome(tokens: &JwtTokens, token: &str) -> String {
    let mut verified = tokens.verify(token);
    until(|| match &verified {
        Ok(bearer) => {
            assert_eq!(*bearer, Bearer::Caller(caller()));
            Some("accepted".to_owned())
        }
        Err(InvalidToken { pending: Some(pending), .. }) => {
            verified = tokens.verify_again(token, *pending);
            None
        }
        Err(error) => Some(error.source.to_string()),
    })
}

/// Calls `ask` until it returns a value.
fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < Duration::from_mins(1), "there is no answer");
        thread::park_timeout(Duration::from_millis(1));
    }
}

/// Waits until the service has found these keys.
fn until_published(tokens: &JwtTokens, expected: &[String]) {
    until(|| (published(tokens) == expected).then_some(()));
}

fn ids(path: &Path) -> Vec<String> {
    KeyFile::load(path).unwrap().key_set().ids().map(str::to_owned).collect()
}

fn published(tokens: &JwtTokens) -> Vec<String> {
    tokens.public_keys().into_iter().map(|key| key.id).collect()
}

#[test]
fn a_new_key_signs_and_the_last_three_still_verify() {
    let installation = Installation::new();
    let mut expected = ids(&installation.path);
    for _ in 0..5 {
        let rotated = installation.rotate();
        expected.insert(0, rotated.signing);
        expected.truncate(4);
        assert_eq!(rotated.retired, expected[1..]);
        assert_eq!(ids(&installation.path), expected);
    }
    let text = fs::read_to_string(&installation.path).unwrap();
    assert_eq!(text.matches("BEGIN PRIVATE KEY").count(), 1, "a retired private key is gone");
    assert_eq!(text.matches("BEGIN PUBLIC KEY").count(), 3);
    let names: Vec<_> = fs::read_dir(installation.path.parent().unwrap()).unwrap().map(Result::unwrap).collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[cfg(unix)]
#[test]
fn the_file_stays_its_owners_alone_and_a_link_to_it_stays_a_link() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let installation = Installation::new();
    let link = installation.path.with_extension("link");
    symlink(&installation.path, &link).unwrap();
    for (before, after) in [(0o600, 0o600), (0o644, 0o640), (0o640, 0o640)] {
        fs::set_permissions(&installation.path, fs::Permissions::from_mode(before)).unwrap();
        let rotated = KeyFile::rotate(&link).unwrap();
        assert_eq!(fs::metadata(&installation.path).unwrap().permissions().mode() & 0o777, after);
        assert_eq!(ids(&installation.path)[0], rotated.signing);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}

#[test]
fn a_file_without_keys_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("guildhall.key.pem");
    assert!(matches!(KeyFile::rotate(&path), Err(KeyFileError::Read { .. })));
    fs::write(&path, "-----BEGIN PRIVATE KEY-----").unwrap();
    assert!(matches!(KeyFile::rotate(&path), Err(KeyFileError::Content { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), "-----BEGIN PRIVATE KEY-----");
}

#[test]
fn rotations_at_the_same_time_happen_one_after_the_other() {
    let installation = Installation::new();
    let first = ids(&installation.path).remove(0);
    let together = Barrier::new(8);
    let rotations: Vec<KeyRotation> = thread::scope(|scope| {
        let rotate = || {
            together.wait();
            let rotated = installation.rotate();
            assert!(ids(&installation.path).len() > 1, "whoever reads finds a whole file");
            rotated
        };
        let rotating: Vec<_> = (0..8).map(|_| scope.spawn(rotate)).collect();
        rotating.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    // Every key was retired by the one that came after it, and none was lost.
    let by_retired: BTreeMap<_, _> = rotations.iter().map(|rotated| (&rotated.retired[0], &rotated.signing)).collect();
    let mut last = &first;
    for _ in 0..8 {
        last = by_retired[last];
    }
    assert_eq!(ids(&installation.path)[0], *last);
}

#[test]
fn nobody_signs_in_anew_when_the_key_changes() {
    let installation = Installation::new();
    let (one, two) = (installation.service(), installation.service());
    let mut tokens = vec![issue(&one), issue(&two)];
    for _ in 0..3 {
        installation.rotate();
        installation.clock.forward(2_000);
        until_published(&one, &ids(&installation.path));
        tokens.push(issue(&one));
        // The other process has not looked yet: a token with an unknown key makes it look at once.
        for token in &tokens {
            assert_eq!(outcome(&two, token), "accepted");
            assert_eq!(outcome(&one, token), "accepted");
        }
        tokens.push(issue(&two));
    }
    installation.rotate();
    installation.clock.forward(2_000);
    until_published(&one, &ids(&installation.path));
    assert_eq!(outcome(&one, &tokens[0]), "the token names no known key");
    assert_eq!(outcome(&one, &tokens[2]), "accepted");
}

#[test]
fn a_key_that_is_taken_out_of_the_file_ends_its_tokens() {
    let installation = Installation::new();
    let service = installation.service();
    let token = issue(&service);
    assert_eq!(outcome(&service, &token), "accepted");
    fs::write(&installation.path, SigningKey::generate_pem().unwrap() + &SigningKey::generate_pem().unwrap()).unwrap();
    installation.clock.forward(1_999);
    assert_eq!(outcome(&service, &token), "accepted", "nobody has looked yet");
    installation.clock.forward(1);
    until_published(&service, &ids(&installation.path));
    assert_eq!(outcome(&service, &token), "the token names no known key");
}

#[test]
fn a_file_that_is_broken_or_gone_changes_nothing_until_it_is_there_again() {
    let installation = Installation::new();
    let service = installation.service();
    let token = issue(&service);
    let before = published(&service);
    let text = fs::read_to_string(&installation.path).unwrap();
    let other = SigningKey::generate_pem().unwrap();
    let unknown = issue(&Installation::new().service());
    let look = |expected: &[String]| {
        installation.clock.forward(2_000);
        assert_eq!(outcome(&service, &unknown), "the token names no known key", "the file was looked at");
        assert_eq!(published(&service), expected);
        assert_eq!(outcome(&service, &token), "accepted");
        assert_eq!(outcome(&service, &issue(&service)), "accepted");
    };
    for broken in ["", "-----BEGIN", &text[..text.len() / 2], &format!("{other}{}", &text[..text.len() - 2])] {
        fs::write(&installation.path, broken).unwrap();
        look(&before);
    }
    fs::remove_file(&installation.path).unwrap();
    look(&before);
    fs::write(&installation.path, format!("{other}{text}")).unwrap();
    look(&[SigningKey::from_pem(&other).unwrap().id().to_owned(), before[0].clone()]);
}

#[test]
fn a_file_is_read_at_most_once_a_second_for_tokens_with_unknown_keys() {
    let installation = Installation::new();
    let service = installation.service();
    let unknown = issue(&Installation::new().service());
    assert_eq!(outcome(&service, &unknown), "the token names no known key");
    // The other content has the same length and time, so that only reading shows it.
    let times = fs::metadata(&installation.path).unwrap().modified().unwrap();
    let file = fs::OpenOptions::new().write(true).open(&installation.path).unwrap();
    std::io::Write::write_all(&mut &file, SigningKey::generate_pem().unwrap().as_bytes()).unwrap();
    file.set_modified(times).unwrap();
    let changed = || published(&service) == ids(&installation.path);
    for (forward, expected) in [(0, false), (999, false), (1, true)] {
        installation.clock.forward(forward);
        assert_eq!(outcome(&service, &unknown), "the token names no known key");
        assert_eq!(changed(), expected, "{forward}");
    }
}
