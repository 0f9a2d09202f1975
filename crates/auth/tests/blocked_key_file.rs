//! A key file on a file system that does not answer.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect, in its helpers too")]

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use guildhall_auth::{JwtTokens, KeyFile, KeySet, SigningKey, TokenSettings};
use guildhall_domain::access::{Caller, Scopes};
use guildhall_domain::ports::{Clock, Tokens};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{SecurityStamp, UserId};
use uuid::Uuid;

/// A clock that stands still: only what a token asks for makes the service look.
struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(0)
    }
}

fn settings() -> TokenSettings {
    TokenSettings { issuer: "issuer".to_owned(), audience: "audience".to_owned(), lifetime: 3600 }
}

fn issue(tokens: &JwtTokens) -> String {
    let caller = Caller { user: UserId(Uuid::nil()), stamp: SecurityStamp(Uuid::max()), scopes: Scopes::all() };
    tokens.issue(&caller, None).unwrap().value
}

/// A token that is signed with the first key in `pem`.
fn issued_with(pem: &str) -> String {
    issue(&JwtTokens::new(settings(), KeySet::from_pem(pem).unwrap(), Arc::new(Epoch)))
}

/// Opening a FIFO for reading blocks until somebody writes, as a file on a network that is away does.
#[test]
fn a_file_that_blocks_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("guildhall.key.pem");
    let file = KeyFile::load_or_generate(&path).unwrap();
    let pem = SigningKey::generate_pem().unwrap() + &fs::read_to_string(&path).unwrap();
    let service = JwtTokens::from_file(settings(), file, Arc::new(Epoch)).unwrap();
    let (known, unknown) = (issue(&service), issued_with(&SigningKey::generate_pem().unwrap()));
    let new = issued_with(&pem);
    let fifo = path.with_extension("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    fs::rename(&fifo, &path).unwrap();
    let (tell, told) = channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            // The first makes the thread look; it is blocked from then on.
            let pending = [&unknown, &new].map(|token| service.verify(token).unwrap_err().pending);
            let goes_on = (0..1_000).all(|_| {
                service.verify(&known).is_ok() && !issue(&service).is_empty() && service.public_keys().len() == 1
            });
            let still = service.verify_again(&unknown, pending[0].unwrap()).unwrap_err().pending;
            tell.send((pending[1].is_some(), goes_on, still == pending[0])).unwrap();
        });
        let told = told.recv_timeout(Duration::from_mins(1));
        // Whoever is blocked ends now, so that a failure is not a test without end.
        fs::write(&path, &pem).unwrap();
        assert_eq!(told, Ok((true, true, true)));
    });
    let start = Instant::now();
    while service.verify(&new).is_err() {
        assert!(start.elapsed() < Duration::from_mins(1), "the new key is never known");
        thread::park_timeout(Duration::from_millis(1));
    }
    assert!(service.verify(&known).is_ok());
}
