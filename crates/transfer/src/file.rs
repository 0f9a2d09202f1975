//! A file that is written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serializer as _;
use serde::ser::SerializeMap as _;

use crate::cell::Cell;
use crate::tables::Table;

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180 in UTF-8: a header, lines that end with CRLF. What a spreadsheet would compute is [neutralised](crate::neutralised).
    #[default]
    Csv,
    /// A JSON object on each line.
    Ndjson,
}

impl Format {
    /// The ending of the names of files.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }
}

enum Rows {
    Csv(Box<csv::Writer<BufWriter<File>>>),
    Ndjson(BufWriter<File>),
}

/// A file that gets its name once it is complete.
pub(crate) struct TableFile {
    columns: &'static [&'static str],
    rows: Rows,
    path: PathBuf,
    part: PathBuf,
}

impl TableFile {
    /// Begins the file of a table in this folder, for its owner alone. A file that is there is left alone.
    pub(crate) fn create(folder: &Path, table: Table, format: Format) -> io::Result<Self> {
        let path = folder.join(format!("{}.{}", table.name, format.extension()));
        if path.try_exists()? {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the file exists"));
        }
        let part = path.with_extension(format!("{}.part", format.extension()));
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        let file = BufWriter::new(file);
        let rows = match format {
            Format::Ndjson => Rows::Ndjson(file),
            Format::Csv => {
                let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(file);
                writer.write_record(table.columns)?;
                Rows::Csv(Box::new(writer))
            }
        };
        Ok(Self { columns: table.columns, rows, path, part })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a row, whose cells are in the order of the columns.
    pub(crate) fn write(&mut self, cells: &[Cell]) -> io::Result<()> {
        match &mut self.rows {
            Rows::Csv(writer) => Ok(writer.write_record(cells.iter().map(|cell| cell.csv().into_owned()))?),
            Rows::Ndjson(file) => {
                let mut serializer = serde_json::Serializer::new(&mut *file);
                let mut object = serializer.serialize_map(Some(cells.len()))?;
                for (column, cell) in self.columns.iter().zip(cells) {
                    object.serialize_entry(column, cell)?;
                }
                object.end()?;
                file.write_all(b"\n")
            }
        }
    }

    /// Gives the file its name, once it is on the disk.
    pub(crate) fn finish(self) -> io::Result<()> {
        let file = match self.rows {
            Rows::Csv(writer) => writer.into_inner().map_err(|error| io::Error::from(error.error().kind()))?,
            Rows::Ndjson(file) => file,
        };
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::hard_link(&self.part, &self.path)?;
        fs::remove_file(&self.part)
    }
}
