//! The command line.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use guildhall_domain::directory::CallerError;
use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::ports::Tokens;
use guildhall_persistence::Database;

use crate::application::{self, Application};
use crate::settings::Settings;
use crate::signing::KeySource;
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
    /// Print the description of the API (`OpenAPI` 3.1, JSON).
    Openapi,
}

impl Cli {
    pub(crate) fn run(self) -> Result<()> {
        if let Some(Command::Openapi) = self.command {
            // It is the same whatever the settings, so it needs none that are right.
            writeln!(io::stdout(), "{}", guildhall_http::openapi()?)?;
            return Ok(());
        }
        let settings = Settings::load(self.config.as_deref())?;
        telemetry::start(&settings.log)?;
        match self.command {
            None | Some(Command::Serve) => Application::build(&settings)?.run(),
            Some(Command::Migrate) => migrate(&settings),
            Some(Command::Token { user }) => token(&settings, &user),
            Some(Command::Openapi) => Ok(()),
        }
    }
}

fn migrate(settings: &Settings) -> Result<()> {
    let database = Database::connect(&application::database(settings)).context("database.url")?;
    let migrations = database.migrate()?;
    application::directory(&database).prepare()?;
    let mut out = io::stdout();
    for migration in &migrations {
        writeln!(out, "ran the migration {migration}")?;
    }
    if migrations.is_empty() {
        writeln!(out, "the database is up to date")?;
    }
    Ok(())
}

fn token(settings: &Settings, user: &str) -> Result<()> {
    let keys = KeySource::of(settings)?;
    let database = Database::connect_existing(&application::database(settings)).context("database.url")?;
    let caller = application::directory(&database).caller_for(&UserIdentifier::from(user)).map_err(|error| {
        let what = match &error {
            CallerError::UserNotFound | CallerError::Closed => format!("no token for '{user}'"),
            CallerError::Store(_) => {
                "cannot read the user; `guildhall migrate` brings the database up to date".to_owned()
            }
        };
        anyhow::Error::new(error).context(what)
    })?;
    let token = application::tokens(settings, &keys)?.issue(caller.user, caller.stamp, &caller.scopes)?;
    writeln!(io::stdout(), "{}", token.value)?;
    Ok(())
}
