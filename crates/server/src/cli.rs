//! The command line.

mod api_keys;
mod backup;
mod checks;
mod config;
mod copy;
mod doctor;
mod events;
mod export;
mod groups;
mod import;
mod input;
mod keys;
pub(crate) mod outcome;
mod printing;
mod shells;
mod users;

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use clap_complete::Shell;
use guildhall_auth::RandomSecrets;
use guildhall_domain::directory::{ActError, CallerError, Directory};
use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::ports::{Clock as _, Tokens};
use guildhall_persistence::Database;

use api_keys::ApiKeyCommand;
use backup::{BackupCommand, RestoreCommand};
use checks::{CheckCommand, WhyCommand};
use config::ConfigCommand;
use copy::CopyCommand;
use doctor::DoctorCommand;
use events::EventsCommand;
use export::ExportCommand;
use groups::GroupCommand;
use import::ImportCommand;
use keys::KeysCommand;
use outcome::{Outcome, done, unknown_user};
use users::UserCommand;

use crate::application;
use crate::healthcheck::{self, Probe};
use crate::settings::Settings;
use crate::signing::KeySource;
use crate::system::{SystemClock, check_clock, operator};
use crate::telemetry;

/// This version, the commit it was built from, and the databases it knows.
const VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION"), " (commit ", env!("GUILDHALL_COMMIT"), "; databases: SQLite, PostgreSQL)");
const EXIT_STATUS: &str = "Exit status: 0 if it was done or the answer is yes, 1 if it failed or the answer is no, 2 if the command line is wrong, \
    3 if there is no user or group of the name.";

/// Keeps users, groups and who belongs to which, behind an HTTP API.
#[derive(Debug, Parser)]
#[command(version = VERSION, after_help = EXIT_STATUS)]
pub(crate) struct Cli {
    /// A TOML file with settings. Environment variables such as `GUILDHALL_SERVER__PORT` win over it.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer requests (the default).
    Serve,
    /// Bring the database up to date, and do nothing else.
    Migrate {
        /// Change nothing, and print the migrations that are to be run; exit with 1 if there are any.
        #[arg(long)]
        check: bool,
    },
    /// Write users, groups, edges between groups, memberships and managers to a file each.
    ///
    /// Example: guildhall export /tmp/members --format csv
    #[command(verbatim_doc_comment)]
    Export(ExportCommand),
    /// Take over users, groups, edges between groups, memberships and managers from files; exit with 1 if any record is refused.
    ///
    /// Example: guildhall import /tmp/members --dry-run
    #[command(verbatim_doc_comment)]
    Import(ImportCommand),
    /// Copy the SQLite database to a file, while it serves.
    ///
    /// Example: guildhall backup /backups/guildhall-monday.db
    #[command(verbatim_doc_comment)]
    Backup(BackupCommand),
    /// Put a backup where the settings say that the SQLite database is, if none is there.
    ///
    /// Example: guildhall restore /backups/guildhall-monday.db
    #[command(verbatim_doc_comment)]
    Restore(RestoreCommand),
    /// Copy everything from SQLite to PostgreSQL, or back: passwords, API keys, events and webhooks included.
    ///
    /// Example: `guildhall copy --from sqlite:///data/guildhall.db --to postgres://guildhall@db.example.com/guildhall`
    #[command(verbatim_doc_comment)]
    Copy(CopyCommand),
    /// Print an access token for a user.
    Token {
        /// The user's name, email address or id.
        #[arg(long, value_name = "NAME")]
        user: String,
    },
    /// Manage users.
    #[command(subcommand)]
    User(UserCommand),
    /// Manage groups and their members.
    #[command(subcommand)]
    Group(GroupCommand),
    /// Say whether a user is in a group, through any nesting; exit with 0 if they are, 1 if not, and 3 if there is no such user or group.
    ///
    /// Example: guildhall check tdurden Editors
    #[command(verbatim_doc_comment)]
    Check(CheckCommand),
    /// Say why a user is in a group, with the same exit status as `check`.
    ///
    /// Example: guildhall why tdurden Editors
    #[command(verbatim_doc_comment)]
    Why(WhyCommand),
    /// Manage API keys, which programs sign in with.
    #[command(subcommand)]
    ApiKey(ApiKeyCommand),
    /// Manage the keys that sign access tokens.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Read and verify the log of all changes.
    #[command(subcommand)]
    Events(EventsCommand),
    /// Look at the settings.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Let a user sign in again whom wrong passwords have locked out.
    Unlock {
        /// The user's name, email address or id.
        #[arg(long, value_name = "NAME")]
        user: String,
    },
    /// Ask the service that runs with these settings on this machine whether it is well; exit with 1 if it is not.
    Healthcheck {
        /// Whether it is ready for requests, or alive.
        #[arg(value_enum, default_value_t)]
        probe: Probe,
    },
    /// Look for faults of the settings, the database and the machine, and say what to do; exit with 1 if there are any.
    ///
    /// Example: guildhall doctor --repair
    #[command(verbatim_doc_comment)]
    Doctor(DoctorCommand),
    /// Print the description of the API (`OpenAPI` 3.1, JSON).
    Openapi,
    /// Print what lets a shell complete these commands.
    ///
    /// Example: `guildhall completions bash > /etc/bash_completion.d/guildhall`
    #[command(verbatim_doc_comment)]
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write the manual pages of all commands to a folder.
    ///
    /// Example: guildhall man /usr/local/share/man/man1
    #[command(verbatim_doc_comment)]
    Man {
        /// The folder.
        folder: PathBuf,
    },
}

impl Cli {
    pub(crate) fn run(self) -> Result<Outcome> {
        // What is the same whatever the settings are needs none that are right.
        match &self.command {
            Some(Command::Openapi) => {
                writeln!(io::stdout(), "{}", guildhall_http::openapi()?)?;
                return Ok(Outcome::Done);
            }
            Some(Command::Completions { shell }) => return done(shells::print_completions(*shell)),
            Some(Command::Man { folder }) => return done(shells::write_manual(folder)),
            Some(Command::Keys(KeysCommand::Generate { file: Some(file) })) => return done(keys::generate(file)),
            _ => {}
        }
        let loaded = Settings::load(self.config.as_deref())?;
        if let Some(Command::Config(command)) = self.command {
            return done(command.run(&loaded));
        }
        let telemetry = telemetry::start(&loaded.settings.log, &loaded.settings.telemetry)?;
        let settings = loaded.settings.clone();
        done(match self.command {
            None | Some(Command::Serve) => application::serve(loaded, self.config, &telemetry),
            Some(Command::Migrate { check: false }) => migrate(&settings),
            Some(Command::Migrate { check: true }) => return check_migrations(&settings),
            Some(Command::Export(command)) => command.run(&existing(&settings)?),
            Some(Command::Import(command)) => return command.run(&settings),
            Some(Command::Backup(command)) => command.run(&settings),
            Some(Command::Restore(command)) => command.run(&settings),
            Some(Command::Copy(command)) => command.run(&settings),
            Some(Command::Token { user }) => token(&settings, &user),
            Some(Command::User(command)) => command.run(&existing(&settings)?),
            Some(Command::Group(command)) => command.run(&existing(&settings)?),
            Some(Command::Check(command)) => return command.run(&existing(&settings)?),
            Some(Command::Why(command)) => return command.run(&existing(&settings)?),
            Some(Command::ApiKey(command)) => command.run(&existing(&settings)?),
            Some(Command::Events(command)) => command.run(&existing(&settings)?),
            Some(Command::Keys(command)) => command.run(&settings),
            Some(Command::Healthcheck { probe }) => healthcheck(&settings, probe),
            Some(Command::Doctor(command)) => {
                let checked = config::check_all(&settings);
                return command.run(&settings, checked);
            }
            Some(Command::Unlock { user }) => unlock(&settings, &user),
            Some(Command::Openapi | Command::Config(_) | Command::Completions { .. } | Command::Man { .. }) => Ok(()),
        })
    }
}

fn unlock(settings: &Settings, user: &str) -> Result<()> {
    let unlocked = existing(settings)?.unlock(&operator(), &UserIdentifier::from(user));
    unlocked.map_err(|error| match error {
        ActError::UserNotFound => unknown_user(user),
        other => anyhow::Error::new(other).context(format!("cannot unlock '{user}'")),
    })
}

fn migrate(settings: &Settings) -> Result<()> {
    let database = Database::connect(&application::database(settings)).context("database.url")?;
    let migrations = database.migrate()?;
    application::directory(&database, settings, RandomSecrets::with_random_key()?).prepare(&operator())?;
    let mut out = io::stdout();
    for migration in &migrations {
        writeln!(out, "ran the migration {migration}")?;
    }
    if migrations.is_empty() {
        writeln!(out, "the database is up to date")?;
    }
    Ok(())
}

/// Whether every migration was run.
fn check_migrations(settings: &Settings) -> Result<Outcome> {
    let database = Database::connect_existing(&application::database(settings)).context("database.url")?;
    let pending = database.pending_migrations()?;
    for migration in &pending {
        writeln!(io::stdout(), "the migration {migration} is to be run")?;
    }
    if !pending.is_empty() {
        return Ok(Outcome::No);
    }
    writeln!(io::stdout(), "the database is up to date")?;
    Ok(Outcome::Done)
}

/// The directory in an existing database.
fn existing(settings: &Settings) -> Result<Directory<'static>> {
    let database = Database::connect_existing(&application::database(settings)).context("database.url")?;
    Ok(application::directory(&database, settings, RandomSecrets::with_random_key()?))
}

fn healthcheck(settings: &Settings, probe: Probe) -> Result<()> {
    let answer = healthcheck::ask(settings, probe)?;
    Ok(writeln!(io::stdout(), "{answer}")?)
}

fn token(settings: &Settings, user: &str) -> Result<()> {
    check_clock(SystemClock.now())?;
    let keys = KeySource::of(settings)?;
    let caller = existing(settings)?.caller_for(&operator(), &UserIdentifier::from(user));
    let caller = caller.map_err(|error| match error {
        CallerError::UserNotFound => unknown_user(user),
        CallerError::Closed => anyhow::Error::new(error).context(format!("no token for '{user}'")),
        CallerError::Refused(_) => anyhow::Error::new(error)
            .context("cannot read the user; `guildhall migrate` brings the database up to date"),
    })?;
    let token = application::tokens(settings, &keys)?.issue(&caller, None)?;
    writeln!(io::stdout(), "{}", token.value)?;
    Ok(())
}
