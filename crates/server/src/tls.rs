//! The files with the certificate and the key of TLS, which are read again when they change.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use guildhall_domain::ports::Clock as _;
use guildhall_domain::time::Timestamp;
use guildhall_http::{Identity, IdentityError, Tls, Validity};

use crate::settings::ServerSettings;
use crate::system::SystemClock;

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(2);
/// The most bytes of a file. A chain of certificates has some thousand.
const LARGEST: u64 = 1024 * 1024;

/// The paths of a certificate and its key.
#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
}

/// Looks at the files again, and remembers what was there.
pub(crate) struct TlsLooker {
    files: TlsFiles,
    found: Result<Pem, String>,
    presented: Identity,
    validity: Validity,
}

/// Looks at the files until it is dropped.
pub(crate) struct TlsWatch(#[expect(dead_code, reason = "the thread ends when it is dropped")] Sender<()>);

/// What the files have.
#[derive(PartialEq, Eq)]
struct Pem {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl TlsFiles {
    /// The files that are set. If one is, both are.
    pub(crate) fn of(settings: &ServerSettings) -> Option<Self> {
        let (certificate, key) = settings.tls_certificate_file.clone().zip(settings.tls_key_file.clone())?;
        Some(Self { certificate, key })
    }

    /// Reads the files, and warns if the certificate is not valid at present.
    pub(crate) fn load(self) -> Result<(TlsLooker, Identity)> {
        let found = self.read()?;
        let identity = self.identity(&found)?;
        let validity = identity.validity_at(seconds_now());
        if let Some(warning) = self.warning(validity) {
            tracing::warn!("{warning}");
        }
        Ok((TlsLooker { files: self, found: Ok(found), presented: identity.clone(), validity }, identity))
    }

    /// What is wrong with the certificate's time, if anything is. Fails as the start would.
    pub(crate) fn check(&self) -> Result<Option<String>> {
        let identity = self.identity(&self.read()?)?;
        Ok(self.warning(identity.validity_at(seconds_now())))
    }

    fn read(&self) -> Result<Pem> {
        let read = |key: &str, path: &Path| {
            read(path).with_context(|| format!("server.{key}: cannot read {}", path.display()))
        };
        Ok(Pem { certificate: read("tls_certificate_file", &self.certificate)?, key: read("tls_key_file", &self.key)? })
    }

    fn identity(&self, pem: &Pem) -> Result<Identity> {
        Identity::from_pem(&pem.certificate, &pem.key).map_err(|error| {
            let (key, path) = match &error {
                IdentityError::NoCertificate | IdentityError::BadCertificate(_) => {
                    ("tls_certificate_file", &self.certificate)
                }
                IdentityError::NoKey | IdentityError::BadKey(_) | IdentityError::OtherKey => {
                    ("tls_key_file", &self.key)
                }
            };
            let certificate = match &error {
                IdentityError::OtherKey => format!(" in {}", self.certificate.display()),
                _ => String::new(),
            };
            anyhow!("server.{key}: {} {error}{certificate}", path.display())
        })
    }

    fn warning(&self, validity: Validity) -> Option<String> {
        let path = self.certificate.display();
        match validity {
            Validity::Valid => None,
            Validity::NotYet(from) => Some(format!("the certificate in {path} is not valid before {}", shown(from))),
            Validity::Expired(until) => Some(format!("the certificate in {path} expired at {}", shown(until))),
        }
    }
}

impl TlsLooker {
    /// Looks at the files every two seconds, in a thread of its own, and gives `tls` what they have when it has changed. What cannot be used is reported
    /// once, and leaves what was there.
    pub(crate) fn watch(mut self, tls: Tls) -> io::Result<TlsWatch> {
        let (watch, ended) = channel();
        let run = move || {
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(INTERVAL) {
                self.look(&tls);
            }
        };
        thread::Builder::new().name("certificate".to_owned()).spawn(run)?;
        Ok(TlsWatch(watch))
    }

    fn look(&mut self, tls: &Tls) {
        let found = self.files.read().map_err(|error| format!("{error:#}"));
        if found != self.found {
            let identity = found.as_ref().map_err(Clone::clone);
            let identity = identity.and_then(|pem| self.files.identity(pem).map_err(|error| error.to_string()));
            let path = self.files.certificate.display();
            match identity {
                Ok(identity) => {
                    tracing::info!("the certificate in {path} or its key has changed, and is presented from now on");
                    tls.replace(identity.clone());
                    self.presented = identity;
                }
                Err(error) => tracing::error!(
                    error,
                    "the certificate in {path} or its key has changed and cannot be used; the one of before is presented"
                ),
            }
            self.found = found;
        }
        let validity = self.presented.validity_at(seconds_now());
        if validity != self.validity
            && let Some(warning) = self.files.warning(validity)
        {
            tracing::warn!("{warning}");
        }
        self.validity = validity;
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        bail!("it has more than {LARGEST} bytes");
    }
    Ok(bytes)
}

fn seconds_now() -> u64 {
    u64::try_from(SystemClock.now().milliseconds() / 1000).unwrap_or(0)
}

fn shown(seconds: u64) -> Timestamp {
    Timestamp::from_milliseconds(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000))
}
