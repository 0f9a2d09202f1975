//! Connections from addresses of their own on the loopback.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::timeout;

use crate::app::TestApp;
use crate::secure::{self, Stream};

/// Others come from here.
const OTHERS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 99);
/// Long enough for anything on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The answer to a request after which the server closes the connection: its status, and all of it.
pub(crate) async fn exchange(to: Target, request: &str) -> (u16, String) {
    let exchange = async {
        let mut stream = connect(OTHERS, to).await?;
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(String::from_utf8(answer).unwrap())
    };
    let answer =
        timeout(PATIENCE, exchange).await.expect("there is no answer").unwrap_or_else(|error| error.to_string());
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or(0), answer)
}

/// Where a server listens, and what it speaks.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    address: SocketAddr,
    is_tls: bool,
}

impl Target {
    pub(crate) fn of(app: &TestApp) -> Self {
        Self { address: app.server.address().parse().unwrap(), is_tls: app.server.is_tls() }
    }
}

/// A connection from this address of the loopback.
pub(crate) async fn connect(from: Ipv4Addr, to: Target) -> std::io::Result<Stream> {
    let socket = TcpSocket::new_v4()?;
    // What is sent and not read takes the memory of this machine, too.
    socket.set_recv_buffer_size(64 * 1024)?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let stream = socket.connect(to.address).await?;
    if to.is_tls { secure::encrypt(stream, &["http/1.1"]).await } else { Ok(Box::new(stream)) }
}
