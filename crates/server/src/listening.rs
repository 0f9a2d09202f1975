//! The socket on which the service listens.

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use guildhall_http::{Listener, Tls};

use crate::settings::ServerSettings;
use crate::tls::{TlsFiles, TlsWatch};
use crate::unix_socket::{self, SocketFile};

/// How many connections may wait to be accepted, as far as the system allows.
pub(crate) const BACKLOG: i32 = 4096;
/// How many bytes of a response the kernel keeps for a client that reads slowly. By itself it keeps some megabytes for each.
const SEND_BUFFER: usize = 128 * 1024;

/// A socket that listens.
pub(crate) struct Listening {
    pub(crate) listener: Listener,
    /// Where clients on this machine find it.
    pub(crate) url: ListeningUrl,
    /// The file of a Unix socket.
    pub(crate) socket: Option<SocketFile>,
    /// Reads the certificate again when it changes, for as long as it is kept.
    _watch: Option<TlsWatch>,
}

/// Where the service listens.
pub(crate) enum ListeningUrl {
    Http(SocketAddr),
    Https(SocketAddr),
    Unix(PathBuf),
}

impl Listening {
    /// Listens where `settings` say.
    pub(crate) fn on(settings: &ServerSettings) -> Result<Self> {
        if let Some(path) = &settings.unix_socket {
            return Self::on_unix_socket(path, settings);
        }
        // First, because a certificate that is missing is found sooner than a port that is taken.
        let tls = TlsFiles::of(settings).map(TlsFiles::load).transpose()?;
        let (listener, address) = listen(&settings.host, settings.port)?;
        let Some((looker, identity)) = tls else {
            let url = ListeningUrl::Http(address);
            return Ok(Self { listener: Listener::Tcp(listener), url, socket: None, _watch: None });
        };
        let tls = Tls::new(identity)?;
        let watch = looker.watch(tls.clone())?;
        let url = ListeningUrl::Https(address);
        Ok(Self { listener: Listener::Tls(listener, tls), url, socket: None, _watch: Some(watch) })
    }

    fn on_unix_socket(path: &Path, settings: &ServerSettings) -> Result<Self> {
        let (listener, socket) = unix_socket::listen(path, settings.unix_socket_mode)
            .with_context(|| format!("server.unix_socket: cannot listen on {}", path.display()))?;
        let url = ListeningUrl::Unix(path.to_owned());
        Ok(Self { listener: Listener::Unix(listener), url, socket: Some(socket), _watch: None })
    }
}

fn listen(host: &str, port: u16) -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((host, port)).with_context(|| format!("cannot listen on {host} port {port}"))?;
    rustix::net::listen(&listener, BACKLOG)?;
    rustix::net::sockopt::set_socket_send_buffer_size(&listener, SEND_BUFFER)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

impl ListeningUrl {
    /// The address or the path, without what is spoken there.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Http(address) | Self::Https(address) => address.to_string(),
            Self::Unix(path) => path.display().to_string(),
        }
    }
}

impl fmt::Display for ListeningUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self {
            Self::Http(_) => "http://",
            Self::Https(_) => "https://",
            Self::Unix(_) => "unix:",
        };
        write!(formatter, "{scheme}{}", self.address())
    }
}
