//! Requests and responses between the types of h2 and those of actix, which are of two versions of one crate.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use actix_http::{Payload, Request, Response};
use actix_web::HttpMessage as _;
use actix_web::body::BodySize;
use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderName, HeaderValue, HttpDate};
use actix_web::http::{Method, StatusCode, Uri, Version};
use actix_web::web::Bytes;
use futures_core::Stream;
use guildhall_domain::time::Timestamp;
use h2::RecvStream;

use crate::server::connection::Connection;

/// Headers that are about a connection of HTTP/1.1, and that HTTP/2 forbids (RFC 9113, section 8.2.2).
const FORBIDDEN: [&str; 5] = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];

/// The request as actix takes it, and what says whether its body has been received. `None` if it has what actix cannot express.
pub(super) fn request_of(request: http::Request<RecvStream>, connection: &Connection) -> Option<(Request, Received)> {
    let (parts, body) = request.into_parts();
    let received = Received(Rc::new(Cell::new(body.is_end_stream())));
    let payload = if body.is_end_stream() {
        Payload::None
    } else {
        Payload::Stream { payload: Box::pin(Body { stream: body, received: received.clone() }) as Pin<Box<_>> }
    };
    let mut request = Request::with_payload(payload);
    let head = request.head_mut();
    head.method = Method::from_bytes(parts.method.as_str().as_bytes()).ok()?;
    let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    head.uri = path.parse::<Uri>().ok()?;
    head.version = Version::HTTP_2;
    head.peer_addr = connection.peer().address();
    for (name, value) in &parts.headers {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        head.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).ok()?);
    }
    if let Some(authority) = parts.uri.authority() {
        // It stands for Host, which a request may have too (RFC 9113, section 8.3.1).
        head.headers.insert(header::HOST, HeaderValue::from_str(authority.as_str()).ok()?);
    }
    request.extensions_mut().insert(connection.clone());
    Some((request, received))
}

/// The head of a response whose body has this size, given at this moment.
pub(super) fn head_of(response: &Response<()>, size: BodySize, now: Timestamp) -> http::Response<()> {
    let mut head = http::Response::new(());
    *head.status_mut() =
        http::StatusCode::from_u16(response.status().as_u16()).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in response.headers() {
        let name = http::HeaderName::from_bytes(name.as_str().as_bytes());
        if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_bytes(value.as_bytes()))
            && !FORBIDDEN.contains(&name.as_str())
        {
            head.headers_mut().append(name, value);
        }
    }
    // What never has a body says no length of one (RFC 9110, section 8.6).
    if let BodySize::Sized(length) = size
        && response.status() != StatusCode::NO_CONTENT
    {
        head.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
    }
    let milliseconds = u64::try_from(now.milliseconds()).unwrap_or(0);
    let date = HttpDate::from(SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds));
    if let Ok(date) = http::HeaderValue::try_from(date.to_string()) {
        head.headers_mut().insert(http::header::DATE, date);
    }
    head
}

/// `100 Continue`.
pub(super) fn go_on() -> http::Response<()> {
    let mut head = http::Response::new(());
    *head.status_mut() = http::StatusCode::CONTINUE;
    head
}

/// Whether the whole body of a request has been received. Clones say the same.
#[derive(Clone)]
pub(super) struct Received(Rc<Cell<bool>>);

impl Received {
    pub(super) fn is_whole(&self) -> bool {
        self.0.get()
    }
}

/// The body of a request. The client may send more when a part was asked for.
struct Body {
    stream: RecvStream,
    received: Received,
}

impl Stream for Body {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let part = ready!(this.stream.poll_data(context));
        if part.is_none() || this.stream.is_end_stream() {
            this.received.0.set(true);
        }
        let release = |bytes: Bytes| this.stream.flow_control().release_capacity(bytes.len()).map(|()| bytes);
        let part = part.map(|part| part.and_then(release).map_err(|error| PayloadError::Io(io::Error::other(error))));
        Poll::Ready(part)
    }
}
