//! Copies of a SQLite database.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use guildhall_persistence::{Database, restore};

use crate::application;
use crate::settings::Settings;

#[derive(Args, Debug)]
pub(crate) struct BackupCommand {
    /// The file to write, which must not be there yet.
    file: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct RestoreCommand {
    /// A file that `guildhall backup` wrote.
    file: PathBuf,
}

impl BackupCommand {
    pub(crate) fn run(&self, settings: &Settings) -> Result<()> {
        let database = Database::connect_existing(&application::database(settings)).context("database.url")?;
        let path = self.file.display();
        let bytes = database.back_up(&self.file).with_context(|| format!("cannot write a backup to {path}"))?;
        Ok(writeln!(io::stdout(), "wrote {bytes} bytes to {path}")?)
    }
}

impl RestoreCommand {
    pub(crate) fn run(&self, settings: &Settings) -> Result<()> {
        let path = self.file.display();
        let restored = restore(&self.file, &application::database(settings).url)
            .with_context(|| format!("cannot restore {path}"))?;
        Ok(writeln!(io::stdout(), "restored {path} to {}", restored.display())?)
    }
}
