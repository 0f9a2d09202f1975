//! Reads LDIF (RFC 2849) attribute by attribute. No more than one value is kept at a time, and one that nobody wants not even then.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::notes::quoted;
use crate::source::SourceError;

/// The most bytes of a line that holds a value which is wanted, without its folds.
const LONGEST_LINE: usize = 256 * 1024;
/// The most bytes of a name of an attribute with its options.
const LONGEST_NAME: usize = 1024;
/// The attributes that are read in any case, because they say what the record is.
const STRUCTURE: [&str; 4] = ["dn", "version", "changetype", "control"];

/// What an entry is made of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// An entry begins: its distinguished name, and its line.
    Entry(String, u64),
    /// A value.
    Attribute(Attribute),
    /// The entry is complete.
    End,
}

/// A value of an attribute.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    /// The name, as it is wanted: in lower case, without options.
    pub(super) name: &'static str,
    /// Whether the entry tells a part of the values, as Active Directory does with many of them (`member;range=0-1499`).
    pub(super) is_partial: bool,
    /// The value.
    pub(super) value: Vec<u8>,
    /// The line.
    pub(super) line: u64,
}

/// A file.
pub(super) struct Reader<R = BufReader<File>> {
    input: R,
    path: PathBuf,
    /// How many lines were read.
    lines: u64,
    /// The number of the line at which `text` begins.
    line: u64,
    /// A line without its folds.
    text: Vec<u8>,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before, between or behind entries.
    Outside,
    /// In an entry.
    Entry,
    /// In a record that is no entry: what `ldapsearch` says of the search.
    Result,
}

/// A line without its folds.
enum Line {
    /// The end of the file.
    End,
    Blank,
    /// A comment, or a value that is not wanted.
    Skipped,
    /// The line is in `text`; its name ends before this index.
    Named(usize),
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self, SourceError> {
        let failed = |source| SourceError::File { path: path.to_owned(), source };
        Self::new(BufReader::with_capacity(64 * 1024, File::open(path).map_err(failed)?), path)
    }
}

impl<R: BufRead> Reader<R> {
    pub(super) fn new(input: R, path: &Path) -> Result<Self, SourceError> {
        let path = path.to_owned();
        let mut reader = Self { input, path, lines: 0, line: 1, text: Vec::new(), place: Place::Outside };
        let begin = fill(&mut reader.input, &reader.path)?;
        let is_utf16 = begin.starts_with(b"\xff\xfe") || begin.starts_with(b"\xfe\xff");
        let has_mark = begin.starts_with("\u{feff}".as_bytes());
        if is_utf16 {
            return Err(reader.fault("the file is in UTF-16; write it in UTF-8"));
        }
        if has_mark {
            reader.input.consume('\u{feff}'.len_utf8());
        }
        Ok(reader)
    }

    /// The next item. Of attributes, only those that are `wanted` are given; names are in lower case.
    pub(super) fn item(&mut self, wanted: &[&'static str]) -> Result<Option<Item>, SourceError> {
        loop {
            let line = self.next_line(wanted)?;
            match (line, self.place) {
                (Line::End | Line::Blank, Place::Entry) => {
                    self.place = Place::Outside;
                    return Ok(Some(Item::End));
                }
                (Line::End, _) => return Ok(None),
                (Line::Blank, _) => self.place = Place::Outside,
                (Line::Skipped, _) | (Line::Named(_), Place::Result) => {}
                (Line::Named(colon), Place::Outside) => {
                    if let Some(entry) = self.begin(colon)? {
                        return Ok(Some(entry));
                    }
                }
                (Line::Named(colon), Place::Entry) => {
                    if let Some(attribute) = self.attribute(colon, wanted)? {
                        return Ok(Some(Item::Attribute(attribute)));
                    }
                }
            }
        }
    }

    /// What a record begins with.
    fn begin(&mut self, colon: usize) -> Result<Option<Item>, SourceError> {
        match self.name(colon).as_str() {
            "dn" => {
                let dn = String::from_utf8(self.value(colon)?).map_err(|_| self.fault("the dn is not in UTF-8"))?;
                self.place = Place::Entry;
                Ok(Some(Item::Entry(dn, self.line)))
            }
            "version" if self.value(colon)? == b"1" => Ok(None),
            "version" => Err(self.fault("only version 1 of LDIF is read")),
            "search" | "result" => {
                self.place = Place::Result;
                Ok(None)
            }
            _ => Err(self.fault("an entry begins with a line \"dn: …\"")),
        }
    }

    fn attribute(&self, colon: usize, wanted: &[&'static str]) -> Result<Option<Attribute>, SourceError> {
        let name = self.name(colon);
        match name.as_str() {
            "dn" => return Err(self.fault("there is no blank line between two entries")),
            "changetype" | "control" => {
                return Err(self.fault("the file has changes, not entries; write it with slapcat or ldapsearch -LLL"));
            }
            _ => {}
        }
        let Some((name, is_partial)) = find(&name, wanted) else { return Ok(None) };
        Ok(Some(Attribute { name, is_partial, value: self.value(colon)?, line: self.line }))
    }

    fn name(&self, colon: usize) -> String {
        String::from_utf8_lossy(self.text.get(..colon).unwrap_or_default()).to_ascii_lowercase()
    }

    fn value(&self, colon: usize) -> Result<Vec<u8>, SourceError> {
        let rest = self.text.get(colon + 1..).unwrap_or_default();
        match rest.strip_prefix(b":") {
            None => Ok(rest.iter().skip_while(|byte| **byte == b' ').copied().collect()),
            Some(encoded) => STANDARD.decode(encoded.trim_ascii()).map_err(|_| self.fault("the value is not base64")),
        }
    }

    /// Reads a line with its folds. What is not wanted is read without being kept.
    fn next_line(&mut self, wanted: &[&'static str]) -> Result<Line, SourceError> {
        self.text.clear();
        self.line = self.lines + 1;
        let mut is_skipped = false;
        let mut colon = None;
        let (mut is_at_end, mut is_unfolded) = (true, true);
        loop {
            let buffer = fill(&mut self.input, &self.path)?;
            if buffer.is_empty() {
                break;
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let part = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
            let length = part.len() + usize::from(end.is_some());
            if !is_skipped {
                self.text.extend_from_slice(part);
            }
            self.input.consume(length);
            if end.is_some() {
                self.lines += 1;
                self.text.pop_if(|last| *last == b'\r');
                if is_unfolded && !is_skipped && self.text.is_empty() {
                    return Ok(Line::Blank);
                }
                is_unfolded = false;
            }
            is_at_end = false;
            if !is_skipped {
                colon = colon.or_else(|| self.text.iter().position(|byte| *byte == b':'));
                is_skipped = self.is_skipped(colon, wanted)?;
            }
            if is_skipped {
                self.text.clear();
            }
            if end.is_some() && !self.is_folded()? {
                break;
            }
        }
        match colon {
            _ if is_at_end => Ok(Line::End),
            _ if is_skipped => Ok(Line::Skipped),
            Some(colon) => Ok(Line::Named(colon)),
            None => Err(self.fault("a line has no colon")),
        }
    }

    /// Whether the line of which `text` is the beginning is not wanted.
    fn is_skipped(&self, colon: Option<usize>, wanted: &[&'static str]) -> Result<bool, SourceError> {
        match self.text.first() {
            Some(b'#') => return Ok(true),
            Some(b' ') => return Err(self.fault("a line that begins with a space continues no other line")),
            _ => {}
        }
        let Some(colon) = colon else {
            return if self.text.len() > LONGEST_NAME { Err(self.fault("a line has no colon")) } else { Ok(false) };
        };
        let name = self.name(colon);
        match self.text.get(colon + 1) {
            Some(b'<') => {
                Err(self.fault(format!("the value of {} is in another file, which is not read", quoted(&name))))
            }
            _ if self.place == Place::Result => Ok(true),
            Some(_)
                if self.place == Place::Entry
                    && !STRUCTURE.contains(&name.as_str())
                    && find(&name, wanted).is_none() =>
            {
                Ok(true)
            }
            _ if self.text.len() > LONGEST_LINE => {
                Err(self.fault(format!("the value of {} has more than {LONGEST_LINE} bytes", quoted(&name))))
            }
            _ => Ok(false),
        }
    }

    /// Whether the next line continues this one. If so, the space that says it is consumed.
    fn is_folded(&mut self) -> Result<bool, SourceError> {
        let is_folded = fill(&mut self.input, &self.path)?.first() == Some(&b' ');
        if is_folded {
            self.input.consume(1);
        }
        Ok(is_folded)
    }

    fn fault(&self, message: impl Into<String>) -> SourceError {
        SourceError::Format { path: self.path.clone(), line: self.line, message: message.into() }
    }
}

/// What is there of the file and not yet consumed; nothing at its end.
fn fill<'r, R: BufRead>(input: &'r mut R, path: &Path) -> Result<&'r [u8], SourceError> {
    let failed = |source| SourceError::File { path: path.to_owned(), source };
    while let Err(error) = input.fill_buf() {
        if error.kind() != ErrorKind::Interrupted {
            return Err(failed(error));
        }
    }
    // What is in the buffer is given once more without being read.
    input.fill_buf().map_err(failed)
}

/// The attribute that a name with options means, and whether it tells a part of the values. Values in a certain language or form are
/// others than those without options.
fn find(name: &str, wanted: &[&'static str]) -> Option<(&'static str, bool)> {
    let (name, options) = name.split_once(';').map_or((name, None), |(name, options)| (name, Some(options)));
    let is_partial = match options {
        None => false,
        Some(options) if options.starts_with("range=") && !options.contains(';') => true,
        Some(_) => return None,
    };
    wanted.iter().find(|wanted| **wanted == name).map(|wanted| (*wanted, is_partial))
}

#[cfg(test)]
mod tests;
