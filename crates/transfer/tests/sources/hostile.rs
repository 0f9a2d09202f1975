//! Files that somebody made to do harm, or that were damaged on the way.

use std::path::PathBuf;

use super::common::{accept, all, data, file};
use guildhall_transfer::{Authentik, Keycloak, Ldif, RecordKind, Source};
use proptest::prelude::*;

/// Reads everything with every source. That it ends without a panic is all that is expected.
fn read(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("there is a folder");
    let files: Vec<PathBuf> = vec![file(folder.path(), "a", bytes)];
    let sources: [&mut dyn Source; 3] = [
        &mut Ldif::new(files.clone(), &accept),
        &mut Keycloak::new(files.clone(), &accept),
        &mut Authentik::new(files),
    ];
    for source in sources {
        for kind in RecordKind::ALL {
            // An error is one of the right answers.
            drop(all(source, kind));
        }
        drop(source.warnings());
    }
}

/// A file of each format.
fn valid() -> impl Strategy<Value = Vec<u8>> {
    const NAMES: [&str; 6] = [
        "slapcat.ldif",
        "lldap.ldif",
        "keycloak-realm.json",
        "keycloak-users-0.json",
        "authentik-users.json",
        "authentik-groups.json",
    ];
    prop::sample::select(&NAMES[..]).prop_map(|name| std::fs::read(data(name)).expect("the file is there"))
}

/// Pieces of which files are made.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&[u8]] = &[
        b"dn: ",
        b"dn:: ",
        b"uid=a,dc=x",
        b"\n",
        b"\r\n",
        b"\n ",
        b"\n\n",
        b"objectClass: inetOrgPerson\n",
        b"objectClass: groupOfNames\n",
        b"member: ",
        b"uniqueMember: ",
        b"memberOf: ",
        b"memberUid: ",
        b"cn: a\n",
        b"#'01'B",
        b"\\",
        b"\\C3",
        b",",
        b"=",
        b"+",
        b"::",
        b":<",
        b"userPassword: {PBKDF2_SHA256}",
        b"createTimestamp: 2024",
        b"Z\n",
        b"objectGUID:: AAAA\n",
        b"\xff",
        "é".as_bytes(),
        b"#",
        b"{",
        b"}",
        b"[",
        b"]",
        b"\"users\":[",
        b"\"groups\":[",
        b"\"results\":[",
        b"\"realm\":",
        b"{\"name\":\"g\",\"subGroups\":[",
        b"null",
        b"1e9",
        b"\"",
        b"{\"username\":\"a\",\"groups\":[\"/g\"]}",
        b"{\"pk\":1,\"username\":\"a\"}",
        b"{\"pk\":\"a\",\"name\":\"g\",\"users\":[1]}",
    ];
    prop::collection::vec(prop::sample::select(PIECES), 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_break_a_source(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        read(&bytes);
    }

    #[test]
    fn no_pieces_of_a_file_break_a_source(bytes in pieces()) {
        read(&bytes);
    }

    #[test]
    fn no_damage_of_a_file_breaks_a_source(
        mut bytes in valid(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..20),
    ) {
        for (at, byte, how) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.remove(at)),
                _ => bytes.truncate(at.max(bytes.len() / 2)),
            }
        }
        read(&bytes);
    }
}
