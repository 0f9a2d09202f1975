//! One attempt to deliver an event: a request over HTTP.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use guildhall_domain::directory::Claim;
use guildhall_domain::event::EventId;
use guildhall_domain::ports::Destinations as _;
use guildhall_domain::time::Timestamp;
use guildhall_domain::webhook::{Attempt, WebhookSecret, WebhookUrl};
use rustls::pki_types::CertificateDer;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::unversioned::resolver::{DefaultResolver, Resolver};
use ureq::unversioned::transport::DefaultConnector;

use crate::resolver::GuardedResolver;
use crate::retry_after::retry_after;
use crate::rules::DestinationRules;
use crate::signature::signatures;

/// The most time of an attempt, from resolving the name to the status of the response and the little that is read of its body.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The most bytes of a response that are read, so that its connection can be used again.
const LONGEST_RESPONSE: u64 = 16 * 1024;

/// Sends events. Connections are kept for a while.
pub(crate) struct Sender {
    agent: Agent,
    rules: Arc<DestinationRules>,
}

impl Sender {
    /// A sender that trusts the root certificates that the system has now.
    pub(crate) fn new(rules: &Arc<DestinationRules>) -> Self {
        // Unreadable certificates are skipped; without any certificate, every connection over TLS fails.
        let system = rustls_native_certs::load_native_certs().certs;
        Self::with(rules, &system, DefaultResolver::default(), TIMEOUT)
    }

    /// A sender that trusts these root certificates and resolves names by `names`.
    fn with(
        rules: &Arc<DestinationRules>,
        root_certificates: &[CertificateDer<'_>],
        names: impl Resolver,
        timeout: Duration,
    ) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let certificates: Vec<_> = root_certificates.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(RootCerts::new_with_certs(&certificates))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            // A proxy would connect wherever it likes.
            .proxy(None)
            .https_only(!rules.allow_http)
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent("guildhall")
            .accept("*/*")
            .build();
        let resolver = GuardedResolver { names, rules: Arc::clone(rules) };
        let agent = Agent::with_parts(config, DefaultConnector::default(), resolver);
        Self { agent, rules: Arc::clone(rules) }
    }

    /// Sends what is claimed, at this moment.
    pub(crate) fn send(&self, claim: &Claim, now: Timestamp) -> Attempt {
        let began = Instant::now();
        let answered = self.request(&claim.url, (claim.event, &claim.body), &claim.secrets, now);
        let (at, duration) = (now, began.elapsed());
        match answered {
            Ok((status, retry_after)) => Attempt { at, duration, status: Some(status), error: None, retry_after },
            Err(error) => Attempt { at, duration, status: None, error: Some(error), retry_after: None },
        }
    }

    /// The status of the response, and when the receiver asks to be tried again.
    fn request(
        &self,
        url: &WebhookUrl,
        (event, body): (EventId, &str),
        secrets: &[WebhookSecret],
        now: Timestamp,
    ) -> Result<(u16, Option<Duration>), String> {
        // The rules may have changed since the webhook was made.
        self.rules.check(url).map_err(|error| error.to_string())?;
        if secrets.is_empty() {
            return Err(
                "the secret cannot be read, because the key that sealed it is gone: rotate the secret".to_owned()
            );
        }
        let (id, seconds) = (event.to_string(), now.milliseconds().div_euclid(1000));
        let sent = self
            .agent
            .post(url.as_str())
            .header("content-type", "application/cloudevents+json; charset=utf-8")
            .header("webhook-id", &id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", signatures(secrets, &id, seconds, body))
            .send(body);
        let mut response = sent.map_err(|error| chain(&error))?;
        let asked = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after = asked.and_then(|value| retry_after(value, now));
        // What it says does not matter. If it is too long or too slow, the connection is closed.
        _ = response.body_mut().with_config().limit(LONGEST_RESPONSE).read_to_vec();
        Ok((response.status().as_u16(), retry_after))
    }
}

/// The message of an error and of all its sources, in one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        // Writing to a string does not fail.
        _ = write!(line, ": {error}");
        source = error.source();
    }
    line
}

#[cfg(test)]
mod tests;
