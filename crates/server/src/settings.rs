//! Settings, from defaults, a file and the environment.

mod auth;
mod telemetry;
mod values;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use config::{Config, ConfigError, Environment, File, FileFormat};
use guildhall_http::PathPrefix;
use guildhall_persistence::DatabaseSettings;
use ipnet::IpNet;
use serde::Deserialize;
use uuid::Uuid;

pub(crate) use auth::{Auth, Issuer};
pub(crate) use telemetry::Telemetry;
pub(crate) use values::{Level, LogFormat, Secret};

/// Every key is in here with its default, but for those that are optional.
const DEFAULTS: &str = include_str!("../../../config/default.toml");
const PREFIX: &str = "GUILDHALL_";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Settings {
    pub(crate) server: ServerSettings,
    pub(crate) database: Database,
    pub(crate) auth: Auth,
    pub(crate) authorization: Authorization,
    pub(crate) limits: Limits,
    pub(crate) bootstrap: Bootstrap,
    pub(crate) log: Log,
    pub(crate) telemetry: Telemetry,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct ServerSettings {
    pub(crate) host: String,
    #[serde(deserialize_with = "values::whole")]
    pub(crate) port: u16,
    pub(crate) management_host: String,
    /// `None`: there is no management port.
    #[serde(default, deserialize_with = "values::optional_whole")]
    pub(crate) management_port: Option<u16>,
    #[serde(default, deserialize_with = "values::optional_whole")]
    pub(crate) workers: Option<usize>,
    /// In seconds.
    #[serde(deserialize_with = "values::whole")]
    pub(crate) shutdown_timeout: u64,
    /// The URL under which clients reach the service, if it differs from the listening address.
    pub(crate) public_url: Option<String>,
    path_prefix: Option<String>,
    #[serde(deserialize_with = "values::whole")]
    pub(crate) max_connections: usize,
    #[serde(deserialize_with = "values::whole")]
    pub(crate) max_connections_per_address: usize,
    /// Origins allowed by CORS.
    #[serde(deserialize_with = "values::list")]
    pub(crate) allowed_origins: Vec<String>,
    /// Networks of trusted proxies.
    #[serde(deserialize_with = "values::networks")]
    pub(crate) trusted_proxies: Vec<IpNet>,
}

impl ServerSettings {
    /// The path below which clients reach the service: the one that is set, or else that of the public URL.
    pub(crate) fn path_prefix(&self) -> Result<PathPrefix> {
        let public = self.public_url.as_deref().map(|url| origin_and_path(url).1);
        match (self.path_prefix.as_deref(), public) {
            (Some(prefix), Some(path)) if prefix != path => {
                bail!("server.path_prefix: must be the path of server.public_url, or not be set")
            }
            (Some(prefix), _) => PathPrefix::try_from(prefix).map_err(|error| anyhow!("server.path_prefix: {error}")),
            (None, path) => PathPrefix::try_from(path.unwrap_or_default())
                .map_err(|error| anyhow!("server.public_url: its path {error}")),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Database {
    /// It may hold a password.
    pub(crate) url: Secret,
    #[serde(deserialize_with = "values::whole")]
    pub(crate) pool_size: u32,
    /// In seconds; 0 is no limit.
    #[serde(deserialize_with = "values::whole")]
    pub(crate) statement_timeout: u64,
    pub(crate) prepared_statements: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Authorization {
    pub(crate) delegated_administration: bool,
}

#[derive(Clone, Debug, Deserialize)]
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

#[derive(Clone, Debug, Deserialize)]
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

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Log {
    pub(crate) level: Level,
    pub(crate) format: LogFormat,
}

impl Settings {
    /// Reads the settings of this process.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self> {
        Self::read(file, &environment()?)
    }

    /// Reads the settings with only these environment variables.
    #[cfg(test)]
    pub(crate) fn from_variables(variables: &[(&str, &str)]) -> Result<Self> {
        let named = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self::read(None, &named.collect())
    }

    fn read(file: Option<&Path>, environment: &HashMap<String, String>) -> Result<Self> {
        let mut config = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(file) = file {
            let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            // Parsed by itself first, so that the error is surely about this file.
            let parsed = Config::builder().add_source(File::from_str(&text, FileFormat::Toml)).build();
            config =
                config.add_source(parsed.map_err(|error| anyhow!("{}: {}", file.display(), without_excerpt(&error)))?);
        }
        let variables = Environment::with_prefix("GUILDHALL").prefix_separator("_").separator("__").ignore_empty(true);
        let config =
            config.add_source(variables.source(Some(environment.clone()))).build().context("in the environment")?;
        let settings: Self = serde_path_to_error::deserialize(config).map_err(|error| {
            let key = error.path().to_string();
            let source = source(&key, file, environment);
            anyhow!("{key}: {}{source}", reason(error.into_inner()))
        })?;
        settings.check()?;
        Ok(settings)
    }

    /// Validates what the types cannot.
    fn check(&self) -> Result<()> {
        // The message never repeats the URL.
        DatabaseSettings::sqlite_file(self.database.url.reveal()).map_err(|error| anyhow!("database.url: {error}"))?;
        for (holds, key, rule) in [
            (!self.server.host.is_empty(), "server.host", "must not be empty"),
            (!self.server.management_host.is_empty(), "server.management_host", "must not be empty"),
            (self.server.workers != Some(0), "server.workers", "must be at least 1"),
            (
                self.server.allowed_origins.iter().all(|origin| is_origin(origin)),
                "server.allowed_origins",
                "must be origins such as https://admin.example.com, or *",
            ),
            (
                self.server.public_url.as_deref().is_none_or(is_base_url),
                "server.public_url",
                "must be a URL such as https://id.example.com/directory, without a slash, a query or a fragment at its end",
            ),
            (self.server.max_connections >= 16, "server.max_connections", "must be at least 16"),
            (self.server.max_connections_per_address > 0, "server.max_connections_per_address", "must be at least 1"),
            (self.database.pool_size >= FEWEST_CONNECTIONS, "database.pool_size", "must be at least 2"),
            (
                self.database.statement_timeout <= LONGEST_STATEMENT_TIMEOUT,
                "database.statement_timeout",
                "must be at most 86400",
            ),
            (self.limits.bulk_ids > 0, "limits.bulk_ids", "must be at least 1"),
            (self.limits.bulk_bytes > 0, "limits.bulk_bytes", "must be at least 1"),
            (self.limits.body_bytes > 0, "limits.body_bytes", "must be at least 1"),
        ] {
            if !holds {
                bail!("{key}: {rule}");
            }
        }
        self.server.path_prefix()?;
        self.bootstrap.check()?;
        self.telemetry.check()?;
        self.auth.check()
    }
}

/// A scheme, a host and perhaps a port, as browsers write it: no path, not even a slash.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |character: char| character.is_ascii_alphanumeric() || ".-:[]".contains(character);
    text == "*" || host.is_some_and(|host| !host.is_empty() && host.chars().all(plain))
}

/// An origin, perhaps with a path below it.
fn is_base_url(text: &str) -> bool {
    let (origin, path) = origin_and_path(text);
    let plain = |character: char| character.is_ascii_alphanumeric() || "/-._~!$&'()*+,;=:@%".contains(character);
    origin != "*" && is_origin(origin) && !path.ends_with('/') && path.chars().all(plain)
}

/// A URL up to the path, and the path.
fn origin_and_path(url: &str) -> (&str, &str) {
    let start = url.find("://").map_or(0, |scheme| scheme + 3);
    url.split_at(url[start..].find('/').map_or(url.len(), |slash| start + slash))
}

/// The environment variables of this program.
fn environment() -> Result<HashMap<String, String>> {
    let own = env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok().filter(|name| name.starts_with(PREFIX))?;
        Some((name, value))
    });
    own.map(|(name, value)| match value.into_string() {
        Ok(value) => Ok((name, value)),
        Err(_) => bail!("{name}: not UTF-8"),
    })
    .collect()
}

/// The source of `key`, in brackets.
fn source(key: &str, file: Option<&Path>, environment: &HashMap<String, String>) -> String {
    let variable = format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"));
    let below = format!("{variable}__");
    let set_it = |name: &&String| {
        let name = name.to_uppercase();
        name == variable || name.starts_with(&below)
    };
    let from_file = || file.map(|file| file.display().to_string());
    environment
        .keys()
        .find(set_it)
        .cloned()
        .or_else(from_file)
        .map_or_else(String::new, |source| format!(" ({source})"))
}

/// What is wrong, without the key and the source: `Settings::read` says them better.
fn reason(error: ConfigError) -> String {
    match error {
        ConfigError::At { error, .. } => reason(*error),
        ConfigError::Type { unexpected, expected, .. } => format!("invalid type: {unexpected}, expected {expected}"),
        other => other.to_string(),
    }
}

/// The parser quotes the line that it cannot read, and a secret may stand there.
fn without_excerpt(error: &ConfigError) -> String {
    let text = error.to_string();
    text.lines().filter(|line| !line.contains('|')).collect::<Vec<_>>().join(": ")
}
