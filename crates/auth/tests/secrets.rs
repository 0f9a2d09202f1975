//! Random secrets, and digests of secrets.

use std::collections::BTreeSet;

use guildhall_auth::{KeySet, RandomSecrets, SigningKey};
use guildhall_domain::ports::Secrets;

fn secrets() -> RandomSecrets {
    let keys = KeySet::from_secrets("a secret of thirty-two bytes....", []);
    RandomSecrets::keyed_by(&keys.unwrap_or_else(|error| panic!("{error}")))
}

#[test]
fn no_two_secrets_are_the_same() {
    let secrets: BTreeSet<_> = (0..1000).map(|_| secrets().random().unwrap()).collect();
    assert_eq!(secrets.len(), 1000);
}

#[test]
fn the_sha_256_of_a_secret_is_kept() {
    let expected = [
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03,
        0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
    ];
    assert_eq!(secrets().digest("abc").0, expected);
    assert_ne!(secrets().digest("abC"), secrets().digest("abc"));
}

#[test]
fn what_could_be_guessed_is_digested_under_the_key_that_signs() {
    let keys = |pem: &str| KeySet::from_pem(pem).unwrap();
    let (one, other) = (SigningKey::generate_pem().unwrap(), SigningKey::generate_pem().unwrap());
    let digest = |secrets: RandomSecrets, text: &str| secrets.keyed_digest(text);
    let keyed = digest(RandomSecrets::keyed_by(&keys(&one)), "192.0.2.1");
    assert_eq!(digest(RandomSecrets::keyed_by(&keys(&one)), "192.0.2.1"), keyed);
    assert_ne!(digest(RandomSecrets::keyed_by(&keys(&one)), "192.0.2.2"), keyed);
    assert_ne!(digest(RandomSecrets::keyed_by(&keys(&other)), "192.0.2.1"), keyed);
    assert_ne!(secrets().digest("192.0.2.1"), keyed);
    let shared = "0123456789abcdef0123456789abcdef";
    let by_secret = || RandomSecrets::keyed_by(&KeySet::from_secrets(shared, []).unwrap());
    assert_eq!(digest(by_secret(), "x"), digest(by_secret(), "x"));
}
