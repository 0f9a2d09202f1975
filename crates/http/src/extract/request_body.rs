//! The body of a request, read on demand and with a minimum rate.
//!
//! Except for what arrives with the head, nothing of a body is read from the socket before it is requested here. A body that
//! stays unread is kept until the response is written: if its payload were dropped, actix would read and discard a chunked body of
//! any length; kept, it makes actix close the connection.

mod pace;

use std::cell::{Cell, RefCell};
use std::future::{Ready, pending, poll_fn, ready};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::time::Duration;

use actix_http::HttpMessage;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_core::Stream as _;
use guildhall_domain::access::Permission;
use guildhall_domain::identifier::GroupIdentifier;
use tokio::time::{sleep_until, timeout};

use crate::Api;
use crate::extract::caller::Caller;
use crate::respond::problem::Problem;
use crate::server::connection::Connection;
use pace::Pace;

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

    /// Whether there is no body, as the head of the request says.
    fn is_empty(&self) -> bool {
        self.is_finished() || self.0.declared == Some(0)
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

/// The payload stream of actix.
type BoxedStream = Pin<Box<dyn futures_core::Stream<Item = Result<Bytes, PayloadError>>>>;

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

/// The body of a request, not yet read.
pub(crate) struct AuthorisedBody {
    content_type: Option<HeaderValue>,
    content_encoding: Option<HeaderValue>,
    body: Option<RequestBody>,
}

impl AuthorisedBody {
    /// Checks that the caller has `permission` (401, 403), then reads a JSON body of at most `most` bytes (contract 1.3 and 1.6).
    pub(crate) async fn read_if_permitted(
        self,
        api: &Api,
        caller: &Caller,
        permission: Permission,
        most: usize,
    ) -> Result<Vec<u8>, Problem> {
        caller.authorise(api, permission).await?;
        self.read(&["application/json"], most).await
    }

    /// The same for a permission on this group.
    pub(crate) async fn read_if_permitted_on_group(
        self,
        api: &Api,
        caller: &Caller,
        (permission, group): (Permission, &GroupIdentifier),
        most: usize,
    ) -> Result<Vec<u8>, Problem> {
        caller.authorise_on_group(api, permission, group).await?;
        self.read(&["application/json"], most).await
    }

    /// A JSON body that need not be there. Nothing is checked or awaited where there is none. One of another type counts for nothing, unless it says what
    /// must not be ignored: `is_needed` tells that, and then it is refused, as is whatever is compressed.
    pub(crate) async fn read_json_if_there(
        self,
        api: &Api,
        caller: &Caller,
        permission: (Permission, &GroupIdentifier),
        most: usize,
        is_needed: fn(&[u8]) -> bool,
    ) -> Result<Vec<u8>, Problem> {
        let Some(body) = self.body.clone().filter(|body| !body.is_empty()) else { return Ok(Vec::new()) };
        let Err(unsupported) = self.check_media(&["application/json"]) else {
            return self.read_if_permitted_on_group(api, caller, permission, most).await;
        };
        let (permission, group) = permission;
        caller.authorise_on_group(api, permission, group).await?;
        // What is compressed may say anything.
        self.check_coding()?;
        match body.read(most).await {
            Ok(body) if is_needed(&body) => Err(unsupported),
            _ => Ok(Vec::new()),
        }
    }

    /// Reads a body of one of the types `media`. The caller must have been authorised before.
    pub(crate) async fn read(self, media: &[&str], most: usize) -> Result<Vec<u8>, Problem> {
        self.check_media(media)?;
        let Some(body) = self.body else {
            return Ok(Vec::new());
        };
        body.read(most).await.map_err(|error| match error {
            ReadError::TooLarge => Problem::too_large(format!("The body is larger than {most} bytes")),
            ReadError::TooSlow => Problem::request_timeout("The body came too slowly"),
            ReadError::Stopping => Problem::unavailable("the server stops, and the body has not come yet"),
            ReadError::Broken(error) => Problem::bad_request(format!("The body could not be read: {error}")),
        })
    }

    /// The content type must be one of `media`, with any parameters, or absent.
    fn check_media(&self, media: &[&str]) -> Result<(), Problem> {
        if let Some(kind) = &self.content_type {
            let essence = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
            if !essence.is_empty() && !media.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
                return Err(Problem::unsupported_media(format!("The content type must be {}", media.join(" or "))));
            }
        }
        self.check_coding()
    }

    /// The body must not be compressed.
    fn check_coding(&self) -> Result<(), Problem> {
        match &self.content_encoding {
            Some(coding) if !coding.as_bytes().eq_ignore_ascii_case(b"identity") => {
                Err(Problem::unsupported_media("The body must not be compressed"))
            }
            _ => Ok(()),
        }
    }
}

impl FromRequest for AuthorisedBody {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let body = request.extensions().get::<RequestBody>().cloned();
        // Not a copy of all headers, which takes 6 KiB while the body is awaited.
        let header = |name: HeaderName| request.headers().get(name).cloned();
        let (content_type, content_encoding) = (header(header::CONTENT_TYPE), header(header::CONTENT_ENCODING));
        ready(Ok(Self { content_type, content_encoding, body }))
    }
}
