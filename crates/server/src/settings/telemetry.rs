//! Settings of the export of traces.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use super::server::is_base_url;
use super::values;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Telemetry {
    /// `None`: traces are not exported.
    pub(crate) otlp_endpoint: Option<String>,
    /// From 0 to 1.
    #[serde(deserialize_with = "values::ratio")]
    pub(crate) sampling_ratio: f64,
}

impl Telemetry {
    pub(super) fn check(&self) -> Result<()> {
        if self.otlp_endpoint.as_deref().is_some_and(|url| !is_base_url(url)) {
            bail!(
                "telemetry.otlp_endpoint: must be a URL such as http://127.0.0.1:4318, without /v1/traces, a slash, a query or a \
                 fragment at its end"
            );
        }
        if self.otlp_endpoint.as_deref().is_some_and(|url| url.ends_with("/v1/traces")) {
            bail!("telemetry.otlp_endpoint: must be the URL without /v1/traces at its end");
        }
        Ok(())
    }
}
