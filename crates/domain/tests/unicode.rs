//! The keys of names beside Unicode's own data, and their version.

#![expect(clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

use std::fs;

use guildhall_domain::name::{KEY_VERSION, TextKey};

/// Where Debian's package `unicode-data` has it.
const PROPERTIES: &str = "/usr/share/unicode/DerivedNormalizationProps.txt";

/// The property `NFKC_Casefold` of the characters that have another one than themselves.
fn mappings(text: &str) -> Vec<(char, String)> {
    let scalar = |hex: &str| u32::from_str_radix(hex, 16).ok().and_then(char::from_u32);
    let mut mappings = Vec::new();
    for line in text.lines().filter_map(|line| line.split('#').next()) {
        let fields: Vec<&str> = line.split(';').map(str::trim).collect();
        let [range, "NFKC_CF", mapping] = fields[..] else { continue };
        let (first, last) = range.split_once("..").unwrap_or((range, range));
        let mapping: String = mapping.split_whitespace().filter_map(scalar).collect();
        let characters = scalar(first).expect("a character")..=scalar(last).expect("a character");
        mappings.extend(characters.map(|character| (character, mapping.clone())));
    }
    mappings
}

#[test]
fn every_character_folds_as_unicode_says() {
    let text = fs::read_to_string(PROPERTIES).expect("Unicode's data: `make tools` installs them");
    let mappings = mappings(&text);
    assert!(mappings.len() > 10_000, "{}", mappings.len());
    for (character, mapping) in &mappings {
        // The key is in Normalization Form C, and a mapping that starts with a mark may not be.
        let folded = TextKey::of(&character.to_string());
        assert_eq!(folded, TextKey::of(mapping), "U+{:04X}", u32::from(*character));
        assert_eq!(folded.folded(), *mapping, "U+{:04X}", u32::from(*character));
    }
    let mapped: std::collections::BTreeSet<char> = mappings.into_iter().map(|(character, _)| character).collect();
    let unassigned = unassigned();
    for character in ('\u{4}'..=char::MAX).filter(|character| !mapped.contains(character)) {
        let folded = TextKey::of(&character.to_string()).folded();
        if folded != character.to_string() {
            assert!(unassigned.contains(&character), "U+{:04X} is {folded:?}", u32::from(character));
        }
    }
}

/// The characters that the data do not assign. A newer version of Unicode may assign and map them.
fn unassigned() -> std::collections::BTreeSet<char> {
    let text = fs::read_to_string("/usr/share/unicode/UnicodeData.txt").expect("Unicode's data");
    let mut unassigned: std::collections::BTreeSet<char> = ('\0'..=char::MAX).collect();
    let mut first = None;
    for line in text.lines() {
        let mut fields = line.split(';');
        let (code, name) = (fields.next().expect("a code point"), fields.next().expect("a name"));
        let Some(character) = u32::from_str_radix(code, 16).ok().and_then(char::from_u32) else { continue };
        let begun: char = first.take().unwrap_or(character);
        if name.ends_with("First>") {
            first = Some(character);
        }
        for assigned in begun..=character {
            unassigned.remove(&assigned);
        }
    }
    unassigned
}

/// If this fails, the keys of some texts are others than before: raise `KEY_VERSION`, so that stores make theirs anew, and put the
/// new pair here.
#[test]
fn the_version_changes_with_the_keys() {
    let digest = ('\0'..=char::MAX).fold(0xcbf2_9ce4_8422_2325_u64, |digest, character| {
        let key = TextKey::of(&character.to_string());
        let with_end = key.as_str().bytes().chain([0xff]);
        with_end.fold(digest, |digest, byte| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    });
    assert_eq!((KEY_VERSION, digest), (2, 12_212_844_398_425_292_556));
}
