//! The body of a request, read only as far as somebody asks for it.
//!
//! On a connection with a valve nothing of a body leaves the socket before it is asked for here. What happens to a body
//! that nobody reads is decided here too, because actix by itself throws away a chunked body, however long, as soon as
//! nobody holds it any more: so it is held until the answer has left, which makes actix close the connection instead.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpMessage as _;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::web::Bytes;
use futures_core::Stream as _;
use tokio::time::timeout;

use crate::transport::READ_AT_ONCE;
use crate::valve::Valve;

/// The most that is asked for of a body that nobody wants. With what is read before a head has been looked at it makes
/// 64 KiB.
const MOST_UNWANTED: usize = 64 * 1024 - READ_AT_ONCE;
/// How long an answer waits for the rest of such a body.
const PATIENCE: Duration = Duration::from_millis(250);

/// The body of a request. Clones share one body.
#[derive(Clone)]
pub(crate) struct Incoming(Rc<Body>);

struct Body {
    payload: RefCell<Payload>,
    valve: Option<Valve>,
    declared: Option<usize>,
    progress: Cell<Progress>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Received(usize),
    Finished,
    Broken,
}

impl Incoming {
    /// Takes the body out of `request`, where extractors find it again.
    pub(crate) fn take_from(request: &mut ServiceRequest) -> Self {
        let payload = request.take_payload();
        let is_empty = matches!(payload, Payload::None);
        let declared = request.headers().get(header::CONTENT_LENGTH);
        let incoming = Self(Rc::new(Body {
            payload: RefCell::new(payload),
            valve: request.request().conn_data::<Valve>().cloned(),
            declared: declared.and_then(|length| length.to_str().ok()).and_then(|length| length.parse().ok()),
            progress: Cell::new(if is_empty { Progress::Finished } else { Progress::Received(0) }),
        }));
        request.extensions_mut().insert(incoming.clone());
        incoming
    }

    /// The whole body, unless it is longer than `most`.
    pub(crate) async fn read(&self, most: usize) -> Result<Vec<u8>, ReadError> {
        let declared = self.0.declared.unwrap_or(0);
        if declared > most {
            return Err(ReadError::TooLarge);
        }
        self.admit(usize::MAX);
        let mut body = Vec::with_capacity(declared);
        while let Some(part) = self.next().await {
            let part = part.map_err(ReadError::Broken)?;
            if body.len() + part.len() > most {
                self.admit(0);
                return Err(ReadError::TooLarge);
            }
            body.extend_from_slice(&part);
        }
        Ok(body)
    }

    /// Makes the connection ready for the next request, and reads what is left of this one for it, if that is little.
    /// Says whether it is ready.
    pub(crate) async fn settle(&self) -> bool {
        let is_little = self.0.declared.is_none_or(|length| length <= MOST_UNWANTED);
        if is_little && self.0.progress.get() != Progress::Finished {
            self.admit(MOST_UNWANTED);
            let rest = async {
                while matches!(self.0.progress.get(), Progress::Received(0..MOST_UNWANTED)) {
                    self.next().await;
                }
            };
            // If it takes too long, the connection is closed instead.
            let _ = timeout(PATIENCE, rest).await;
            self.admit(0);
        }
        let is_finished = self.0.progress.get() == Progress::Finished;
        if is_finished && let Some(valve) = &self.0.valve {
            valve.admit_head();
        }
        is_finished
    }

    /// `answer`, holding this body until it has left.
    pub(crate) fn held_by(self, answer: BoxBody) -> BoxBody {
        Holding { answer, _incoming: self }.boxed()
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

    fn admit(&self, bytes: usize) {
        if let Some(valve) = &self.0.valve {
            valve.admit_body(bytes);
        }
    }
}

/// Why a body was not read.
pub(crate) enum ReadError {
    /// It is, or would be, longer than allowed.
    TooLarge,
    /// It broke off, or it is garbled.
    Broken(PayloadError),
}

struct Holding {
    answer: BoxBody,
    _incoming: Incoming,
}

impl MessageBody for Holding {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(context)
    }
}
