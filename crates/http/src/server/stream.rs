//! A TCP stream that reads no more than the phase of its connection allows.

use std::cell::RefCell;
use std::io;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_web::rt::net::TcpStream;
use guildhall_domain::ports::Ids;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::server::connection::{Connection, ReadAllowance};
use crate::server::malformed_request::error_response;

/// The most bytes that are read at once while waiting for a head.
const HEAD_READ: usize = 2048;
/// A byte that is invalid in a head. It is passed to actix after a head that is too long: actix answers 400 and closes the
/// connection.
const NO_HEAD: [u8; 1] = [0];

/// A TCP stream that reads no more than the phase of its connection allows.
pub(crate) struct PacedStream {
    stream: Rc<RefCell<TcpStream>>,
    connection: Connection,
    /// Makes the ids of malformed requests.
    ids: Arc<dyn Ids>,
    has_just_read: bool,
    head_is_too_long: bool,
    /// The replacement of actix's own answer that is being written, and how many bytes of it are written.
    last: Option<(Vec<u8>, usize)>,
}

impl PacedStream {
    /// `stream`, read as `connection` allows; malformed requests get their ids from `ids`.
    pub(crate) fn new(stream: Rc<RefCell<TcpStream>>, connection: Connection, ids: Arc<dyn Ids>) -> Self {
        Self { stream, connection, ids, has_just_read: false, head_is_too_long: false, last: None }
    }

    /// Its connection.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    fn poll_read_bytes(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        most: usize,
    ) -> Poll<io::Result<()>> {
        let most = most.min(buffer.remaining());
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(most));
        ready!(Pin::new(&mut *self.stream.borrow_mut()).poll_read(context, &mut part))?;
        let read = part.filled().len();
        buffer.advance(read);
        self.connection.record_read(read);
        self.has_just_read = read > 0;
        Poll::Ready(Ok(()))
    }

    fn poll_write_bytes(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut *self.stream.borrow_mut()).poll_write(context, bytes);
        match &written {
            Poll::Ready(Ok(_)) => self.connection.record_written(),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.connection.record_blocked(),
        }
        written
    }
}

impl AsyncRead for PacedStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // actix reads until the stream would block, and parses only then, which may change the phase.
        if mem::take(&mut this.has_just_read) {
            if this.stream.borrow().poll_read_ready(context)?.is_ready() {
                this.connection.continue_at_once();
            }
            return Poll::Pending;
        }
        match this.connection.read_allowance(context) {
            ReadAllowance::Head(left) => {
                let mut ahead = [0; HEAD_READ];
                let mut peeked = ReadBuf::new(&mut ahead);
                match this.stream.borrow().poll_peek(context, &mut peeked) {
                    // To actix it looks as if the client had closed the connection.
                    Poll::Pending if this.connection.park_if_idle_in_crowd() => return Poll::Ready(Ok(())),
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(peeked) => peeked?,
                };
                let most = to_empty_line(peeked.filled()).min(left);
                this.poll_read_bytes(context, buffer, most)
            }
            ReadAllowance::Bytes(most) => this.poll_read_bytes(context, buffer, most),
            ReadAllowance::End => match this.stream.borrow().poll_peek(context, &mut ReadBuf::new(&mut [0])) {
                Poll::Ready(Ok(0)) => Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Ready(Ok(_)) | Poll::Pending => Poll::Pending,
            },
            ReadAllowance::Nothing => Poll::Pending,
            ReadAllowance::HeadTooLong => {
                buffer.put_slice(&NO_HEAD);
                this.head_is_too_long = true;
                this.has_just_read = true;
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for PacedStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.last.is_none() && this.connection.is_between_responses() {
            let peer = this.stream.borrow().peer_addr().ok();
            this.last = Some((error_response(bytes, this.head_is_too_long, this.ids.next(), peer), 0));
        }
        let Some((last, mut done)) = this.last.take() else {
            return this.poll_write_bytes(context, bytes);
        };
        while done < last.len() {
            match this.poll_write_bytes(context, &last[done..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => done += written,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    this.last = Some((last, done));
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.connection.record_flushed();
        Pin::new(&mut *this.stream.borrow_mut()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.connection.is_parked() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut *this.stream.borrow_mut()).poll_shutdown(context)
    }
}

/// How many of `bytes` to read at once: up to the end of the first empty line, with which a head ends.
///
/// actix decodes all requests of one read, at about 7 KiB of memory each; so they are read one by one.
fn to_empty_line(bytes: &[u8]) -> usize {
    let ends = |rest: &[u8]| match rest {
        [b'\n', b'\n', ..] => Some(2),
        [b'\n', b'\r', b'\n', ..] => Some(3),
        _ => None,
    };
    let found = (0..bytes.len()).find_map(|start| Some(start + ends(&bytes[start..])?));
    // At least one byte, so that the end of the stream is read too.
    found.unwrap_or(bytes.len()).max(1)
}

#[cfg(test)]
mod tests {
    use super::to_empty_line;

    #[test]
    fn requests_are_read_one_by_one() {
        for (bytes, expected) in [
            ("GET / HTTP/1.1\r\nhost: x\r\n\r\nGET /", 27),
            ("GET / HTTP/1.1\nhost: x\n\nGET /", 24),
            ("GET / HTTP/1.1\r\nhost: x\r\n", 25),
            ("\r\n\r\nGET", 4),
            ("", 1),
        ] {
            assert_eq!(to_empty_line(bytes.as_bytes()), expected, "{bytes:?}");
        }
    }
}
