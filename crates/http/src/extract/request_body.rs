//! The body of a request, read on demand and with a minimum rate.
//!
//! Except for what arrives with the head, nothing of a body is read from the socket before it is requested here. A body that
//! stays unread is kept until the response is written: if its payload were dropped, actix would read and discard a chunked body of
//! any length; kept, it makes actix close the connection.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use actix_http::HttpMessage;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::web::Bytes;
use futures_core::Stream as _;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout};

use crate::server::connection::Connection;

/// The timeout for the first byte, and the time added for each byte received: a minimum rate of 1 KiB a second.
const FIRST_BYTE_TIME: Duration = Duration::from_secs(10);
const TIME_PER_BYTE: Duration = Duration::from_nanos(1_000_000_000 / 1024);
/// The longest pause between two parts of a body.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// The most that is read of an unread body, so that its connection can be used again.
const MAX_UNWANTED: usize = 64 * 1024;
/// How long the response waits for the rest of an unread body.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(250);
/// The most bytes allocated for a body before it arrives.
const MAX_PREALLOCATED: usize = 16 * 1024;

/// The body of a request. Clones share one body.
#[derive(Clone)]
pub(crate) struct RequestBody(Rc<RequestBodyInner>);

struct RequestBodyInner {
    payload: RefCell<Payload>,
    connection: Option<Connection>,
    declared: Option<usize>,
    progress: Cell<Progress>,
    /// What was looked at before the body was requested.
    arrived: RefCell<Vec<u8>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Received(usize),
    Finished,
    Broken,
}

impl RequestBody {
    /// The body of `request`, which came over `connection`.
    pub(crate) fn take_from(
        request: &mut impl HttpMessage<Stream = BoxedStream>,
        connection: Option<Connection>,
    ) -> Self {
        let payload = request.take_payload();
        let is_empty = matches!(payload, Payload::None);
        let headers = request.headers();
        let length = headers.get(header::CONTENT_LENGTH).filter(|_| !headers.contains_key(header::TRANSFER_ENCODING));
        let declared = length.and_then(|length| length.to_str().ok()).and_then(|length| length.parse().ok());
        if let Some(connection) = &connection {
            connection.declare_body(if is_empty { Some(0) } else { declared });
        }
        let body = Self(Rc::new(RequestBodyInner {
            payload: RefCell::new(payload),
            connection,
            declared,
            progress: Cell::new(if is_empty { Progress::Finished } else { Progress::Received(0) }),
            arrived: RefCell::default(),
        }));
        body.begin_work();
        body
    }

    /// The whole body, unless it is longer than `most` or comes too slowly.
    pub(crate) async fn read(&self, most: usize) -> Result<Vec<u8>, ReadError> {
        let declared = self.0.declared.unwrap_or(0);
        if declared > most {
            return Err(ReadError::TooLarge);
        }
        self.begin_body();
        let read = self.read_paced(most, declared.min(MAX_PREALLOCATED)).await;
        self.begin_work();
        read
    }

    async fn read_paced(&self, most: usize, room: usize) -> Result<Vec<u8>, ReadError> {
        let mut stop = pin!(self.stop());
        let mut pace = Pace::begin();
        let mut body = self.0.arrived.take();
        body.reserve(room.saturating_sub(body.len()));
        pace.has_received(body.len());
        loop {
            let part = tokio::select! {
                biased;
                part = self.next() => part,
                () = &mut stop => return Err(self.broken(ReadError::Stopping)),
                () = sleep_until(pace.deadline()) => return Err(self.broken(ReadError::TooSlow)),
            };
            let Some(part) = part else { return Ok(body) };
            let part = part.map_err(ReadError::Broken)?;
            if body.len() + part.len() > most {
                return Err(ReadError::TooLarge);
            }
            pace.has_received(part.len());
            body.extend_from_slice(&part);
        }
    }

    /// The whole body, if it has arrived with the head and is at most `most` bytes long. For this, nothing is read from the socket.
    pub(crate) async fn arrived(&self, most: usize) -> Option<Vec<u8>> {
        let is_short = |length| length <= most.min(MAX_PREALLOCATED);
        if self.0.progress.get() != Progress::Finished && !self.0.declared.is_some_and(is_short) {
            return None;
        }
        // actix gives the request to its handler before it looks at what follows the head.
        yield_now().await;
        while let Poll::Ready(part) = poll_once(pin!(self.next())).await {
            match part {
                Some(Ok(part)) => self.0.arrived.borrow_mut().extend_from_slice(&part),
                Some(Err(_)) => return None,
                None => {
                    self.begin_work();
                    return Some(self.0.arrived.take());
                }
            }
        }
        None
    }

    /// Reads the rest of the body, if it is short, and returns whether the connection is ready for the next request.
    pub(crate) async fn settle(&self) -> bool {
        let is_little = self.0.declared.is_none_or(|length| length <= MAX_UNWANTED);
        if is_little && matches!(self.0.progress.get(), Progress::Received(_)) {
            self.begin_body();
            let rest = async {
                while matches!(self.0.progress.get(), Progress::Received(0..MAX_UNWANTED)) {
                    self.next().await;
                }
            };
            // After the timeout, the connection is closed instead.
            let _ = timeout(DRAIN_TIMEOUT, rest).await;
            self.begin_work();
        }
        self.is_finished()
    }

    /// Whether the whole body has been read.
    pub(crate) fn is_finished(&self) -> bool {
        self.0.progress.get() == Progress::Finished
    }

    async fn next(&self) -> Option<Result<Bytes, PayloadError>> {
        let part = poll_fn(|context| Pin::new(&mut *self.0.payload.borrow_mut()).poll_next(context)).await;
        let progress = match (&part, self.0.progress.get()) {
            (Some(Ok(bytes)), Progress::Received(received)) => Progress::Received(received + bytes.len()),
            (Some(Ok(_)), progress) => progress,
            (Some(Err(_)), _) => Progress::Broken,
            (None, _) => Progress::Finished,
        };
        self.0.progress.set(progress);
        part
    }

    fn begin_body(&self) {
        if let Some(connection) = &self.0.connection {
            connection.begin_body();
        }
    }

    fn begin_work(&self) {
        let Some(connection) = &self.0.connection else { return };
        if self.0.progress.get() == Progress::Finished {
            connection.begin_work();
        } else {
            connection.begin_work_before_body();
        }
    }

    async fn stop(&self) {
        match &self.0.connection {
            Some(connection) => connection.stopping().grace_over().await,
            None => pending().await,
        }
    }

    fn broken(&self, error: ReadError) -> ReadError {
        self.0.progress.set(Progress::Broken);
        error
    }
}

/// What a future is ready with, without waiting for it.
async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

/// The payload stream of actix.
type BoxedStream = Pin<Box<dyn futures_core::Stream<Item = Result<Bytes, PayloadError>>>>;

/// The rate of a body, without the overhead of chunks.
struct Pace {
    begun: Instant,
    last: Instant,
    allowed: Duration,
}

impl Pace {
    fn begin() -> Self {
        let now = Instant::now();
        Self { begun: now, last: now, allowed: FIRST_BYTE_TIME }
    }

    fn has_received(&mut self, bytes: usize) {
        self.last = Instant::now();
        self.allowed += TIME_PER_BYTE.saturating_mul(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    /// When the next part is due.
    fn deadline(&self) -> Instant {
        (self.begun + self.allowed).min(self.last + MAX_PAUSE)
    }
}

/// Why a body was not read.
pub(crate) enum ReadError {
    /// It is, or would be, longer than allowed.
    TooLarge,
    /// It arrives too slowly.
    TooSlow,
    /// The server shuts down before the body is complete.
    Stopping,
    /// It ended early or is malformed.
    Broken(PayloadError),
}
