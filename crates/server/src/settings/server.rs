//! Settings of where and how the service listens.

use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use guildhall_http::PathPrefix;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::values::{self, FileMode};

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct ServerSettings {
    pub(crate) host: String,
    #[serde(deserialize_with = "values::whole")]
    pub(crate) port: u16,
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
    #[serde(deserialize_with = "values::networks", serialize_with = "values::as_texts")]
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// The certificate that the service presents and those above it, in PEM.
    pub(crate) tls_certificate_file: Option<PathBuf>,
    /// The private key of the certificate, in PEM.
    pub(crate) tls_key_file: Option<PathBuf>,
    /// The path of the Unix socket to listen on instead of an address.
    pub(crate) unix_socket: Option<PathBuf>,
    pub(crate) unix_socket_mode: FileMode,
}

impl ServerSettings {
    /// Validates what the types cannot.
    pub(super) fn check(&self) -> Result<()> {
        for (holds, key, rule) in [
            (!self.host.is_empty(), "host", "must not be empty"),
            (self.workers != Some(0), "workers", "must be at least 1"),
            (
                self.allowed_origins.iter().all(|origin| is_origin(origin)),
                "allowed_origins",
                "must be origins such as https://admin.example.com, or *",
            ),
            (
                self.public_url.as_deref().is_none_or(is_base_url),
                "public_url",
                "must be a URL such as https://id.example.com/directory, without a slash, a query or a fragment at its end",
            ),
            (self.max_connections >= 16, "max_connections", "must be at least 16"),
            (self.max_connections_per_address > 0, "max_connections_per_address", "must be at least 1"),
            (
                self.tls_certificate_file.is_some() || self.tls_key_file.is_none(),
                "tls_certificate_file",
                "must be set too, or server.tls_key_file must not be",
            ),
            (
                self.tls_key_file.is_some() || self.tls_certificate_file.is_none(),
                "tls_key_file",
                "must be set too, or server.tls_certificate_file must not be",
            ),
            (
                self.unix_socket.is_none() || self.tls_certificate_file.is_none(),
                "tls_certificate_file",
                "is for nothing with server.unix_socket, where nothing is encrypted",
            ),
        ] {
            if !holds {
                bail!("server.{key}: {rule}");
            }
        }
        self.path_prefix().map(drop)
    }

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
