//! Files that are read: CSV with a header in any order, and a JSON object on each line.

use std::cell::Cell as Counter;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde_json::value::RawValue;

use crate::file::Format;
use crate::row::{Row, Value};
use crate::source::SourceError;
use crate::tables::Table;

/// The most bytes of a record: how much memory a file can take is bounded.
const MOST_BYTES: u64 = 1024 * 1024;

/// The most unknown columns of a file that are told.
const MOST_UNKNOWN: usize = 20;

/// Is called with the line of each row, and the row or what is wrong with it.
type EachRow<'e> = &'e mut dyn FnMut(u64, Result<Row, String>) -> ControlFlow<()>;

fn failed(path: &Path) -> impl Fn(io::Error) -> SourceError + '_ {
    |source| SourceError::File { path: path.to_owned(), source }
}

/// Refuses to read a record that is too long.
struct Bounded<R> {
    inner: R,
    /// How many bytes were read since the record before.
    read: Rc<Counter<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read.get() > MOST_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a record has more than 1 MiB"));
        }
        let count = self.inner.read(buffer)?;
        self.read.set(self.read.get() + count as u64);
        Ok(count)
    }
}

/// Calls `each` with the rows of a file until it breaks. The first columns that the table does not have are added to `unknown`.
pub(crate) fn read(
    path: &Path,
    format: Format,
    table: Table,
    unknown: &mut Vec<String>,
    each: EachRow<'_>,
) -> Result<(), SourceError> {
    let file = File::open(path).map_err(failed(path))?;
    match format {
        Format::Csv => read_csv(path, file, table, unknown, each),
        Format::Ndjson => read_lines(path, file, table, unknown, each),
    }
}

fn read_csv(
    path: &Path,
    file: File,
    table: Table,
    unknown: &mut Vec<String>,
    each: EachRow<'_>,
) -> Result<(), SourceError> {
    let counted = Rc::new(Counter::new(0));
    let bounded = Bounded { inner: BufReader::new(file), read: Rc::clone(&counted) };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bounded);
    let mut record = csv::ByteRecord::new();
    let mut columns = Vec::new();
    let mut is_header = true;
    // Where lines end with CR and LF, the reader tells the line before that of a record.
    let mut offset = None;
    loop {
        counted.set(0);
        if !reader.read_byte_record(&mut record).map_err(|error| failed(path)(error.into()))? {
            break;
        }
        let line = record.position().map_or(1, csv::Position::line);
        if is_header {
            is_header = false;
            let names = record.iter().enumerate().map(|(index, cell)| header(index, cell));
            columns = names.map(|name| known(table, &name, unknown)).collect();
            check_columns(path, table, &columns)?;
            continue;
        }
        let line = line + *offset.get_or_insert(u64::from(line == 1));
        let row = if record.len() == columns.len() {
            let cells = columns.iter().zip(record.iter()).filter_map(|(column, cell)| Some(((*column)?, cell)));
            cells.map(|(column, cell)| Ok((column, csv_value(column, cell)?))).collect::<Result<_, String>>().map(Row)
        } else {
            Err(format!("the row has {} cells, and the header has {}", record.len(), columns.len()))
        };
        if each(line, row).is_break() {
            break;
        }
    }
    Ok(())
}

/// The name of a column. Programs of Windows begin a file with a byte order mark.
fn header(index: usize, cell: &[u8]) -> String {
    let text = String::from_utf8_lossy(cell);
    let text = if index == 0 { text.trim_start_matches('\u{feff}') } else { &text };
    text.trim().to_owned()
}

/// The column of the table that a file calls so, in whatever case.
fn known(table: Table, name: &str, unknown: &mut Vec<String>) -> Option<&'static str> {
    let found = table.columns.iter().find(|column| column.eq_ignore_ascii_case(name)).copied();
    if found.is_none() && unknown.len() < MOST_UNKNOWN && !unknown.iter().any(|known| known == name) {
        unknown.push(name.to_owned());
    }
    found
}

/// Refuses a header that names a column twice, or none by which a record is found.
fn check_columns(path: &Path, table: Table, columns: &[Option<&'static str>]) -> Result<(), SourceError> {
    let format = |message: String| SourceError::Format { path: path.to_owned(), line: 1, message };
    let told: Vec<&str> = columns.iter().copied().flatten().collect();
    if let Some(twice) = told.iter().enumerate().find(|(index, column)| told[..*index].contains(column)) {
        return Err(format(format!("the column '{}' is there twice", twice.1)));
    }
    match table.keys.iter().find(|of| !of.iter().any(|column| told.contains(column))) {
        Some(of) => Err(format(format!("there is none of the columns {}", of.join(", ")))),
        None => Ok(()),
    }
}

fn csv_value(column: &str, cell: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(cell).map_err(|_| format!("the column '{column}' is not UTF-8"))?;
    Ok(if text.is_empty() { Value::None } else { Value::Text(crate::formula::original(text).to_owned()) })
}

fn read_lines(
    path: &Path,
    file: File,
    table: Table,
    unknown: &mut Vec<String>,
    each: EachRow<'_>,
) -> Result<(), SourceError> {
    let mut file = BufReader::new(file);
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        if (&mut file).take(MOST_BYTES + 1).read_until(b'\n', &mut text).map_err(failed(path))? == 0 {
            break;
        }
        if text.len() as u64 > MOST_BYTES {
            let message = "the line has more than 1 MiB".to_owned();
            return Err(SourceError::Format { path: path.to_owned(), line, message });
        }
        let without_mark = text.strip_prefix(b"\xef\xbb\xbf").filter(|_| line == 1).unwrap_or(&text);
        if without_mark.trim_ascii().is_empty() {
            continue;
        }
        let object: Result<HashMap<String, Box<RawValue>>, _> = serde_json::from_slice(without_mark);
        let row = object.map_err(|error| format!("the line is no JSON object: {error}")).map(|object| {
            let cells = object.into_iter();
            Row(cells
                .filter_map(|(name, value)| Some((known(table, &name, unknown)?, Value::of_json(value))))
                .collect())
        });
        if each(line, row).is_break() {
            break;
        }
    }
    Ok(())
}

/// The format of a file, by its ending.
pub(crate) fn format_of(path: &Path) -> Option<Format> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    [Format::Csv, Format::Ndjson].into_iter().find(|format| format.extension() == extension)
}

/// The files of a folder whose ending tells a format, by name.
pub(crate) fn files_of(folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let mut files = Vec::new();
    for entry in folder.read_dir().map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        if path.is_file() && format_of(&path).is_some() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
