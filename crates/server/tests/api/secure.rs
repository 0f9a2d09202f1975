//! TLS as clients speak it: certificates for tests, and connections that trust them.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::thread;

use reqwest::{Client, ClientBuilder};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::app::{Setup, Transport};

/// A connection of either kind.
pub(crate) type Stream = Box<dyn Duplex>;

/// What can be read from and written to.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// A certificate and its key, in PEM.
pub(crate) struct Certificate {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Certificate {
    /// Makes one for this machine, which says this name.
    pub(crate) fn generate(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [certificate, key] = ["certificate", "key"].map(|file| folder.path().join(file));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
            .args(["-subj", &format!("/CN={name}"), "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE", "-out"])
            .arg(&certificate)
            .arg("-keyout")
            .arg(&key)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let [certificate, key] = [certificate, key].map(|file| fs::read_to_string(file).unwrap());
        Self { certificate, key }
    }

    pub(crate) fn write_to(&self, certificate: &Path, key: &Path) {
        fs::write(certificate, &self.certificate).unwrap();
        fs::write(key, &self.key).unwrap();
    }
}

impl Setup {
    /// The server speaks TLS, or does not.
    pub(crate) fn speaking(self, transport: Transport) -> Self {
        match transport {
            Transport::Plain => self,
            Transport::Tls => self.with_certificate(certificate()),
        }
    }

    /// The server speaks TLS with this certificate.
    pub(crate) fn with_certificate(self, certificate: &Certificate) -> Self {
        let [file, key] = self.tls_files();
        certificate.write_to(&file, &key);
        self.with("GUILDHALL_SERVER__TLS_CERTIFICATE_FILE", file.to_str().unwrap())
            .with("GUILDHALL_SERVER__TLS_KEY_FILE", key.to_str().unwrap())
    }

    /// Where the certificate and its key are.
    pub(crate) fn tls_files(&self) -> [PathBuf; 2] {
        ["tls.crt", "tls.key"].map(|name| self.database.path().join(name))
    }
}

/// The certificate of all servers that need no other.
pub(crate) fn certificate() -> &'static Certificate {
    static CERTIFICATE: OnceLock<Certificate> = OnceLock::new();
    CERTIFICATE.get_or_init(|| Certificate::generate("guildhall"))
}

/// What a client trusts, and which protocols it offers.
pub(crate) fn client_config(protocols: &[&str]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate().certificate.as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    config
}

/// A client that takes the best protocol that a server has.
pub(crate) fn client() -> Client {
    client_builder().build().unwrap()
}

/// The same, to be made otherwise.
pub(crate) fn client_builder() -> ClientBuilder {
    Client::builder().tls_backend_preconfigured(client_config(&["h2", "http/1.1"]))
}

/// Makes a connection one for these protocols over TLS.
pub(crate) async fn encrypt(stream: TcpStream, protocols: &[&str]) -> io::Result<Stream> {
    static CONFIGS: OnceLock<[Arc<ClientConfig>; 2]> = OnceLock::new();
    let configs = CONFIGS.get_or_init(|| [&["http/1.1"], &["h2"]].map(|protocols| Arc::new(client_config(protocols))));
    let config = Arc::clone(&configs[usize::from(protocols == ["h2"])]);
    let name = ServerName::try_from("localhost").unwrap();
    Ok(Box::new(TlsConnector::from(config).connect(name, stream).await?))
}

/// The address of a listener that takes one connection without TLS, and passes what comes to the server over TLS.
pub(crate) fn tunnel_to(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (plain, _) = listener.accept().unwrap();
        plain.set_nonblocking(true).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // Either side may end whenever it wants. What the server has answered is passed on also where it takes no more of a request.
        let _: io::Result<()> = runtime.block_on(async {
            let plain = TcpStream::from_std(plain)?;
            let encrypted = encrypt(TcpStream::connect(server).await?, &["http/1.1"]).await?;
            let (from_client, to_client) = tokio::io::split(plain);
            let (from_server, to_server) = tokio::io::split(encrypted);
            tokio::join!(pass(from_client, to_server), pass(from_server, to_client));
            Ok(())
        });
    });
    address
}

/// Passes on what comes `from` one side until it ends or the other takes no more.
async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    let _ = copy(&mut from, &mut to).await;
    let _ = to.shutdown().await;
}
