//! Copies a database to one of the other kind.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use clap::Args;
use guildhall_persistence::{Database, copy};
use serde_json::{Value, json};

use super::printing::{Output, print_one};
use crate::application;
use crate::settings::Settings;

#[derive(Args, Debug)]
pub(crate) struct CopyCommand {
    /// The URL of the database that is copied, which may serve meanwhile. A password belongs into PGPASSWORD or ~/.pgpass: everybody on the machine can read a command line.
    #[arg(long, value_name = "URL")]
    from: String,
    /// The URL of a database of the other kind that holds nothing yet.
    #[arg(long, value_name = "URL")]
    to: String,
    /// How the numbers of rows are printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl CopyCommand {
    pub(crate) fn run(&self, settings: &Settings) -> Result<()> {
        let at = |url: &String| {
            let mut settings = application::bulk_database(settings);
            settings.url.clone_from(url);
            settings
        };
        let from = Database::connect_existing(&at(&self.from)).context("--from")?;
        let to = Database::connect(&at(&self.to)).context("--to")?;
        to.migrate().context("--to")?;
        let copied = copy(&from, &to)?;
        to.gather_statistics().context("everything was copied, but PostgreSQL cannot count it")?;
        let rows: Value = copied.into_iter().map(|(table, rows)| (table.to_owned(), json!(rows))).collect();
        print_one(self.output, &rows)?;
        Ok(writeln!(io::stderr(), "The files of signing keys are not in the database, and belong to both.")?)
    }
}
