//! The command line.

mod api_keys;
mod config;

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use guildhall_auth::RandomSecrets;
use guildhall_domain::directory::{CallerError, Directory};
use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::ports::{Clock as _, Tokens};
use guildhall_persistence::Database;

use api_keys::ApiKeyCommand;
use config::ConfigCommand;

use crate::application;
use crate::settings::Settings;
use crate::signing::KeySource;
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
    /// Manage API keys, which programs sign in with.
    #[command(subcommand)]
    ApiKey(ApiKeyCommand),
    /// Manage the keys that sign access tokens.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Look at the settings.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Let a user sign in again whom wrong passwords have locked out.
    Unlock {
        /// The user's name, email address or id.
        #[arg(long, value_name = "NAME")]
        user: String,
    },
    /// Print the description of the API (`OpenAPI` 3.1, JSON).
    Openapi,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Put a new key in front of the file's. It signs from then on, and the ones of before still verify; a service that runs
    /// takes notice by itself.
    Rotate,
}

impl Cli {
    pub(crate) fn run(self) -> Result<()> {
        if let Some(Command::Openapi) = self.command {
            // It is the same whatever the settings, so it needs none that are right.
            writeln!(io::stdout(), "{}", guildhall_http::openapi()?)?;
            return Ok(());
        }
        let loaded = Settings::load(self.config.as_deref())?;
        if let Some(Command::Config(command)) = self.command {
            return command.run(&loaded);
        }
        let logging = telemetry::start(&loaded.settings.log)?;
        let settings = loaded.settings.clone();
        match self.command {
            None | Some(Command::Serve) => application::serve(loaded, self.config, logging.level()),
            Some(Command::Migrate) => migrate(&settings),
            Some(Command::Token { user }) => token(&settings, &user),
            Some(Command::ApiKey(command)) => command.run(&existing(&settings)?),
            Some(Command::Keys(KeysCommand::Rotate)) => rotate(&settings),
            Some(Command::Unlock { user }) => {
                let unlocked = existing(&settings)?.unlock(&operator(), &UserIdentifier::from(user.as_str()));
                unlocked.with_context(|| format!("cannot unlock '{user}'"))
            }
            Some(Command::Openapi | Command::Config(_)) => Ok(()),
        }
    }
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
fn existing(settings: &Settings) -> Result<Directory> {
    let database = Database::connect_existing(&application::database(settings)).context("database.url")?;
    Ok(application::directory(&database, settings, RandomSecrets::with_random_key()?))
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
