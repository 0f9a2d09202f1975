//! JSON text of which no part is too large or too deep to be kept in memory.

use std::io::{Error, ErrorKind, Read, Result};

/// The most bytes of an element of a list, such as a user, or a group with all groups below it.
const LONGEST_ELEMENT: usize = 64 * 1024 * 1024;
/// The deepest nesting.
const DEEPEST: u32 = 256;

/// Passes a file on until it breaks a limit. That it is JSON is for others to find out.
pub(super) struct Limited<R> {
    input: R,
    line: u64,
    depth: u32,
    /// The depth of the elements' list: two, or three if the object is in a list itself.
    list: u32,
    has_begun: bool,
    is_text: bool,
    is_escaped: bool,
    /// Bytes of the element.
    length: usize,
}

impl<R> Limited<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: 1, depth: 0, list: 2, has_begun: false, is_text: false, is_escaped: false, length: 0 }
    }

    /// The number of the line up to which the file was passed on.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    fn look(&mut self, byte: u8) -> Result<()> {
        self.length += 1;
        self.line += u64::from(byte == b'\n');
        if self.is_text {
            let is_end = byte == b'"' && !self.is_escaped;
            self.is_escaped = byte == b'\\' && !self.is_escaped;
            self.is_text = !is_end;
        } else {
            match byte {
                b'"' => self.is_text = true,
                b'{' | b'[' => {
                    self.list += u32::from(byte == b'[' && !self.has_begun);
                    self.has_begun = true;
                    self.depth += 1;
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b',' if self.depth <= self.list => self.length = 0,
                _ => {}
            }
        }
        if self.depth > DEEPEST {
            return Err(Error::new(
                ErrorKind::InvalidData,
                format!("the JSON is nested more than {DEEPEST} levels deep"),
            ));
        }
        if self.length > LONGEST_ELEMENT {
            let message = format!("an element has more than {LONGEST_ELEMENT} bytes");
            return Err(Error::new(ErrorKind::InvalidData, message));
        }
        Ok(())
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let length = self.input.read(buffer)?;
        buffer.get(..length).unwrap_or_default().iter().try_for_each(|byte| self.look(*byte))?;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, copy, repeat, sink};

    use super::{LONGEST_ELEMENT, Limited};

    fn passed(input: impl Read) -> Result<u64, String> {
        copy(&mut Limited::new(input), &mut sink()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_element_is_bounded_but_not_a_file() {
        let part = u64::try_from(LONGEST_ELEMENT).expect("it fits") / 2;
        let two = |begin: &'static str| {
            begin.as_bytes().chain(repeat(b'1').take(part)).chain(&b","[..]).chain(repeat(b'2').take(part))
        };
        assert!(passed(two(r#"{"users":[{},"#)).is_ok());
        assert!(passed(two(r#"[{"users":[{},"#)).is_ok());
        assert!(passed(two(r#"{"users":[["#)).is_err_and(|message| message.contains("more than 67108864 bytes")));
        assert!(passed(two(r#"{"users":[""#)).is_err());
        assert!(passed(two(r#"{"users":["\""#)).is_err());
        assert!(passed(two(r#"{"users":["\\",""#)).is_err());
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = |depth: usize| passed("[".repeat(depth).as_bytes());
        assert_eq!(deep(256), Ok(256));
        assert_eq!(deep(257), Err("the JSON is nested more than 256 levels deep".to_owned()));
        assert_eq!(passed(format!("\"{}", "[".repeat(1000)).as_bytes()), Ok(1001));
    }
}
