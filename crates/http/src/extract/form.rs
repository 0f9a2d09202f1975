//! Names and values in the form `application/x-www-form-urlencoded`, of query strings and token requests.

use percent_encoding::percent_decode;

/// The names and the values of `text`; a value that is not UTF-8 is `None`.
///
/// Unlike the parser of the URL standard, this does not put U+FFFD in the place of bytes that are no UTF-8: to look for such a text, or
/// to compare it with a password, would be an answer to another question.
pub(crate) fn pairs(text: &[u8]) -> impl Iterator<Item = (Option<String>, Option<String>)> {
    text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = pair.split_at(end);
        (decode(name), decode(value.strip_prefix(b"=").unwrap_or(value)))
    })
}

fn decode(text: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).decode_utf8().ok().map(String::from)
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn what_is_not_utf8_is_told_apart() {
        let read = |text: &str| pairs(text.as_bytes()).collect::<Vec<_>>();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            read("&a=b+c%2B%C3%A9&&d&=e&f==%zz%"),
            [(some("a"), some("b c+é")), (some("d"), some("")), (some(""), some("e")), (some("f"), some("=%zz%")),]
        );
        assert_eq!(read("a=%E9&%FF=b"), [(some("a"), None), (None, some("b"))]);
    }
}
