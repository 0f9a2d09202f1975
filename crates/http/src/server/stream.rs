//! A byte stream that reads no more than the phase of its connection allows.

use std::cell::RefCell;
use std::io;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use guildhall_domain::ports::Ids;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::server::connection::{Connection, MAX_HEAD, ReadAllowance};
use crate::server::malformed_request::error_response;
use crate::server::transport::Transport;

/// The most bytes that are read at once while waiting for a head.
const HEAD_READ: usize = 2048;
/// A byte that is invalid in a head. It is passed to actix after a head that is too long: actix answers 400 and closes the
/// connection.
const NO_HEAD: [u8; 1] = [0];

/// A byte stream that reads no more than the phase of its connection allows.
pub(crate) struct PacedStream {
    stream: Rc<RefCell<Transport>>,
    connection: Connection,
    /// Makes the ids of malformed requests.
    ids: Arc<dyn Ids>,
    has_just_read: bool,
    head_is_too_long: bool,
    /// The last two bytes that were read of a head, with which its empty line may begin.
    head_tail: [u8; 2],
    /// The replacement of actix's own answer that is being written, and how many bytes of it are written.
    last: Option<(Vec<u8>, usize)>,
}

impl PacedStream {
    /// `stream`, read as `connection` allows; malformed requests get their ids from `ids`.
    pub(crate) fn new(stream: Rc<RefCell<Transport>>, connection: Connection, ids: Arc<dyn Ids>) -> Self {
        Self { stream, connection, ids, has_just_read: false, head_is_too_long: false, head_tail: [0; 2], last: None }
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
            if this.stream.borrow_mut().poll_readable(context)?.is_ready() {
                this.connection.continue_at_once();
            }
            return Poll::Pending;
        }
        match this.connection.read_allowance(context) {
            ReadAllowance::Head(left) => {
                let mut ahead = [0; HEAD_READ];
                let mut peeked = ReadBuf::new(&mut ahead);
                match this.stream.borrow_mut().poll_peek(context, &mut peeked) {
                    // To actix it looks as if the client had closed the connection.
                    Poll::Pending if this.connection.park_if_idle_in_crowd() => return Poll::Ready(Ok(())),
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(peeked) => peeked?,
                };
                if left == MAX_HEAD {
                    this.head_tail = [0; 2];
                }
                let most = to_empty_line(this.head_tail, peeked.filled()).min(left);
                let before = buffer.filled().len();
                ready!(this.poll_read_bytes(context, buffer, most))?;
                for byte in &buffer.filled()[before..] {
                    this.head_tail = [this.head_tail[1], *byte];
                }
                Poll::Ready(Ok(()))
            }
            ReadAllowance::Bytes(most) => this.poll_read_bytes(context, buffer, most),
            ReadAllowance::End => match this.stream.borrow_mut().poll_peek(context, &mut ReadBuf::new(&mut [0])) {
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
            let answer = error_response(bytes, this.head_is_too_long, this.ids.next(), &this.connection);
            this.last = Some((answer, 0));
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
        let flushed = Pin::new(&mut *this.stream.borrow_mut()).poll_flush(context);
        match &flushed {
            Poll::Ready(Ok(())) => this.connection.record_flushed(),
            Poll::Ready(Err(_)) => {}
            // What TLS has encrypted is not yet in the kernel.
            Poll::Pending => this.connection.record_blocked(),
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.connection.is_parked() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut *this.stream.borrow_mut()).poll_shutdown(context)
    }
}

/// How many of `bytes`, which follow `tail`, to read at once: up to the end of the first empty line, with which a head ends.
///
/// actix decodes all requests of one read, at about 7 KiB of memory each; so they are read one by one. Nothing of the next request may be
/// in its buffer when a connection is parked.
fn to_empty_line(tail: [u8; 2], bytes: &[u8]) -> usize {
    let [mut before, mut last] = tail;
    let mut ends = |byte: u8| {
        let is_end = byte == b'\n' && (last == b'\n' || (last == b'\r' && before == b'\n'));
        (before, last) = (last, byte);
        is_end
    };
    let found = bytes.iter().position(|byte| ends(*byte)).map(|place| place + 1);
    // At least one byte, so that the end of the stream is read too.
    found.unwrap_or(bytes.len()).max(1)
}

#[cfg(test)]
mod tests {
    use super::to_empty_line;

    #[test]
    fn requests_are_read_one_by_one() {
        for (tail, bytes, expected) in [
            ("\0\0", "GET / HTTP/1.1\r\nhost: x\r\n\r\nGET /", 27),
            ("\0\0", "GET / HTTP/1.1\nhost: x\n\nGET /", 24),
            ("\0\0", "GET / HTTP/1.1\r\nhost: x\r\n", 25),
            ("\0\0", "\r\n\r\nGET", 4),
            ("\0\0", "", 1),
            ("\r\n", "\r\nGET /", 2),
            ("\n\r", "\nGET /", 1),
            ("x\n", "\nGET /", 1),
            ("x\r", "\n\r\nGET /", 3),
            ("x\r", "\nGET /", 6),
        ] {
            let tail = tail.as_bytes().try_into().unwrap();
            assert_eq!(to_empty_line(tail, bytes.as_bytes()), expected, "{tail:?} {bytes:?}");
        }
    }
}
