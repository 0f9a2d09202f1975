//! The body of a response while it is written.

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;

use crate::extract::request_body::RequestBody;
use crate::server::connection::ResponseGuard;

/// The most bytes that are passed to actix at once. actix copies them, so this bounds the memory for a client that does not read.
const SLICE: usize = 8 * 1024;

/// A body in slices. It is dropped when all of it was passed to actix.
pub(crate) struct ResponseBody {
    content: Content,
    _unread: Option<RequestBody>,
    _response: Option<ResponseGuard>,
}

/// A body that tells its length and has no content, for the response to HEAD (RFC 9110, section 9.3.2).
struct WithoutContent(BodySize);

/// The body of the response to HEAD, where GET has this one.
pub(crate) fn without_content(body: &BoxBody) -> BoxBody {
    BoxBody::new(WithoutContent(body.size()))
}

impl MessageBody for WithoutContent {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(None)
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        Err(self)
    }
}

enum Content {
    Whole(Bytes),
    Other(BoxBody),
}

impl ResponseBody {
    /// The body `content`, which keeps the request's body, if it stayed unread, and the phase of the connection until it is dropped.
    pub(crate) fn new(content: BoxBody, unread: Option<RequestBody>, response: Option<ResponseGuard>) -> Self {
        let content = match content.size() {
            BodySize::Sized(1..) => content.try_into_bytes().map_or_else(Content::Other, Content::Whole),
            _ => Content::Other(content),
        };
        Self { content, _unread: unread, _response: response }
    }
}

impl MessageBody for ResponseBody {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        match &self.content {
            Content::Whole(bytes) => BodySize::Sized(bytes.len() as u64),
            Content::Other(body) => body.size(),
        }
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        match &mut self.content {
            Content::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Whole(bytes) => Poll::Ready(Some(Ok(bytes.split_to(bytes.len().min(SLICE))))),
            Content::Other(body) => Pin::new(body).poll_next(context),
        }
    }
}
