//! Secrets, and what is kept of them.

use std::collections::BTreeSet;

use guildhall_auth::RandomSecrets;
use guildhall_domain::ports::Secrets;

#[test]
fn no_two_secrets_are_the_same() {
    let secrets: BTreeSet<_> = (0..1000).map(|_| RandomSecrets.random().unwrap()).collect();
    assert_eq!(secrets.len(), 1000);
}

#[test]
fn the_sha_256_of_a_secret_is_kept() {
    let expected = [
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03,
        0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
    ];
    assert_eq!(RandomSecrets.digest("abc").0, expected);
    assert_ne!(RandomSecrets.digest("abC"), RandomSecrets.digest("abc"));
}
