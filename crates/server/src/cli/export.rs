//! Writes what the directory keeps to files.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use guildhall_domain::directory::Directory;
use guildhall_transfer::{Exported, Format, export};
use serde_json::json;

use super::printing::{Output, print_one};
use crate::system::operator;

#[derive(Args, Debug)]
pub(crate) struct ExportCommand {
    /// The folder, which is made if it is not there. Files that are there are left alone.
    folder: PathBuf,
    /// How rows are written.
    #[arg(long, value_enum, default_value_t)]
    format: FileFormat,
    /// How the numbers of rows are printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum FileFormat {
    /// With a header, for spreadsheets: what they would compute is neutralised.
    #[default]
    Csv,
    /// A JSON object on each line.
    Ndjson,
}

impl ExportCommand {
    pub(crate) fn run(&self, directory: &Directory) -> Result<()> {
        let format = match self.format {
            FileFormat::Csv => Format::Csv,
            FileFormat::Ndjson => Format::Ndjson,
        };
        let Exported { users, groups, edges, memberships, managers } =
            export(directory, &operator, &self.folder, format)?;
        let counts = json!({ "users": users, "groups": groups, "edges": edges, "memberships": memberships, "managers": managers });
        print_one(self.output, &counts)
    }
}
