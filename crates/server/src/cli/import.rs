//! Imports users, groups and who belongs to which.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use guildhall_auth::RandomSecrets;
use guildhall_auth::foreign::{self, Accepted};
use guildhall_domain::directory::{Directory, ImportOutcome};
use guildhall_persistence::Database;
use guildhall_transfer::{
    AcceptedPassword, Authentik, ImportMode, ImportReport, ImportWatcher, Keycloak, Ldif, Outcomes, RecordKind,
    RecordPlace, Rejects, Source, TableSource, import,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::outcome::Outcome;
use super::printing::{Output, print_one, readable};
use crate::application;
use crate::settings::Settings;
use crate::system::operator;

#[derive(Args, Debug)]
pub(crate) struct ImportCommand {
    /// Files named users, groups, edges, memberships or managers, with .csv or .ndjson, or folders of such files; with --from, those that another service exported.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The service that exported the files.
    #[arg(long, value_enum)]
    from: Option<Service>,
    /// Import nothing, and print what would be different, a line for each record. Others who write wait meanwhile.
    #[arg(long)]
    dry_run: bool,
    /// Import everything, or nothing if anything is refused. Others who write wait meanwhile.
    #[arg(long, conflicts_with = "dry_run")]
    atomic: bool,
    /// A CSV file for what is refused: file, line, column and reason. Without it, they are printed to standard error.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// How the numbers of records are printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// A service that people leave.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Service {
    /// Any LDAP directory, as slapcat or ldapsearch -LLL writes it.
    Ldif,
    /// A realm of Keycloak, as `kc.sh export` writes it.
    Keycloak,
    /// What the API of authentik answers for users and groups.
    Authentik,
}

/// Whether the service can verify passwords by a hash of another program.
fn accept(hash: &str) -> std::result::Result<AcceptedPassword, String> {
    let Accepted { hash, weakness } = foreign::accept(hash).map_err(|error| error.to_string())?;
    Ok(AcceptedPassword { hash, warning: weakness.map(|weakness| weakness.to_string()) })
}

impl ImportCommand {
    pub(crate) fn run(&self, settings: &Settings) -> Result<Outcome> {
        let database = Database::connect_existing(&application::bulk_database(settings)).context("database.url")?;
        let directory = &application::directory(&database, settings, RandomSecrets::with_random_key()?);
        let files = || self.paths.clone();
        let outcome = match self.from {
            None => self.import(directory, &mut TableSource::of(&self.paths)?),
            Some(Service::Ldif) => self.import(directory, &mut Ldif::new(files(), &accept)),
            Some(Service::Keycloak) => self.import(directory, &mut Keycloak::new(files(), &accept)),
            Some(Service::Authentik) => self.import(directory, &mut Authentik::new(files())),
        }?;
        if !self.dry_run {
            database.gather_statistics().context("the import was done, but PostgreSQL cannot count what there is")?;
        }
        Ok(outcome)
    }

    fn import(&self, directory: &Directory, source: &mut dyn Source) -> Result<Outcome> {
        let mode = match (self.dry_run, self.atomic) {
            (true, _) => ImportMode::DryRun,
            (false, true) => ImportMode::Atomic,
            (false, false) => ImportMode::RowByRow,
        };
        let mut watcher = Watcher {
            files: source.files().to_vec(),
            shows_differences: self.dry_run,
            rejects: self.rejects.clone(),
            refused: None,
            failed: None,
            progress: progress(),
            count: 0,
        };
        let imported = import(directory, &operator, source, mode, &mut watcher);
        watcher.progress.finish_and_clear();
        for warning in source.warnings() {
            writeln!(io::stderr(), "{warning}")?;
        }
        watcher.finish()?;
        let report = imported?;
        print_one(self.output, &counts(&report))?;
        if report.refused() == 0 {
            return Ok(Outcome::Done);
        }
        if self.atomic {
            writeln!(io::stderr(), "nothing was imported, because {} records were refused", report.refused())?;
        }
        Ok(Outcome::No)
    }
}

/// How many records there were so far, on a terminal alone.
fn progress() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {human_pos} records, {per_sec}, {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn name(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Users => "users",
        RecordKind::Groups => "groups",
        RecordKind::Edges => "edges",
        RecordKind::Memberships => "memberships",
        RecordKind::Managers => "managers",
    }
}

fn counts(report: &ImportReport) -> Value {
    let of = |(kind, outcomes): (RecordKind, Outcomes)| {
        let Outcomes { created, changed, unchanged, refused } = outcomes;
        (
            name(kind).to_owned(),
            json!({ "created": created, "changed": changed, "unchanged": unchanged, "refused": refused }),
        )
    };
    Value::Object(RecordKind::ALL.into_iter().zip(report.kinds).map(of).collect())
}

/// Writes what becomes of records.
struct Watcher {
    files: Vec<PathBuf>,
    shows_differences: bool,
    rejects: Option<PathBuf>,
    /// The file of what is refused.
    refused: Option<Rejects>,
    /// Why a line could not be written.
    failed: Option<anyhow::Error>,
    progress: ProgressBar,
    count: u64,
}

/// How often progress is shown, in records.
const SHOWN_EVERY: u64 = 1000;

impl Watcher {
    fn finish(self) -> Result<()> {
        if let Some(rejects) = self.refused {
            rejects.finish()?;
        }
        self.failed.map_or(Ok(()), Err)
    }

    fn show(&mut self, place: RecordPlace, outcome: &ImportOutcome) -> Result<()> {
        let file = self.files.get(place.file).map_or(Path::new(""), PathBuf::as_path);
        let (name, line) = (file.display(), place.line);
        match outcome {
            ImportOutcome::Created if self.shows_differences => writeln!(io::stdout(), "{name}:{line}: new")?,
            ImportOutcome::Changed(columns) if self.shows_differences => {
                writeln!(io::stdout(), "{name}:{line}: changed: {}", columns.join(", "))?;
            }
            ImportOutcome::Refused(faults) => {
                for fault in faults {
                    if let Some(rejects) = &mut self.refused {
                        rejects.add(file, line, fault)?;
                        continue;
                    }
                    let column = if fault.field.is_empty() { String::new() } else { format!("{}: ", fault.field) };
                    writeln!(io::stderr(), "{name}:{line}: {column}{}", readable(&fault.message))?;
                }
            }
            ImportOutcome::Created | ImportOutcome::Changed(_) | ImportOutcome::Unchanged => {}
        }
        Ok(())
    }
}

impl ImportWatcher for Watcher {
    fn begin(&mut self) {
        self.refused = None;
        self.count = 0;
        if let Some(path) = &self.rejects {
            match Rejects::create(path).with_context(|| format!("cannot write {}", path.display())) {
                Ok(rejects) => self.refused = Some(rejects),
                Err(error) => self.failed = Some(error),
            }
        }
    }

    fn outcome(&mut self, place: RecordPlace, outcome: &ImportOutcome) {
        if self.count.is_multiple_of(SHOWN_EVERY) {
            self.progress.set_message(name(place.kind));
            self.progress.set_position(self.count);
        }
        self.count += 1;
        if self.failed.is_none()
            && let Err(error) = self.show(place, outcome)
        {
            self.failed = Some(error);
        }
    }
}
