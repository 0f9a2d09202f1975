//! A file of what was not imported.

use std::fs::File;
use std::io;
use std::path::Path;

use guildhall_domain::validation::InvalidField;

use crate::formula::neutralised;

/// A CSV file with a line for each fault: the file, the line, the column and the reason. A reason that is about the whole line has no column.
pub struct Rejects(csv::Writer<File>);

impl Rejects {
    /// Begins the file, in the place of one that is there.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_path(path)?;
        writer.write_record(["file", "line", "column", "reason"])?;
        Ok(Self(writer))
    }

    /// Adds a fault of a line.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn add(&mut self, file: &Path, line: u64, fault: &InvalidField) -> io::Result<()> {
        let (file, column) = (file.display().to_string(), &fault.field);
        let column = if column.is_empty() { column.into() } else { neutralised(column) };
        Ok(self.0.write_record([&*neutralised(&file), &line.to_string(), &*column, &*neutralised(&fault.message)])?)
    }

    /// Writes everything to the disk.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn finish(self) -> io::Result<()> {
        self.0.into_inner().map_err(|error| io::Error::from(error.error().kind()))?.sync_all()
    }
}
