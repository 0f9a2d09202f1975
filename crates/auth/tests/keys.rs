//! Which keys sign tokens, and how a generated key is stored.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect, in its helpers too")]

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Arc, Barrier};
use std::thread;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use guildhall_auth::{JwtTokens, KeyError, KeyFile, KeyFileError, KeySet, SigningKey, TokenSettings};
use guildhall_domain::access::{Caller, Scopes};
use guildhall_domain::ports::{Bearer, Clock, Tokens};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{SecurityStamp, UserId};
use serde_json::Value;
use uuid::Uuid;

struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(0)
    }
}

fn pem_of(tag: &str, der: &[u8]) -> String {
    pem::encode(&pem::Pem::new(tag, der))
}

fn tokens(keys: KeySet) -> JwtTokens {
    let settings = TokenSettings { issuer: "issuer".to_owned(), audience: "audience".to_owned(), lifetime: 3600 };
    JwtTokens::new(settings, keys, Arc::new(Epoch))
}

fn ids(file: &KeyFile) -> Vec<String> {
    file.key_set().ids().map(str::to_owned).collect()
}

fn rsa_pem() -> String {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    pem_of("PRIVATE KEY", der.as_ref())
}

fn p256_pem() -> String {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    pem_of("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref())
}

#[test]
fn each_kind_of_key_signs_with_its_own_algorithm_and_reads_what_it_signed() {
    let version_2 = Ed25519KeyPair::generate().unwrap().to_pkcs8().unwrap();
    for (keys, algorithm) in [
        (KeySet::from_pem(&SigningKey::generate_pem().unwrap()), "EdDSA"),
        (KeySet::from_pem(&pem_of("PRIVATE KEY", version_2.as_ref())), "EdDSA"),
        (KeySet::from_pem(&p256_pem()), "ES256"),
        (KeySet::from_pem(&rsa_pem()), "RS256"),
        (KeySet::from_secrets(&"s".repeat(32), []), "HS256"),
    ] {
        let keys = keys.unwrap();
        let id = keys.ids().next().unwrap().to_owned();
        let tokens = tokens(keys);
        let caller = Caller { user: UserId(Uuid::nil()), stamp: SecurityStamp(Uuid::max()), scopes: Scopes::all() };
        let token = tokens.issue(&caller, None).unwrap().value;
        assert_eq!(tokens.verify(&token).unwrap(), Bearer::Caller(caller));
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!((&header["alg"], &header["kid"], &header["typ"]), (&algorithm.into(), &id.into(), &"JWT".into()));
    }
}

#[test]
fn a_key_has_the_same_id_every_time_and_no_two_keys_share_one() {
    let secrets = ["a".repeat(32), "a".repeat(33), "b".repeat(32)];
    let pems = [SigningKey::generate_pem().unwrap(), SigningKey::generate_pem().unwrap(), p256_pem(), rsa_pem()];
    let ids = || {
        let of_secrets = secrets.iter().map(|secret| KeySet::from_secrets(secret, []));
        let of_pems = pems.iter().map(|text| KeySet::from_pem(text));
        let id = |keys: Result<KeySet, KeyError>| keys.unwrap().ids().next().unwrap().to_owned();
        of_secrets.chain(of_pems).map(id).collect::<BTreeSet<_>>()
    };
    assert_eq!(ids(), ids());
    assert_eq!(ids().len(), 7);
}

#[test]
fn what_is_no_key_to_sign_with_is_refused_and_never_repeated() {
    let not_pkcs8 = |tag: &str| KeyError::NotPkcs8(tag.to_owned());
    let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap().to_pkcs8v1().unwrap();
    for (text, expected) in [
        (String::new(), KeyError::NotPem),
        ("s3cr3t".to_owned(), KeyError::NotPem),
        ("-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----".to_owned(), KeyError::NotPem),
        (pem_of("PRIVATE KEY", b"s3cr3t"), KeyError::Unsupported),
        (pem_of("PRIVATE KEY", p384.as_ref()), KeyError::Unsupported),
        (pem_of("PUBLIC KEY", b"s3cr3t"), not_pkcs8("PUBLIC KEY")),
        (pem_of("ENCRYPTED PRIVATE KEY", b"s3cr3t"), not_pkcs8("ENCRYPTED PRIVATE KEY")),
        (pem_of("RSA PRIVATE KEY", b"s3cr3t"), not_pkcs8("RSA PRIVATE KEY")),
    ] {
        assert_eq!(SigningKey::from_pem(&text).unwrap_err(), expected, "{text}");
    }
    assert_eq!(KeySet::from_secrets(&"s".repeat(31), []).unwrap_err(), KeyError::SecretTooShort(31));
    let shown = format!("{:?}", KeySet::from_secrets("very very very very secret secret", []).unwrap());
    assert!(!shown.contains("secret secret") && !shown.contains("118, 101"), "{shown}");
}

#[test]
fn an_rsa_key_of_1024_bits_is_too_short() {
    assert_eq!(SigningKey::from_pem(include_str!("rsa_1024.pem")).unwrap_err(), KeyError::Unsupported);
}

#[test]
fn the_generated_key_is_kept_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("guildhall.key.pem");
    assert!(matches!(KeyFile::load(&path), Err(KeyFileError::Read { .. })));
    let generated = KeyFile::load_or_generate(&path).unwrap();
    let key = ids(&generated);
    let (again, loaded) = (KeyFile::load_or_generate(&path).unwrap(), KeyFile::load(&path).unwrap());
    assert_eq!([ids(&again), ids(&loaded)], [key.clone(), key.clone()]);
    assert_eq!([&generated, &again, &loaded].map(KeyFile::is_new), [true, false, false]);
    assert!(matches!(KeyFile::generate(&path), Err(KeyFileError::Exists { path: named }) if named == path));
    assert_eq!(ids(&KeyFile::load(&path).unwrap()), key);
    assert_eq!(key.len(), 1);
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["guildhall.key.pem"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_file_that_holds_no_key_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("guildhall.key.pem");
    fs::write(&path, "").unwrap();
    assert!(matches!(KeyFile::load_or_generate(&path), Err(KeyFileError::Content { source: KeyError::NotPem, .. })));
    assert!(matches!(KeyFile::generate(&path), Err(KeyFileError::Exists { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), "");
    let nowhere = folder.path().join("missing").join("guildhall.key.pem");
    assert!(matches!(KeyFile::load_or_generate(&nowhere), Err(KeyFileError::Write { .. })));
    assert!(matches!(KeyFile::generate(&nowhere), Err(KeyFileError::Write { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn all_who_start_at_the_same_time_get_the_same_key() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guildhall.key.pem");
        let together = Barrier::new(8);
        let files: Vec<(Vec<String>, bool)> = thread::scope(|scope| {
            let start = || {
                together.wait();
                let file = KeyFile::load_or_generate(&path).unwrap();
                (ids(&file), file.is_new())
            };
            let starting: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            starting.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(files.iter().filter(|(_, is_new)| *is_new).count(), 1, "one process created the file");
        assert_eq!(files.into_iter().map(|(ids, _)| ids).collect::<BTreeSet<_>>().len(), 1);
    }
}
