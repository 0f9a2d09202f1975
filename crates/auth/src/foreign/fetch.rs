//! Gets an issuer's keys over HTTP.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use super::key_set::KeySet;
use super::settings::{ForeignIssuer, scheme};

/// For how long an answer is waited for, from the look-up of the name to the last byte.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest document that is read, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// Where an issuer's keys are.
pub(crate) struct Source {
    issuer: String,
    configured: Option<String>,
    /// What the discovery document said.
    discovered: Option<String>,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("cannot read {url}")]
    Unread { url: String, source: Box<ureq::Error> },
    #[error("{url} answered {status}; keys are read from where they are said to be, without redirects")]
    Status { url: String, status: u16 },
    #[error("{url} is no discovery document")]
    NoDiscovery { url: String, source: serde_json::Error },
    #[error("{url} is the discovery document of another issuer, {issuer:?}")]
    OtherIssuer { url: String, issuer: String },
    #[error("the discovery document says that the keys are at {url:?}, which is not safe to ask")]
    Unsafe { url: String },
    #[error("{url} is no set of keys")]
    NoKeys { url: String, source: serde_json::Error },
}

/// `OpenID` Connect Discovery 1.0, section 3, and RFC 8414, section 2.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Source {
    pub(crate) fn of(settings: &ForeignIssuer) -> Self {
        Self { issuer: settings.issuer.clone(), configured: settings.jwks_url.clone(), discovered: None }
    }

    /// The issuer's keys as they are now. Takes seconds where the issuer does not answer.
    pub(crate) fn fetch(&mut self) -> Result<KeySet, FetchError> {
        let agent = agent();
        let keys = self.locate(&agent).and_then(|url| {
            let document = get(&agent, &url)?;
            KeySet::parse(&document).map_err(|source| FetchError::NoKeys { url, source })
        });
        if keys.is_err() {
            // They may have moved.
            self.discovered = None;
        }
        keys
    }

    fn locate(&mut self, agent: &Agent) -> Result<String, FetchError> {
        if let Some(url) = self.configured.as_ref().or(self.discovered.as_ref()) {
            return Ok(url.clone());
        }
        // OpenID Connect Discovery 1.0, section 4.1: without the slash that the issuer may end with.
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let document = get(agent, &url)?;
        let discovery: Discovery =
            serde_json::from_slice(&document).map_err(|source| FetchError::NoDiscovery { url: url.clone(), source })?;
        // Section 4.3: or one issuer could pass its keys off as those of another.
        if discovery.issuer != self.issuer {
            return Err(FetchError::OtherIssuer { url, issuer: discovery.issuer });
        }
        let is_safe = match scheme(&discovery.jwks_uri) {
            Some("https") => true,
            Some(_) => scheme(&self.issuer) == Some("http"),
            None => false,
        };
        if !is_safe {
            return Err(FetchError::Unsafe { url: discovery.jwks_uri });
        }
        Ok(self.discovered.insert(discovery.jwks_uri).clone())
    }
}

/// Made anew for every fetch, so that certificates count which the system has got since, and no connection is kept for hours.
fn agent() -> Agent {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    // Certificates that cannot be read are left out; without any, no server is believed.
    let system = rustls_native_certs::load_native_certs().certs;
    let certificates: Vec<_> = system.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect();
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(RootCerts::new_with_certs(&certificates))
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent("guildhall")
        .accept("application/json, application/jwk-set+json")
        .build();
    Agent::new_with_config(config)
}

fn get(agent: &Agent, url: &str) -> Result<Vec<u8>, FetchError> {
    let unread = |error| FetchError::Unread { url: url.to_owned(), source: Box::new(error) };
    let mut response = agent.get(url).call().map_err(unread)?;
    let status = response.status().as_u16();
    if status != 200 {
        return Err(FetchError::Status { url: url.to_owned(), status });
    }
    response.body_mut().with_config().limit(LONGEST).read_to_vec().map_err(unread)
}
