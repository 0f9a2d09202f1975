//! The byte stream of a connection: TCP, TLS over TCP, or a Unix socket.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::HttpRequest;
use actix_web::rt::net::{TcpStream, UnixStream};
use rustix::net::RecvFlags;
use rustls::ServerConnection;
use tokio::io::{AsyncBufRead as _, AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::server::connection::Connection;
use crate::server::tls::{HTTP_2, Tls};

/// The most bytes that are encrypted before the client has taken them. The kernel keeps more for it.
const TLS_BUFFER: usize = 16 * 1024;

/// The byte stream of a connection.
pub(crate) enum Transport {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

/// From where and to where a connection was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Endpoints {
    /// The address of this side, where it has one.
    pub(crate) local: Option<SocketAddr>,
    pub(crate) peer: Peer,
    /// Whether it is encrypted by this server.
    pub(crate) is_tls: bool,
}

/// The other side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A socket with this address.
    Address(SocketAddr),
    /// A process that may open the Unix socket.
    UnixSocket,
    /// Not known: the request came through no socket, or the socket is closed.
    Unknown,
}

impl Peer {
    /// The other side of the connection over which a request came.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let known = || request.peer_addr().map_or(Self::Unknown, Self::Address);
        Connection::of(request).map_or_else(known, |connection| connection.peer())
    }

    /// Its address, where it has one.
    pub(crate) fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Address(address) => Some(address),
            Self::UnixSocket | Self::Unknown => None,
        }
    }
}

impl Endpoints {
    pub(crate) fn of_tcp(stream: &TcpStream, is_tls: bool) -> Self {
        Self { local: stream.local_addr().ok(), peer: stream.peer_addr().map_or(Peer::Unknown, Peer::Address), is_tls }
    }

    pub(crate) fn of_unix() -> Self {
        Self { local: None, peer: Peer::UnixSocket, is_tls: false }
    }
}

/// A stream that was just accepted, before anything was read from it.
pub(crate) trait Accepted: 'static {
    /// From where and to where it was made; `tls` says whether it is going to be encrypted.
    fn endpoints(&self, tls: Option<&Tls>) -> Endpoints;

    /// The stream once its handshake is done, if it needs one.
    async fn ready(self, tls: Option<Tls>) -> io::Result<Transport>;
}

impl Accepted for TcpStream {
    fn endpoints(&self, tls: Option<&Tls>) -> Endpoints {
        Endpoints::of_tcp(self, tls.is_some())
    }

    async fn ready(self, tls: Option<Tls>) -> io::Result<Transport> {
        // Best effort: without it, small responses are slower.
        let _ = self.set_nodelay(true);
        let Some(tls) = tls else { return Ok(Transport::Tcp(self)) };
        let limit = |session: &mut ServerConnection| session.set_buffer_limit(Some(TLS_BUFFER));
        // Boxed, so that connections without TLS have no room for it.
        let stream = Box::pin(TlsAcceptor::from(tls.config()).accept_with(self, limit)).await?;
        Ok(Transport::Tls(Box::new(stream)))
    }
}

impl Accepted for UnixStream {
    fn endpoints(&self, _: Option<&Tls>) -> Endpoints {
        Endpoints::of_unix()
    }

    async fn ready(self, _: Option<Tls>) -> io::Result<Transport> {
        Ok(Transport::Unix(self))
    }
}

impl Transport {
    /// Whether the client chose HTTP/2 in its handshake.
    pub(crate) fn is_http_2(&self) -> bool {
        match self {
            Self::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(HTTP_2),
            Self::Tcp(_) | Self::Unix(_) => false,
        }
    }

    /// Ready when there is something to read, or the other side has closed the stream.
    pub(crate) fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_read_ready(context),
            Self::Unix(stream) => stream.poll_read_ready(context),
            Self::Tls(stream) => end_of_stream(Pin::new(&mut **stream).poll_fill_buf(context)).map_ok(drop),
        }
    }

    /// Copies into `buffer` what would be read next, and says how much it is; 0 is the end of the stream.
    ///
    /// Of a TLS connection, one record, of up to 16 KiB, is read and kept.
    pub(crate) fn poll_peek(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => stream.poll_peek(context, buffer),
            Self::Unix(stream) => loop {
                ready!(stream.poll_read_ready(context))?;
                let unfilled = buffer.initialize_unfilled();
                let peek = || Ok(rustix::net::recv(&*stream, &mut *unfilled, RecvFlags::PEEK)?.1);
                match stream.try_io(Interest::READABLE, peek) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => return Poll::Ready(Err(error)),
                    Ok(peeked) => {
                        buffer.advance(peeked);
                        return Poll::Ready(Ok(peeked));
                    }
                }
            },
            Self::Tls(stream) => {
                let next = ready!(end_of_stream(Pin::new(&mut **stream).poll_fill_buf(context)))?;
                let peeked = next.len().min(buffer.remaining());
                buffer.put_slice(&next[..peeked]);
                Poll::Ready(Ok(peeked))
            }
        }
    }
}

/// Takes a stream that ends without the farewell of TLS for one that ends. Of a message of HTTP it is known where it ends, so none is cut off unnoticed.
fn end_of_stream(read: Poll<io::Result<&[u8]>>) -> Poll<io::Result<&[u8]>> {
    match read {
        Poll::Ready(Err(error)) if error.kind() == ErrorKind::UnexpectedEof => Poll::Ready(Ok(&[])),
        other => other,
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => match Pin::new(&mut **stream).poll_read(context, buffer) {
                Poll::Ready(Err(error)) if error.kind() == ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
                other => other,
            },
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_shutdown(context),
        }
    }
}

impl Drop for Transport {
    /// Says farewell, as TLS wants it, to a client whose connection ends at a deadline. Without it, the end of the stream might be an attack.
    fn drop(&mut self) {
        if let Self::Tls(stream) = self {
            let (tcp, session) = stream.get_mut();
            session.send_close_notify();
            let mut farewell = Vec::new();
            // Best effort, and only what the kernel takes at once.
            while session.wants_write() && session.write_tls(&mut farewell).is_ok() {}
            let _ = tcp.try_write(&farewell);
        }
    }
}
