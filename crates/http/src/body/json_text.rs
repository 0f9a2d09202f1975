//! The text of JSON that a client sends: its encoding, its nesting, and what is said when it is not what is wanted (RFC 8259).

use serde_json::error::Category;

use crate::respond::problem::Problem;

/// The deepest nesting of arrays and objects: what common parsers read. The deepest search takes about 105 levels.
pub(crate) const MAX_NESTING: usize = 128;

/// The message for `\ud800` to `\udfff` where the other half does not stand beside it.
pub(crate) const HALF_PAIR: &str =
    "The value has half of a surrogate pair in it, such as \\ud800 alone, which is no character";

/// A body as text, which must be UTF-8. A byte order mark is skipped.
pub(crate) fn utf8(body: &[u8]) -> Result<&str, Problem> {
    if body.starts_with(&[0xff, 0xfe]) || body.starts_with(&[0xfe, 0xff]) {
        return Err(Problem::bad_request("The body is UTF-16, and must be UTF-8"));
    }
    let text = std::str::from_utf8(body)
        .map_err(|error| Problem::bad_request(format!("The body is not UTF-8 after {} bytes", error.valid_up_to())))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Fails if arrays and objects are nested too deep. `what` is the subject of the message. Parsers that recurse come after this.
pub(crate) fn check_nesting(what: &str, json: &str) -> Result<(), Problem> {
    let (mut depth, mut is_in_string, mut is_escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_in_string => is_escaped = true,
            b'"' => is_in_string = !is_in_string,
            b'{' | b'[' if !is_in_string => depth += 1,
            b'}' | b']' if !is_in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_NESTING {
            return Err(Problem::bad_request(format!("{what} is nested deeper than {MAX_NESTING} levels")));
        }
    }
    Ok(())
}

/// 400 for a body that is not the JSON that is `wanted`, such as `object`.
pub(crate) fn is_not(wanted: &str, body: &str, error: &serde_json::Error) -> Problem {
    Problem::bad_request(format!("The body is not a JSON {wanted}: {}", reason(body, error)))
}

/// Why `text` could not be read.
pub(crate) fn reason(text: &str, error: &serde_json::Error) -> String {
    let start = text.trim_start_matches([' ', '\t', '\r', '\n']);
    match error.classify() {
        _ if start.is_empty() => "it is empty".to_owned(),
        Category::Data => format!("it is {}", kind(start)),
        Category::Eof => format!("it ends too early, at line {} column {}", error.line(), error.column()),
        Category::Syntax | Category::Io => error.to_string(),
    }
}

fn kind(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_NESTING, check_nesting, utf8};

    #[test]
    fn only_brackets_outside_of_strings_nest() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for json in [
            nested(MAX_NESTING),
            format!("[{}]", vec![nested(MAX_NESTING - 1); 3].join(",")),
            format!("\"{}\"", "[".repeat(500)),
            format!(r#""\"{}\\""#, "{".repeat(500)),
            "]]]]".to_owned(),
        ] {
            assert!(check_nesting("It", &json).is_ok(), "{json}");
        }
        for json in [nested(MAX_NESTING + 1), format!(r#"["\\",{}"#, "{\"a\":".repeat(MAX_NESTING))] {
            let message = check_nesting("It", &json).unwrap_err().to_string();
            assert_eq!(message, "It is nested deeper than 128 levels");
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(utf8(b"\xef\xbb\xbf{}").unwrap(), "{}");
        for (body, message) in [
            (b"\xff\xfe{\0}\0".as_slice(), "The body is UTF-16, and must be UTF-8"),
            (b"\xfe\xff\0{\0}", "The body is UTF-16, and must be UTF-8"),
            (b"{\"a\":\"\xe9\"}", "The body is not UTF-8 after 6 bytes"),
        ] {
            assert_eq!(utf8(body).unwrap_err().to_string(), message);
        }
    }
}
