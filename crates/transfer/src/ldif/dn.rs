//! Distinguished names (RFC 4514), as they are compared.

use std::borrow::Cow;

use guildhall_domain::name::TextKey;

/// The form in which distinguished names are compared: without case, without spaces around separators, and with one way to escape.
/// `None`: the text is none.
pub(super) fn normalized(dn: &str) -> Option<String> {
    let mut all = String::with_capacity(dn.len());
    for (index, relative) in split(dn, b',').enumerate() {
        let mut parts = split(relative, b'+').map(attribute).collect::<Option<Vec<_>>>()?;
        parts.sort_unstable();
        if index > 0 {
            all.push(',');
        }
        all.push_str(&parts.join("+"));
    }
    Some(all)
}

/// The name without the bit string that `uniqueMember` may have (`…#'0101'B`).
pub(super) fn without_bits(value: &str) -> &str {
    let is_bits = |bits: &str| bits.bytes().all(|byte| matches!(byte, b'0' | b'1'));
    let parts = value.strip_suffix("'B").and_then(|rest| rest.rsplit_once("#'"));
    parts.filter(|(_, bits)| is_bits(bits)).map_or(value, |(dn, _)| dn)
}

/// A text as it is compared without case.
fn folded(text: &str) -> Cow<'_, str> {
    match text {
        _ if !text.is_ascii() => Cow::Owned(TextKey::of(text).folded()),
        _ if text.bytes().any(|byte| byte.is_ascii_uppercase()) => Cow::Owned(text.to_ascii_lowercase()),
        _ => Cow::Borrowed(text),
    }
}

/// What stands between separators that are not escaped.
fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut is_escaped = false;
    text.split(move |character: char| {
        let is_separator = !is_escaped && character == char::from(separator);
        is_escaped = !is_escaped && character == '\\';
        is_separator
    })
}

fn attribute(part: &str) -> Option<String> {
    let (kind, value) = part.split_once('=')?;
    let kind = kind.trim().to_ascii_lowercase();
    let value = unescaped(value)?;
    let value = folded(&value);
    let mut normalized = String::with_capacity(part.len());
    normalized.push_str(&kind);
    normalized.push('=');
    for (index, word) in value.split(' ').filter(|word| !word.is_empty()).enumerate() {
        if index > 0 {
            normalized.push(' ');
        }
        for character in word.chars() {
            if matches!(character, '\\' | ',' | '+' | '=') {
                normalized.push('\\');
            }
            normalized.push(character);
        }
    }
    (!kind.is_empty()).then_some(normalized)
}

fn unescaped(value: &str) -> Option<Cow<'_, str>> {
    if !value.contains('\\') {
        return Some(Cow::Borrowed(value));
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let [escaped, behind @ ..] = rest else { return None };
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match (digit(*escaped), behind) {
            (Some(high), [low, behind @ ..]) => {
                bytes.push(high * 16 + digit(*low)?);
                rest = behind;
            }
            (Some(_), []) => return None,
            (None, _) => {
                bytes.push(*escaped);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::{normalized, without_bits};

    #[test]
    fn one_name_has_one_form() {
        for (first, second) in [
            ("UID=Alice,OU=People,DC=Example", "uid=alice,ou=people,dc=example"),
            ("uid = alice , ou=people", "uid=alice,ou=people"),
            ("cn=Smith\\, Bob,dc=x", "CN=smith\\2C bob,dc=x"),
            ("cn=J\\C3\\BCrgen,dc=x", "cn=JÜRGEN,dc=x"),
            ("cn=a+sn=b,dc=x", "sn=B + cn=A,dc=x"),
            ("cn=a  b,dc=x", "cn=\\ a b\\20,dc=x"),
            ("cn=a\\\\,dc=x", "cn=a\\5c,dc=x"),
            ("cn=Straße", "cn=STRASSE"),
        ] {
            assert_eq!(normalized(first), normalized(second), "{first}");
            assert!(normalized(first).is_some(), "{first}");
        }
    }

    #[test]
    fn different_names_stay_different() {
        for (first, second) in [
            ("cn=a\\,b,dc=x", "cn=a,b=,dc=x"),
            ("cn=a\\+sn\\=b", "cn=a+sn=b"),
            ("cn=a,dc=x", "uid=a,dc=x"),
            ("cn=ab", "cn=a b"),
            ("cn=a\\\\\\,b=c", "cn=a\\\\,b=c"),
        ] {
            assert_ne!(normalized(first), normalized(second), "{first}");
        }
    }

    #[test]
    fn what_is_no_name_has_no_form() {
        for text in ["alice", "cn=a,", "=a", "cn=a\\", "cn=a\\4", "cn=\\ff", "cn=a\\4z", ""] {
            assert_eq!(normalized(text), None, "{text}");
        }
    }

    #[test]
    fn a_bit_string_is_no_part_of_the_name() {
        assert_eq!(without_bits("cn=a,dc=x#'0101'B"), "cn=a,dc=x");
        assert_eq!(without_bits("cn=a,dc=x#''B"), "cn=a,dc=x");
        assert_eq!(without_bits("cn=a#'2'B"), "cn=a#'2'B");
        assert_eq!(without_bits("cn=a"), "cn=a");
    }
}
