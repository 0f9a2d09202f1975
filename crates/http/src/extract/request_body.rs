//! The body of a request, read only as far as somebody asks for it, and only as long as it comes fast enough.
//!
//! On a socket nothing of a body is read before it is asked for here, but for what comes with the head. What happens to a body
//! that nobody reads is decided here too, because actix by itself throws away a chunked body, however long, as soon as nobody
//! holds it any more: so it is held until the answer has left, which makes actix close the connection instead.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::time::Duration;

use actix_http::HttpMessage;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::web::Bytes;
use futures_core::Stream as _;
use tokio::time::{Instant, sleep_until, timeout};

use crate::server::connection::Connection;

/// Within what time the first byte comes, and how much longer the body may take for each byte that has come: 1 KiB a second.
const FIRST_BYTE_TIME: Duration = Duration::from_secs(10);
const TIME_PER_BYTE: Duration = Duration::from_nanos(1_000_000_000 / 1024);
/// How long nothing may come, however much came before.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// The most that is read of a body that nobody wants, so that its connection can be used again.
const MAX_UNWANTED: usize = 64 * 1024;
/// How long an answer waits for the rest of such a body.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(250);
/// The most room that is made for a body before it comes.
const MAX_PREALLOCATED: usize = 16 * 1024;

/// The body of a request. Clones share one body.
#[derive(Clone)]
pub(crate) struct RequestBody(Rc<RequestBodyInner>);

struct RequestBodyInner {
    payload: RefCell<Payload>,
    connection: Option<Connection>,
    declared: Option<usize>,
    progress: Cell<Progress>,
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
        let declared = request.headers().get(header::CONTENT_LENGTH);
        let body = Self(Rc::new(RequestBodyInner {
            payload: RefCell::new(payload),
            connection,
            declared: declared.and_then(|length| length.to_str().ok()).and_then(|length| length.parse().ok()),
            progress: Cell::new(if is_empty { Progress::Finished } else { Progress::Received(0) }),
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
        let mut body = Vec::with_capacity(room);
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

    /// Makes the connection ready for the next request: reads what is left of this one, if that is little. Says whether it is
    /// ready.
    pub(crate) async fn settle(&self) -> bool {
        let is_little = self.0.declared.is_none_or(|length| length <= MAX_UNWANTED);
        if is_little && matches!(self.0.progress.get(), Progress::Received(_)) {
            self.begin_body();
            let rest = async {
                while matches!(self.0.progress.get(), Progress::Received(0..MAX_UNWANTED)) {
                    self.next().await;
                }
            };
            // If it takes too long, the connection is closed instead.
            let _ = timeout(DRAIN_TIMEOUT, rest).await;
            self.begin_work();
        }
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

/// What actix gives a request's body as.
type BoxedStream = Pin<Box<dyn futures_core::Stream<Item = Result<Bytes, PayloadError>>>>;

/// How fast a body comes, by what handlers get of it: the sizes and extensions of chunks do not count.
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

    /// When more must have come.
    fn deadline(&self) -> Instant {
        (self.begun + self.allowed).min(self.last + MAX_PAUSE)
    }
}

/// Why a body was not read.
pub(crate) enum ReadError {
    /// It is, or would be, longer than allowed.
    TooLarge,
    /// It comes too slowly.
    TooSlow,
    /// The server stops, and the body has not come yet.
    Stopping,
    /// It broke off, or it is garbled.
    Broken(PayloadError),
}
