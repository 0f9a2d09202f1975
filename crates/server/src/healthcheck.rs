//! Asks the running service whether it is well. For container runtimes, which run a command and look at its exit status.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream};
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
struct Endpoint {
    host: String,
    port: u16,
}

impl Endpoint {
    fn of(settings: &Settings) -> Result<Self> {
        let (host, port) = (&settings.server.host, settings.server.port);
        if port == 0 {
            bail!("server.port: 0 is any free port, so the service cannot be asked");
        }
        let host = match host.parse() {
            Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) => Ipv4Addr::LOCALHOST.to_string(),
            Ok(IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => Ipv6Addr::LOCALHOST.to_string(),
            _ => host.clone(),
        };
        Ok(Self { host, port })
    }

    /// The status line of the answer.
    fn ask(&self, probe: Probe) -> Result<String> {
        let Self { host, port } = self;
        let stream = TcpStream::connect((host.as_str(), *port))
            .with_context(|| format!("cannot connect to {host} port {port}"))?;
        exchange(stream, probe)
    }
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
