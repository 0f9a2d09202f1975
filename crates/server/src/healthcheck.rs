//! Asks the running service whether it is well. For container runtimes, which run a command and look at its exit status.

mod pinned;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;

use crate::settings::Settings;

/// The most time that the answer may take, from the look-up of the host's name on.
const TIMEOUT: Duration = Duration::from_secs(3);
/// More bytes than a status line of the service has.
const LONGEST_STATUS_LINE: u64 = 256;

/// What is asked.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Probe {
    /// Whether it answers requests, and its database takes changes.
    #[default]
    Ready,
    /// Whether it answers at all.
    Live,
}

impl Probe {
    fn path(self) -> &'static str {
        match self {
            Self::Ready => "/health/ready",
            Self::Live => "/health/live",
        }
    }
}

/// Where the service listens, as seen from the same machine.
enum Endpoint {
    Tcp {
        host: String,
        port: u16,
    },
    /// TLS with the certificate in this file.
    Tls {
        host: String,
        port: u16,
        certificate: PathBuf,
    },
    Unix(PathBuf),
}

impl Endpoint {
    /// The management port where there is one, because it speaks plain HTTP and is never full of clients.
    fn of(settings: &Settings) -> Result<Self> {
        let server = &settings.server;
        if let Some(port) = server.management_port {
            let (host, port) = reachable("server.management_port", &server.management_host, port)?;
            return Ok(Self::Tcp { host, port });
        }
        if let Some(path) = &server.unix_socket {
            return Ok(Self::Unix(path.clone()));
        }
        let (host, port) = reachable("server.port", &server.host, server.port)?;
        Ok(match server.tls_certificate_file.clone() {
            None => Self::Tcp { host, port },
            Some(certificate) => Self::Tls { host, port, certificate },
        })
    }

    /// The status line of the answer.
    fn ask(&self, probe: Probe) -> Result<String> {
        match self {
            Self::Tcp { host, port } => exchange(connect(host, *port)?, probe),
            Self::Tls { host, port, certificate } => {
                exchange(pinned::encrypted(connect(host, *port)?, certificate)?, probe)
            }
            Self::Unix(path) => {
                let stream = UnixStream::connect(path);
                exchange(stream.with_context(|| format!("cannot connect to {}", path.display()))?, probe)
            }
        }
    }
}

/// The host and the port at which a service is found that listens on those.
fn reachable(key: &str, host: &str, port: u16) -> Result<(String, u16)> {
    if port == 0 {
        bail!("{key}: 0 is any free port, so the service cannot be asked");
    }
    let host = match host.parse() {
        Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) => Ipv4Addr::LOCALHOST.to_string(),
        Ok(IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => Ipv6Addr::LOCALHOST.to_string(),
        _ => host.to_owned(),
    };
    Ok((host, port))
}

fn connect(host: &str, port: u16) -> Result<TcpStream> {
    TcpStream::connect((host, port)).with_context(|| format!("cannot connect to {host} port {port}"))
}

/// Asks the service, and returns the status of its answer.
///
/// # Errors
///
/// When the status is not one of success, when something else answers, or nobody in time.
pub(crate) fn ask(settings: &Settings, probe: Probe) -> Result<String> {
    let endpoint = Endpoint::of(settings)?;
    let (answers, answer) = sync_channel(1);
    // A thread can be left behind whatever it waits for: a name server, a connection, a slow answer.
    thread::Builder::new().name("healthcheck".to_owned()).spawn(move || {
        // Whoever asked may have given up.
        let _ = answers.send(endpoint.ask(probe));
    })?;
    let line = answer
        .recv_timeout(TIMEOUT)
        .map_err(|_| anyhow!("no answer to {} within {} seconds", probe.path(), TIMEOUT.as_secs()))??;
    let status = line.strip_prefix("HTTP/1.1 ").with_context(|| format!("no answer of this service: '{line}'"))?;
    if !status.starts_with('2') {
        bail!("{} says {status}", probe.path());
    }
    Ok(status.to_owned())
}

/// Sends the request over a stream of any kind, and reads the first line of the answer.
fn exchange(mut stream: impl Read + Write, probe: Probe) -> Result<String> {
    let request = format!("GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", probe.path());
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    let mut line = Vec::new();
    BufReader::new(stream.take(LONGEST_STATUS_LINE)).read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).trim_end().escape_debug().to_string())
}
