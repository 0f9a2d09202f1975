//! Settings, from defaults, a file and the environment.

mod auth;
mod events;
mod idempotency;
mod masked;
mod server;
mod shown;
mod sources;
mod telemetry;
mod values;
mod webhooks;

#[cfg(test)]
mod tests;

#[cfg(test)]
use std::collections::HashMap;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use config::{Config, ConfigError};
use guildhall_persistence::DatabaseSettings;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use auth::{Auth, Issuer};
pub(crate) use events::Events;
pub(crate) use idempotency::Idempotency;
pub(crate) use server::ServerSettings;
pub(crate) use shown::Shown;
pub(crate) use sources::Loaded;
pub(crate) use telemetry::Telemetry;
pub(crate) use values::{FileMode, Level, LogFormat, Secret};
pub(crate) use webhooks::Webhooks;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Settings {
    pub(crate) server: ServerSettings,
    pub(crate) database: Database,
    pub(crate) auth: Auth,
    pub(crate) authorization: Authorization,
    pub(crate) limits: Limits,
    pub(crate) idempotency: Idempotency,
    pub(crate) events: Events,
    pub(crate) webhooks: Webhooks,
    pub(crate) bootstrap: Bootstrap,
    pub(crate) log: Log,
    pub(crate) telemetry: Telemetry,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Database {
    /// It may hold a password.
    #[serde(serialize_with = "masked::secret_url")]
    pub(crate) url: Secret,
    #[serde(deserialize_with = "values::whole")]
    pub(crate) pool_size: u32,
    /// In seconds; 0 is no limit.
    #[serde(deserialize_with = "values::whole")]
    pub(crate) statement_timeout: u64,
    pub(crate) prepared_statements: bool,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Authorization {
    pub(crate) delegated_administration: bool,
    /// Of memberships and edges that are yet to come, given by one caller who is no System Administrator.
    #[serde(deserialize_with = "values::whole")]
    pub(crate) dates_per_caller: u32,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Limits {
    #[serde(deserialize_with = "values::whole")]
    pub(crate) bulk_ids: usize,
    #[serde(deserialize_with = "values::whole")]
    pub(crate) bulk_bytes: usize,
    #[serde(deserialize_with = "values::whole")]
    pub(crate) body_bytes: usize,
    /// Per minute and address; 0 is unlimited.
    #[serde(deserialize_with = "values::whole")]
    pub(crate) token_requests_per_address: u32,
    /// Per minute and account; 0 is unlimited.
    #[serde(deserialize_with = "values::whole")]
    pub(crate) token_requests_per_account: u32,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Bootstrap {
    pub(crate) admin_username: String,
    pub(crate) admin_password: Option<Secret>,
    pub(crate) client_id: Option<Uuid>,
    pub(crate) client_secret: Option<Secret>,
}

/// One for listings and searches, and one for everything else.
const FEWEST_CONNECTIONS: u32 = 2;
/// A day, in seconds.
const LONGEST_STATEMENT_TIMEOUT: u64 = 86_400;
/// The fewest bytes of a configured secret.
const SHORTEST_CLIENT_SECRET: usize = 32;

impl Bootstrap {
    fn check(&self) -> Result<()> {
        match (self.client_id, &self.client_secret) {
            (Some(_), None) => bail!("bootstrap.client_secret: must be set too, or bootstrap.client_id must not be"),
            (None, Some(_)) => bail!("bootstrap.client_id: must be set too, or bootstrap.client_secret must not be"),
            (Some(_), Some(secret)) if secret.reveal().len() < SHORTEST_CLIENT_SECRET => {
                bail!("bootstrap.client_secret: must have {SHORTEST_CLIENT_SECRET} or more bytes")
            }
            _ => Ok(()),
        }
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Log {
    pub(crate) level: Level,
    pub(crate) format: LogFormat,
}

impl Settings {
    /// The settings, read from all sources, and where each value comes from.
    pub(crate) fn load(file: Option<&Path>) -> Result<Loaded> {
        Loaded::read(file, &sources::environment()?)
    }

    /// Reads the settings with only these environment variables.
    #[cfg(test)]
    pub(crate) fn from_variables(variables: &[(&str, &str)]) -> Result<Self> {
        let named = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self::read(None, &named.collect())
    }

    #[cfg(test)]
    fn read(file: Option<&Path>, environment: &HashMap<String, String>) -> Result<Self> {
        Ok(Loaded::read(file, environment)?.settings)
    }

    /// Reads the settings from all layers. A mistake is named by its key alone.
    fn from_config(config: Config) -> Result<Self, Mistake> {
        serde_path_to_error::deserialize(config)
            .map_err(|error| Mistake { key: error.path().to_string(), reason: reason(error.into_inner()) })
    }

    /// Validates what the types cannot.
    fn check(&self) -> Result<()> {
        // The message never repeats the URL.
        DatabaseSettings::sqlite_file(self.database.url.reveal()).map_err(|error| anyhow!("database.url: {error}"))?;
        for (holds, key, rule) in [
            (self.database.pool_size >= FEWEST_CONNECTIONS, "database.pool_size", "must be at least 2"),
            (
                self.database.statement_timeout <= LONGEST_STATEMENT_TIMEOUT,
                "database.statement_timeout",
                "must be at most 86400",
            ),
            (self.limits.bulk_ids > 0, "limits.bulk_ids", "must be at least 1"),
            (self.authorization.dates_per_caller > 0, "authorization.dates_per_caller", "must be at least 1"),
            (self.limits.bulk_bytes > 0, "limits.bulk_bytes", "must be at least 1"),
            (self.limits.body_bytes > 0, "limits.body_bytes", "must be at least 1"),
        ] {
            if !holds {
                bail!("{key}: {rule}");
            }
        }
        self.server.check()?;
        self.idempotency.check()?;
        self.events.check()?;
        self.bootstrap.check()?;
        self.telemetry.check()?;
        self.auth.check()
    }
}

/// A value that its key cannot have, or a key that does not exist.
struct Mistake {
    key: String,
    reason: String,
}

/// What is wrong, without the key and the source: whoever reads the layers says them better.
fn reason(error: ConfigError) -> String {
    match error {
        ConfigError::At { error, .. } => reason(*error),
        ConfigError::Type { unexpected, expected, .. } => format!("invalid type: {unexpected}, expected {expected}"),
        other => other.to_string(),
    }
}
