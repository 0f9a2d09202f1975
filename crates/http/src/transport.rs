//! A connection whose bodies are read only when somebody wants them.
//!
//! By itself actix reads a quarter of a mebibyte ahead of whoever answers the request, and answers what it cannot read
//! with a bare status, or, when it is a garbled body that arrived too early, not at all.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_web::rt::net::TcpStream;
use guildhall_domain::ports::Ids;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::bare::Explained;
use crate::valve::Valve;

/// The most that is read at once, and so the most that is read of a body before its head has been looked at.
pub(crate) const READ_AT_ONCE: usize = 16 * 1024;

/// A connection with a valve.
pub(crate) struct Transport {
    stream: TcpStream,
    valve: Valve,
    ids: Arc<dyn Ids>,
    ahead: Box<[u8]>,
    start: usize,
    end: usize,
    explained: Option<Explained>,
}

impl Transport {
    /// `stream` with a valve. `ids` names the requests that cannot be read.
    pub(crate) fn new(stream: TcpStream, ids: Arc<dyn Ids>) -> Self {
        let ahead = vec![0; READ_AT_ONCE].into_boxed_slice();
        Self { stream, valve: Valve::default(), ids, ahead, start: 0, end: 0, explained: None }
    }

    /// Its valve.
    pub(crate) fn valve(&self) -> &Valve {
        &self.valve
    }

    /// Ready if the client has left. What it has sent too early stays in the socket.
    fn poll_end(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut next = [0];
        match self.stream.poll_peek(context, &mut ReadBuf::new(&mut next)) {
            Poll::Ready(Ok(0)) => Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(_)) | Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let Some(admitted) = this.valve.admitted(context) else {
            return if this.start == this.end { this.poll_end(context) } else { Poll::Pending };
        };
        if this.start == this.end {
            let most = admitted.min(READ_AT_ONCE);
            let mut ahead = ReadBuf::new(&mut this.ahead[..most]);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut ahead))?;
            (this.start, this.end) = (0, ahead.filled().len());
        }
        let next = &this.ahead[this.start..this.end];
        let passed = this.valve.pass(&next[..next.len().min(buffer.remaining())]);
        buffer.put_slice(&next[..passed]);
        this.start += passed;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.explained.is_none() {
            this.explained = Explained::of(bytes, &*this.ids);
        }
        let Some(explained) = &mut this.explained else {
            return Pin::new(&mut this.stream).poll_write(context, bytes);
        };
        while !explained.rest().is_empty() {
            match ready!(Pin::new(&mut this.stream).poll_write(context, explained.rest()))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => explained.advance(written),
            }
        }
        let replaced = explained.replaced();
        this.explained = None;
        Poll::Ready(Ok(replaced))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
