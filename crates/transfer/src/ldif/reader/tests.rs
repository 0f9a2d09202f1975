use std::io::{BufRead, BufReader};
use std::path::Path;

use super::{Attribute, Item, Reader};
use crate::source::SourceError;

const WANTED: [&str; 3] = ["cn", "member", "description"];

fn read(text: impl AsRef<[u8]>) -> Result<Vec<Item>, SourceError> {
    read_from(text.as_ref())
}

fn read_from(input: impl BufRead) -> Result<Vec<Item>, SourceError> {
    let mut reader = Reader::new(input, Path::new("a.ldif"))?;
    let mut items = Vec::new();
    while let Some(item) = reader.item(&WANTED)? {
        items.push(item);
    }
    Ok(items)
}

fn refused(text: impl AsRef<[u8]>) -> String {
    read(text).expect_err("it is refused").to_string()
}

fn entry(dn: &str, line: u64) -> Item {
    Item::Entry(dn.to_owned(), line)
}

fn value(name: &'static str, value: &str, line: u64) -> Item {
    Item::Attribute(Attribute { name, is_partial: false, value: value.into(), line })
}

#[test]
fn folds_comments_and_base64_are_read() {
    let text = "version: 1\n\
        # a comment\n  that is folded\n\
        \n\n\
        dn: cn=a,\n dc=x\n\
        CN:a\n\
        # another\n\
        description:: w6Q\n =\n\
        cn;lang-de: b\n\
        member;range=0-1499: cn=b\n\
        sn: not wanted\n\
        cn:\n\
        \n\
        dn:: Y249w6Q=\n";
    let part = Attribute { name: "member", is_partial: true, value: "cn=b".into(), line: 13 };
    let items = [
        entry("cn=a,dc=x", 6),
        value("cn", "a", 8),
        value("description", "ä", 10),
        Item::Attribute(part),
        value("cn", "", 15),
        Item::End,
        entry("cn=ä", 17),
        Item::End,
    ];
    assert_eq!(read(text).expect("it is read"), items);
    for capacity in 1..20 {
        let bytes = text.replace('\n', "\r\n");
        let input = BufReader::with_capacity(capacity, bytes.as_bytes());
        assert_eq!(read_from(input).expect("it is read"), items, "{capacity}");
    }
    let same = read(format!("\u{feff}{}", text.replace('\n', "\r\n"))).expect("it is read");
    assert_eq!(same, items);
}

#[test]
fn what_ldapsearch_says_of_the_search_is_no_entry() {
    let text =
        "# extended LDIF\n\ndn: cn=a\ncn: a\n\n# search result\nsearch: 2\nresult: 0 Success\n\n# numEntries: 1\n";
    assert_eq!(read(text).expect("it is read"), [entry("cn=a", 3), value("cn", "a", 4), Item::End]);
}

#[test]
fn what_cannot_be_read_is_refused_with_its_line() {
    for (text, message) in [
        ("version: 2\n", "line 1: only version 1 of LDIF is read"),
        ("\ncn: a\n", "line 2: an entry begins with a line \"dn: …\""),
        ("dn: cn=a\nchangetype: modify\n", "line 2: the file has changes, not entries; write it with slapcat or"),
        ("dn: cn=a\ncontrol: 1.2.3 true\n", "line 2: the file has changes"),
        ("dn: cn=a\nphoto:< file:///etc/passwd\n", "line 2: the value of \"photo\" is in another file"),
        ("dn: cn=a\ncn:< file:///etc/passwd\n", "line 2: the value of \"cn\" is in another file"),
        ("dn: cn=a\ncn:\n < file:///etc/passwd\n", "line 2: the value of \"cn\" is in another file"),
        ("dn: cn=a\ncn:: ?\n", "line 2: the value is not base64"),
        ("dn:: /w==\n", "line 1: the dn is not in UTF-8"),
        ("dn: cn=a\ndn: cn=b\n", "line 2: there is no blank line"),
        ("dn: cn=a\n-\n", "line 2: a line has no colon"),
        (" dn: cn=a\n", "line 1: a line that begins with a space"),
    ] {
        let found = refused(text);
        assert!(found.starts_with(&format!("a.ldif, {message}")), "{text}: {found}");
    }
    assert!(refused(b"\xff\xfed\0n\0").ends_with("line 1: the file is in UTF-16; write it in UTF-8"));
}

#[test]
fn no_long_line_is_kept() {
    let long = "x".repeat(300 * 1024);
    assert!(
        refused(format!("dn: cn=a\ncn: {long}\n")).contains("line 2: the value of \"cn\" has more than 262144 bytes")
    );
    assert!(refused(format!("dn: cn=a\ncn: {}\n", long.replace("xxxxxxxx", "xxxxxxx\n "))).contains("has more than"));
    assert!(refused(format!("dn: {long}\n")).contains("has more than"));
    assert!(refused(&long).contains("line 1: a line has no colon"));
    let text = format!("dn: cn=a\n#{long}\njpegPhoto:: {long}\n {long}\ncn: a\n");
    assert_eq!(read(text).expect("it is read"), [entry("cn=a", 1), value("cn", "a", 5), Item::End]);
}
