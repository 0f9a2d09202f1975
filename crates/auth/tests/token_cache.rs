//! The cache of verified tokens. Verifications of signatures are counted in `jsonwebtoken`, below the crate under test.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect, in its helpers too")]

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use guildhall_auth::{JwtTokens, KeyFile, KeySet, SigningKey, TokenSettings};
use guildhall_domain::access::{Caller, Scopes};
use guildhall_domain::ports::{Bearer, Clock, Tokens};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{SecurityStamp, UserId};
use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, aws_lc};
use jsonwebtoken::{Algorithm, DecodingKey};
use uuid::Uuid;

const NOW: i64 = 1_700_000_000;

thread_local! {
    /// How many signatures this thread, and so this test, has verified.
    static VERIFIED: Cell<u32> = const { Cell::new(0) };
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the library passes it so")]
fn count(algorithm: &Algorithm, key: &DecodingKey) -> jsonwebtoken::errors::Result<Box<dyn JwtVerifier>> {
    VERIFIED.set(VERIFIED.get() + 1);
    (aws_lc::DEFAULT_PROVIDER.verifier_factory)(algorithm, key)
}

/// How many signatures `work` verifies.
fn verified(work: impl FnOnce()) -> u32 {
    let before = VERIFIED.get();
    work();
    VERIFIED.get() - before
}

/// A clock that a test sets, in seconds since 1970.
struct ManualClock(AtomicI64);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(self.0.load(Ordering::SeqCst) * 1000)
    }
}

impl ManualClock {
    fn at(seconds: i64) -> Arc<Self> {
        let counting = CryptoProvider { verifier_factory: count, ..aws_lc::DEFAULT_PROVIDER.clone() };
        // It fails if another test has installed the same provider already.
        let _ = CryptoProvider::install_default(Box::leak(Box::new(counting)));
        Arc::new(Self(AtomicI64::new(seconds)))
    }

    fn set(&self, seconds: i64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

fn settings() -> TokenSettings {
    TokenSettings { issuer: "issuer".to_owned(), audience: "audience".to_owned(), lifetime: 3600 }
}

fn new(clock: &Arc<ManualClock>) -> JwtTokens {
    let keys = KeySet::from_pem(&SigningKey::generate_pem().unwrap()).unwrap();
    JwtTokens::new(settings(), keys, Arc::clone(clock) as Arc<dyn Clock>)
}

fn from_file(path: &Path, clock: &Arc<ManualClock>) -> JwtTokens {
    let file = KeyFile::load(path).unwrap();
    JwtTokens::from_file(settings(), file, Arc::clone(clock) as Arc<dyn Clock>).unwrap()
}

fn caller() -> Caller {
    Caller { user: UserId(Uuid::nil()), stamp: SecurityStamp(Uuid::max()), scopes: Scopes::all() }
}

fn issue(tokens: &JwtTokens) -> String {
    tokens.issue(&caller(), None).unwrap().value
}

fn is_accepted(tokens: &JwtTokens, token: &str) -> bool {
    tokens.verify(token).is_ok_and(|bearer| bearer == Bearer::Caller(caller()))
}

#[test]
fn a_signature_is_verified_once_per_token() {
    let clock = ManualClock::at(NOW);
    let tokens = new(&clock);
    let (one, two) =
        (issue(&tokens), tokens.issue(&Caller { scopes: Scopes::default(), ..caller() }, None).unwrap().value);
    assert_eq!(verified(|| assert!(is_accepted(&tokens, &one))), 1);
    assert_eq!(verified(|| assert!((0..100).all(|_| is_accepted(&tokens, &one)))), 0);
    assert_eq!(verified(|| assert!(tokens.verify(&two).is_ok())), 1);
}

#[test]
fn a_token_that_differs_in_one_letter_is_another_token() {
    let clock = ManualClock::at(NOW);
    let tokens = new(&clock);
    let token = issue(&tokens);
    assert!(is_accepted(&tokens, &token));
    for place in 0..token.len() {
        let other = if &token[place..=place] == "A" { "B" } else { "A" };
        let tampered = format!("{}{other}{}", &token[..place], &token[place + 1..]);
        assert!(!is_accepted(&tokens, &tampered), "{place}");
    }
    for tampered in
        [format!("{token}A"), format!("{token}="), token[..token.len() - 1].to_owned(), token.to_lowercase()]
    {
        assert!(!is_accepted(&tokens, &tampered), "{tampered}");
    }
}

#[test]
fn what_is_refused_is_not_cached() {
    let clock = ManualClock::at(NOW);
    let (tokens, others) = (new(&clock), new(&clock));
    let forged = issue(&others);
    assert!(!is_accepted(&tokens, &forged));
    assert!(is_accepted(&others, &forged));
    let token = issue(&tokens);
    clock.set(NOW - 11);
    assert_eq!(verified(|| assert!(!is_accepted(&tokens, &token))), 1);
    clock.set(NOW);
    assert_eq!(verified(|| assert!(is_accepted(&tokens, &token))), 1);
}

#[test]
fn a_cached_token_expires_like_any_other() {
    let clock = ManualClock::at(NOW);
    let tokens = new(&clock);
    let token = issue(&tokens);
    assert!(is_accepted(&tokens, &token));
    for (now, expected) in [
        (NOW - 10, None),
        (NOW + 3600 + 9, None),
        (NOW - 11, Some("the token is not valid yet")),
        (NOW + 3600 + 10, Some("the token has expired")),
        (NOW + 400_000_000, Some("the token has expired")),
    ] {
        clock.set(now);
        let refusal = tokens.verify(&token).err().map(|error| error.source.to_string());
        assert_eq!(refusal.as_deref(), expected, "at {now}");
    }
}

/// Waits until the thread that looks at the key file has found so many keys.
fn until_published(tokens: &JwtTokens, count: usize) {
    let start = Instant::now();
    while tokens.public_keys().len() != count {
        assert!(start.elapsed() < Duration::from_mins(1), "there are never {count} keys");
        thread::park_timeout(Duration::from_millis(1));
    }
}

#[test]
fn what_a_removed_key_has_verified_is_verified_again() {
    let clock = ManualClock::at(NOW);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("guildhall.key.pem");
    KeyFile::load_or_generate(&path).unwrap();
    let tokens = from_file(&path, &clock);
    let token = issue(&tokens);
    assert!(is_accepted(&tokens, &token));
    KeyFile::rotate(&path).unwrap();
    clock.set(NOW + 2);
    until_published(&tokens, 2);
    assert_eq!(verified(|| assert!(is_accepted(&tokens, &token))), 1, "verified anew, by the retired key");
    assert_eq!(verified(|| assert!(is_accepted(&tokens, &token))), 0);
    std::fs::write(&path, SigningKey::generate_pem().unwrap()).unwrap();
    clock.set(NOW + 4);
    until_published(&tokens, 1);
    assert!(!is_accepted(&tokens, &token));
}
