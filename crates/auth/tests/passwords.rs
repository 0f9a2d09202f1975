//! How passwords are kept.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect, in its helpers too")]

use std::num::NonZeroUsize;

use guildhall_auth::Argon2Passwords;
use guildhall_domain::password::{Password, PasswordHash};
use guildhall_domain::ports::Passwords;

fn passwords() -> Argon2Passwords {
    Argon2Passwords::new(NonZeroUsize::new(2).unwrap())
}

fn typed(text: &str) -> Password {
    Password::typed(text.to_owned())
}

#[test]
fn a_password_matches_its_own_hash_and_no_other() {
    let hash = passwords().hash(&typed("pr0j3ctM4yh3m")).unwrap();
    for (text, matches) in [("pr0j3ctM4yh3m", true), ("Pr0j3ctM4yh3m", false), ("pr0j3ctM4yh3m ", false), ("", false)] {
        assert_eq!(passwords().verify(&typed(text), &hash).unwrap(), matches, "{text:?}");
    }
}

#[test]
fn a_hash_is_argon2id_with_the_recommended_parameters_and_a_salt_of_its_own() {
    let hashes = ["pr0j3ctM4yh3m", "pr0j3ctM4yh3m"].map(|text| passwords().hash(&typed(text)).unwrap());
    for PasswordHash(text) in &hashes {
        assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
    }
    assert_ne!(hashes[0], hashes[1]);
}

#[test]
fn a_hash_made_with_other_parameters_still_matches() {
    let light = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$";
    let argon2 = argon2::Argon2::new(
        argon2::Algorithm::Argon2id,
        argon2::Version::V0x13,
        argon2::Params::new(64, 1, 1, None).unwrap(),
    );
    let hash = argon2::PasswordHasher::hash_password_with_salt(&argon2, b"pr0j3ctM4yh3m", b"somesaltsomesalt").unwrap();
    let hash = PasswordHash(hash.to_string());
    assert!(hash.0.starts_with(light), "{}", hash.0);
    assert!(passwords().verify(&typed("pr0j3ctM4yh3m"), &hash).unwrap());
}

#[test]
fn a_hash_that_takes_more_memory_matches_up_to_a_limit() {
    let hashed = |memory| {
        let params = argon2::Params::new(memory, 1, 2, Some(16)).unwrap();
        let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2d, argon2::Version::V0x10, params);
        let hash = argon2::PasswordHasher::hash_password_with_salt(&argon2, b"pr0j3ctM4yh3m", b"somesaltsomesalt");
        PasswordHash(hash.unwrap().to_string())
    };
    let larger = hashed(32 * 1024);
    for (text, matches) in [("pr0j3ctM4yh3m", true), ("Pr0j3ctM4yh3m", false)] {
        assert_eq!(passwords().verify(&typed(text), &larger).unwrap(), matches, "{text:?}");
    }
    assert!(passwords().verify(&typed("pr0j3ctM4yh3m"), &hashed(65 * 1024)).is_err());
}

#[test]
fn what_is_no_hash_is_an_error_and_no_match() {
    let bare = "$argon2id$v=19$m=19456,t=2,p=1";
    for text in ["", "pr0j3ctM4yh3m", "$argon2id$", bare, "$scrypt$ln=1,r=1,p=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA"] {
        assert!(passwords().verify(&typed("pr0j3ctM4yh3m"), &PasswordHash(text.to_owned())).is_err(), "{text:?}");
    }
}
