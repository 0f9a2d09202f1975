//! Files that commands read.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// A line that says something.
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: usize,
    pub(super) text: String,
}

/// No line that names a user is longer, in bytes.
const LONGEST: usize = 4096;

/// A file, or standard input for `-`.
pub(super) fn open(file: &Path) -> Result<Box<dyn BufRead>> {
    if file == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let opened = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    Ok(Box::new(BufReader::new(opened)))
}

/// The lines of a file, without the spaces around them, but for empty ones.
pub(super) fn lines(file: &Path) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (index, line) in open(file)?.lines().enumerate() {
        let number = index + 1;
        let line = line.with_context(|| format!("{}:{number}", file.display()))?;
        let text = line.trim_start_matches('\u{feff}').trim();
        if text.len() > LONGEST {
            bail!("{}:{number}: the line is longer than {LONGEST} bytes", file.display());
        }
        if !text.is_empty() {
            lines.push(Line { number, text: text.to_owned() });
        }
    }
    Ok(lines)
}
