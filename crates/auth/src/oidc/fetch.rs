//! Fetches an issuer's discovery document and key set over HTTP.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use serde::Deserialize;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use super::key_set::IssuerKeySet;
use super::settings::{ExternalIssuer, http_scheme};

/// The timeout of a request, from resolving the host name to the last byte of the response.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Longer documents are refused.
const MAX_DOCUMENT_BYTES: u64 = 1024 * 1024;

/// Fetches the key set of one issuer.
pub(crate) struct KeySetFetcher {
    issuer: String,
    /// The URL of the key set in the settings.
    configured: Option<String>,
    /// The URL of the key set in the discovery document, once that was fetched.
    discovered: Option<String>,
}

/// Why a key set could not be fetched.
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

/// The members that are needed (`OpenID` Connect Discovery 1.0, section 3, and RFC 8414, section 2).
#[derive(Deserialize)]
struct DiscoveryDocument {
    issuer: String,
    jwks_uri: String,
}

impl KeySetFetcher {
    pub(crate) fn new(settings: &ExternalIssuer) -> Self {
        Self { issuer: settings.issuer.clone(), configured: settings.jwks_url.clone(), discovered: None }
    }

    /// Fetches the key set. Blocks until the timeout if the issuer does not answer.
    pub(crate) fn fetch(&mut self) -> Result<IssuerKeySet, FetchError> {
        // Loaded for every fetch, so that changes of the system's root certificates need no restart. Unreadable certificates are
        // skipped; without any certificate, every connection over TLS fails.
        let system = rustls_native_certs::load_native_certs().certs;
        self.fetch_with(&agent(&system))
    }

    fn fetch_with(&mut self, agent: &Agent) -> Result<IssuerKeySet, FetchError> {
        let keys = self.key_set_url(agent).and_then(|url| {
            let document = get(agent, &url)?;
            IssuerKeySet::parse(&document).map_err(|source| FetchError::NoKeys { url, source })
        });
        if keys.is_err() {
            // The key set may have moved: the next fetch reads the discovery document again.
            self.discovered = None;
        }
        keys
    }

    fn key_set_url(&mut self, agent: &Agent) -> Result<String, FetchError> {
        if let Some(url) = self.configured.as_ref().or(self.discovered.as_ref()) {
            return Ok(url.clone());
        }
        // OpenID Connect Discovery 1.0, section 4.1: a slash at the end of the issuer is removed.
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let document = get(agent, &url)?;
        let discovery: DiscoveryDocument =
            serde_json::from_slice(&document).map_err(|source| FetchError::NoDiscovery { url: url.clone(), source })?;
        // Section 4.3. Without this check, one issuer could publish its keys as those of another.
        if discovery.issuer != self.issuer {
            return Err(FetchError::OtherIssuer { url, issuer: discovery.issuer });
        }
        if !is_safe(&self.issuer, &discovery.jwks_uri) {
            return Err(FetchError::Unsafe { url: discovery.jwks_uri });
        }
        Ok(self.discovered.insert(discovery.jwks_uri).clone())
    }
}

/// Whether the key set is protected by TLS if the discovery document is.
fn is_safe(issuer: &str, keys: &str) -> bool {
    match http_scheme(keys) {
        Some("https") => true,
        Some(_) => http_scheme(issuer) == Some("http"),
        None => false,
    }
}

/// An HTTP client that trusts these root certificates and keeps no connections open. It uses the proxy of the environment
/// (`HTTPS_PROXY`, `NO_PROXY`), just as the system's root certificates depend on it (`SSL_CERT_FILE`).
fn agent(root_certificates: &[CertificateDer<'_>]) -> Agent {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let certificates: Vec<_> = root_certificates.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(RootCerts::new_with_certs(&certificates))
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections(0)
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
    response.body_mut().with_config().limit(MAX_DOCUMENT_BYTES).read_to_vec().map_err(unread)
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{SocketAddr, TcpListener};
    use std::sync::Arc;
    use std::thread;

    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::{ServerConfig, ServerConnection, StreamOwned};

    use super::{FetchError, KeySetFetcher, agent};

    fn certificate(pem: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
    }

    /// An HTTPS server that answers every request with `body`, until the test ends.
    fn serve(body: &'static str) -> SocketAddr {
        let chain = vec![certificate(include_str!("../../tests/tls/server.pem"))];
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("../../tests/tls/server.key.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = BufReader::new(StreamOwned::new(connection, stream.unwrap()));
                if stream.by_ref().lines().map_while(Result::ok).any(|line| line.is_empty()) {
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                    let _ = stream.get_mut().write_all((head + body).as_bytes());
                }
            }
        });
        address
    }

    fn fetcher(url: String) -> KeySetFetcher {
        KeySetFetcher { issuer: "https://elsewhere.test".to_owned(), configured: Some(url), discovered: None }
    }

    #[test]
    fn keys_are_fetched_over_tls_from_whom_an_authority_of_the_system_vouches_for() {
        let authority = [certificate(include_str!("../../tests/tls/authority.pem"))];
        let address = serve(r#"{"keys":[]}"#);
        for host in ["localhost", "127.0.0.1"] {
            let mut fetcher = fetcher(format!("https://{host}:{}/keys", address.port()));
            assert!(fetcher.fetch_with(&agent(&authority)).is_ok(), "{host}");
            for refused in [fetcher.fetch(), fetcher.fetch_with(&agent(&[]))] {
                let Err(FetchError::Unread { source, .. }) = refused else {
                    panic!("an unknown certificate was trusted")
                };
                assert!(source.to_string().contains("certificate"), "{source} {:?}", source.source());
            }
        }
    }

    #[test]
    fn a_document_without_safe_keys_is_not_believed() {
        for (issuer, keys, is_safe) in [
            ("https://a.test", "https://keys.test/k", true),
            ("https://a.test", "http://keys.test/k", false),
            ("http://a.test", "http://keys.test/k", true),
            ("http://a.test", "file:///k", false),
        ] {
            assert_eq!(super::is_safe(issuer, keys), is_safe, "{issuer} {keys}");
        }
    }
}
