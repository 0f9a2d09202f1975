//! TLS: the certificate that is presented, and what is agreed on with a client.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{CertificateError, Error, InconsistentKeys, RootCertStore, ServerConfig};

/// The name of HTTP/2 in the negotiation of the protocol (RFC 7301 and RFC 9113, section 3.1).
pub(crate) const HTTP_2: &[u8] = b"h2";
const HTTP_1: &[u8] = b"http/1.1";

/// The certificate of a server with the certificates above it, and its private key.
#[derive(Clone, Debug)]
pub struct Identity(Arc<CertifiedKey>);

/// Why a certificate and a key are no identity of a server.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There is no certificate in the text.
    #[error("has no certificate in PEM")]
    NoCertificate,
    /// A certificate cannot be read.
    #[error("has a certificate that cannot be read: {0}")]
    BadCertificate(String),
    /// There is no private key in the text.
    #[error("has no private key in PEM")]
    NoKey,
    /// The private key cannot be read.
    #[error("has a private key that cannot be read: {0}")]
    BadKey(String),
    /// The private key is not the one of the first certificate.
    #[error("is not the key of the certificate")]
    OtherKey,
}

/// Whether a certificate is valid at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It is.
    Valid,
    /// It will be valid from this moment on, in seconds since 1970.
    NotYet(u64),
    /// It was valid until this moment, in seconds since 1970.
    Expired(u64),
}

impl Identity {
    /// Reads a chain of certificates, the server's own first, and the private key of that one, both in PEM. The key may be PKCS#8, PKCS#1 or SEC1.
    ///
    /// # Errors
    ///
    /// When one of both is missing or cannot be read, or the key is not that of the certificate. No message quotes the key.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let chain = CertificateDer::pem_slice_iter(certificates).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| IdentityError::BadCertificate(error.to_string()))?;
        let first = chain.first().ok_or(IdentityError::NoCertificate)?;
        ParsedCertificate::try_from(first).map_err(|error| IdentityError::BadCertificate(error.to_string()))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            pem::Error::NoItemsFound => IdentityError::NoKey,
            other => IdentityError::BadKey(other.to_string()),
        })?;
        let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => IdentityError::OtherKey,
            other => IdentityError::BadKey(other.to_string()),
        })?;
        Ok(Self(Arc::new(certified)))
    }

    /// Whether the server's own certificate is valid at a moment, in seconds since 1970.
    pub fn validity_at(&self, seconds: u64) -> Validity {
        let Some(Ok(certificate)) = self.0.cert.first().map(ParsedCertificate::try_from) else {
            return Validity::Valid;
        };
        let moment = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let algorithms = provider().signature_verification_algorithms.all;
        // The period is checked before the issuer, and whether clients know the issuer is not for the server to say.
        match verify_server_cert_signed_by_trust_anchor(&certificate, &RootCertStore::empty(), &[], moment, algorithms)
        {
            Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
                Validity::Expired(not_after.as_secs())
            }
            Err(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) => {
                Validity::NotYet(not_before.as_secs())
            }
            _ => Validity::Valid,
        }
    }
}

/// What is needed to speak TLS. Clones share one identity, which can be replaced: handshakes that begin later present the next one, and connections
/// that are open are not touched.
#[derive(Clone, Debug)]
pub struct Tls {
    current: Arc<CurrentIdentity>,
    config: Arc<ServerConfig>,
}

impl Tls {
    /// TLS 1.2 and 1.3 with this identity, for HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    ///
    /// When the library that encrypts does not support a version of TLS.
    pub fn new(identity: Identity) -> Result<Self, TlsError> {
        let current = Arc::new(CurrentIdentity(RwLock::new(identity)));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| TlsError(Box::new(error)))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = [HTTP_2, HTTP_1].map(<[u8]>::to_vec).into();
        Ok(Self { current, config: Arc::new(config) })
    }

    /// Presents another identity from the next handshake on.
    pub fn replace(&self, identity: Identity) {
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = identity;
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

/// TLS cannot be spoken.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be spoken")]
pub struct TlsError(#[source] Box<Error>);

#[derive(Debug)]
struct CurrentIdentity(RwLock<Identity>);

impl ResolvesServerCert for CurrentIdentity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).0))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
