//! Looks for faults, and says what to do about each.

use std::io::{self, Write};

use anyhow::{Context as _, Result};
use clap::Args;
use guildhall_domain::directory::{Directory, VerificationError};
use guildhall_domain::ports::Clock as _;
use guildhall_domain::time::Timestamp;
use guildhall_persistence::{Database, DatabaseSettings, Discrepancy};
use serde_json::json;

use super::outcome::Outcome;
use super::printing::Output;
use crate::application;
use crate::settings::Settings;
use crate::system::{SystemClock, check_clock, clock_difference, operator};

/// The least space on the disk of a SQLite database that is no fault, in bytes.
const LEAST_SPACE: u64 = 1 << 30;

#[derive(Args, Debug)]
pub(crate) struct DoctorCommand {
    /// Make anew what is derived from other rows and not as it follows from them, in one transaction.
    #[arg(long)]
    repair: bool,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// What was looked at.
struct Finding {
    what: &'static str,
    /// What is wrong, and what to do. `None`: nothing.
    fault: Option<String>,
}

impl Finding {
    fn of(what: &'static str, found: Result<()>) -> Self {
        Self { what, fault: found.err().map(|error| format!("{error:#}")) }
    }
}

impl DoctorCommand {
    /// Looks at `settings`, of which `checked` tells whether they are good, and at what they name.
    pub(crate) fn run(&self, settings: &Settings, checked: Result<()>) -> Result<Outcome> {
        let mut findings =
            vec![Finding::of("configuration and keys", checked), Finding::of("clock", check_clock(SystemClock.now()))];
        match Database::connect_existing(&application::database(settings)).context("database.url") {
            Err(error) => findings.push(Finding::of("database", Err(error))),
            Ok(database) => {
                let migrated = migrated(&database);
                let is_migrated = migrated.is_ok();
                findings.push(Finding::of("database", migrated));
                if is_migrated {
                    self.examine(&database, settings, &mut findings)?;
                }
            }
        }
        self.print(&findings)?;
        Ok(if findings.iter().all(|finding| finding.fault.is_none()) { Outcome::Done } else { Outcome::No })
    }

    fn examine(&self, database: &Database, settings: &Settings, findings: &mut Vec<Finding>) -> Result<()> {
        findings.push(Finding::of("clock of the database", same_time(database)));
        findings.push(Finding::of("disk space", enough_space(settings)));
        if self.repair {
            for Discrepancy { what, count, is_derived } in database.repair()? {
                let done = if is_derived { "made anew" } else { "left" };
                writeln!(io::stderr(), "{done}: {what} ({count})")?;
            }
        }
        findings.push(Finding::of("rows", rows(database)));
        let directory = application::directory(database, settings, guildhall_auth::RandomSecrets::with_random_key()?);
        findings.push(Finding::of("administrator", administrator(&directory)));
        findings.push(Finding::of("log of all changes", log(&directory)));
        Ok(())
    }

    fn print(&self, findings: &[Finding]) -> Result<()> {
        let mut out = io::stdout().lock();
        match self.output {
            Output::Json => {
                let findings: Vec<_> = findings
                    .iter()
                    .map(|finding| json!({ "check": finding.what, "ok": finding.fault.is_none(), "fault": finding.fault }))
                    .collect();
                writeln!(out, "{:#}", json!(findings))?;
            }
            Output::Table => {
                for Finding { what, fault } in findings {
                    match fault {
                        None => writeln!(out, "ok     {what}")?,
                        Some(fault) => writeln!(out, "FAULT  {what}: {fault}")?,
                    }
                }
            }
        }
        Ok(())
    }
}

fn migrated(database: &Database) -> Result<()> {
    let pending = database.pending_migrations()?;
    if pending.is_empty() {
        return Ok(());
    }
    anyhow::bail!("{} migrations are to be run: `guildhall migrate` runs them", pending.len())
}

fn same_time(database: &Database) -> Result<()> {
    let Some(theirs) = database.server_time()? else { return Ok(()) };
    match clock_difference(SystemClock.now(), Timestamp::from_milliseconds(theirs)) {
        None => Ok(()),
        Some(difference) => anyhow::bail!("{difference}"),
    }
}

/// What PostgreSQL has left is told by its own server.
fn enough_space(settings: &Settings) -> Result<()> {
    let Some(file) = DatabaseSettings::sqlite_file(&application::database(settings).url)? else { return Ok(()) };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(std::path::Path::new("."));
    let found = rustix::fs::statvfs(folder).with_context(|| folder.display().to_string())?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    if free < LEAST_SPACE {
        anyhow::bail!(
            "{} MiB are left in {}: make room, or let database.url name a file elsewhere",
            free >> 20,
            folder.display()
        );
    }
    Ok(())
}

fn rows(database: &Database) -> Result<()> {
    let found = database.inspect()?;
    if found.is_empty() {
        return Ok(());
    }
    let cure = if found.iter().all(|discrepancy| discrepancy.is_derived) {
        "`guildhall doctor --repair` makes them anew"
    } else {
        "restore a backup of before"
    };
    let told: Vec<_> = found.iter().map(|Discrepancy { what, count, .. }| format!("{count} {what}")).collect();
    anyhow::bail!("{}: {cure}", told.join("; "))
}

fn administrator(directory: &Directory) -> Result<()> {
    if directory.has_administrator(&operator())? {
        return Ok(());
    }
    anyhow::bail!("nobody can administer: `guildhall group add-users \"System Administrators\" --file -` adds users")
}

fn log(directory: &Directory) -> Result<()> {
    match directory.verify_events(&operator(), None) {
        Ok(_) => Ok(()),
        Err(VerificationError::Refused(error)) => Err(error.into()),
        Err(error) => Err(anyhow::Error::new(error)
            .context("somebody changed the log beside the service: compare it with a backup; what is before the event that is named can be trusted")),
    }
}
