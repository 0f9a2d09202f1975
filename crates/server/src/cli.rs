//! The command line.

mod api_keys;
mod checks;
mod config;
mod events;
mod groups;
mod input;
pub(crate) mod outcome;
mod printing;
mod users;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use guildhall_auth::{KeyFile, RandomSecrets, SigningKey};
use guildhall_domain::directory::{ActError, CallerError, Directory};
use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::ports::{Clock as _, Tokens};
use guildhall_persistence::Database;

use api_keys::ApiKeyCommand;
use checks::{CheckCommand, WhyCommand};
use config::ConfigCommand;
use events::EventsCommand;
use groups::GroupCommand;
use outcome::{Outcome, done, unknown_user};
use users::UserCommand;

use crate::application;
use crate::healthcheck::{self, Probe};
use crate::settings::Settings;
use crate::signing::{self, KeySource};
use crate::system::{SystemClock, check_clock, operator};
use crate::telemetry;

/// Keeps users, groups and who belongs to which, behind an HTTP API.
#[derive(Debug, Parser)]
#[command(version)]
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
    Migrate,
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
    /// Print the description of the API (`OpenAPI` 3.1, JSON).
    Openapi,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Create a file with a new key. A file that exists is left alone.
    Generate {
        /// The file; `-` is standard output. Not given: where the settings say that the key is.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Put a new key in front of the file's. It signs from then on, and the ones of before still verify; a service that runs
    /// takes notice by itself.
    Rotate,
}

impl Cli {
    pub(crate) fn run(self) -> Result<Outcome> {
        // What is the same whatever the settings are needs none that are right.
        match &self.command {
            Some(Command::Openapi) => {
                writeln!(io::stdout(), "{}", guildhall_http::openapi()?)?;
                return Ok(Outcome::Done);
            }
            Some(Command::Keys(KeysCommand::Generate { file: Some(file) })) => return done(generate(file)),
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
            Some(Command::Migrate) => migrate(&settings),
            Some(Command::Token { user }) => token(&settings, &user),
            Some(Command::User(command)) => command.run(&existing(&settings)?),
            Some(Command::Group(command)) => command.run(&existing(&settings)?),
            Some(Command::Check(command)) => return command.run(&existing(&settings)?),
            Some(Command::Why(command)) => return command.run(&existing(&settings)?),
            Some(Command::ApiKey(command)) => command.run(&existing(&settings)?),
            Some(Command::Events(command)) => command.run(&existing(&settings)?),
            Some(Command::Keys(KeysCommand::Rotate)) => rotate(&settings),
            Some(Command::Keys(KeysCommand::Generate { .. })) => tell_generated(&KeySource::of(&settings)?.generate()?),
            Some(Command::Healthcheck { probe }) => healthcheck(&settings, probe),
            Some(Command::Unlock { user }) => unlock(&settings, &user),
            Some(Command::Openapi | Command::Config(_)) => Ok(()),
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

/// The directory in an existing database.
fn existing(settings: &Settings) -> Result<Directory<'static>> {
    let database = Database::connect_existing(&application::database(settings)).context("database.url")?;
    Ok(application::directory(&database, settings, RandomSecrets::with_random_key()?))
}

/// Creates a key file, or writes a key to standard output.
fn generate(file: &Path) -> Result<()> {
    if file == Path::new("-") {
        return Ok(write!(io::stdout(), "{}", SigningKey::generate_pem()?)?);
    }
    tell_generated(&signing::generate(file)?)
}

fn tell_generated(file: &KeyFile) -> Result<()> {
    Ok(writeln!(io::stdout(), "created the signing key {} in {}", file.key_set().signing_id(), file.path().display())?)
}

fn healthcheck(settings: &Settings, probe: Probe) -> Result<()> {
    let answer = healthcheck::ask(settings, probe)?;
    Ok(writeln!(io::stdout(), "{answer}")?)
}

fn rotate(settings: &Settings) -> Result<()> {
    let rotated = KeySource::of(settings)?.rotate()?;
    writeln!(io::stdout(), "{} signs from now on", rotated.signing)?;
    for key in &rotated.retired {
        writeln!(io::stdout(), "{key} still verifies")?;
    }
    Ok(())
}

fn token(settings: &Settings, user: &str) -> Result<()> {
    check_clock(SystemClock.now())?;
    let keys = KeySource::of(settings)?;
    let caller = existing(settings)?.caller_for(&operator(), &UserIdentifier::from(user)).map_err(|error| {
        let what = match &error {
            CallerError::UserNotFound | CallerError::Closed => format!("no token for '{user}'"),
            CallerError::Refused(_) => {
                "cannot read the user; `guildhall migrate` brings the database up to date".to_owned()
            }
        };
        anyhow::Error::new(error).context(what)
    })?;
    let token = application::tokens(settings, &keys)?.issue(&caller, None)?;
    writeln!(io::stdout(), "{}", token.value)?;
    Ok(())
}
