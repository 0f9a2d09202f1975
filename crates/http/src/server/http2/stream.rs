//! One stream: a request and its response.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use actix_http::{Request, Response};
use actix_service::Service;
use actix_web::HttpMessage as _;
use actix_web::body::{BoxBody, MessageBody as _};
use actix_web::http::{Method, header};
use actix_web::web::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use tokio::time::timeout;

use super::message::{Received, go_on, head_of, request_of};
use crate::Api;
use crate::server::connection::Connection;
use crate::server::connection_limits::Connections;
use crate::server::expect;
use crate::server::serve::FAREWELL;

/// A stream that was opened.
pub(super) struct Stream {
    pub(super) request: http::Request<RecvStream>,
    pub(super) respond: SendResponse<Bytes>,
    /// The connection over which it comes.
    pub(super) connection: Connection,
    pub(super) api: Api,
}

/// How a stream ended.
pub(super) enum Outcome {
    /// It was answered, or ended by this side.
    Ended,
    /// The client gave it up.
    GivenUp,
}

impl Stream {
    /// Answers the request by `app`, within the limits and the deadlines of a connection.
    pub(super) async fn answer<S>(self, app: Rc<S>, connections: Arc<Connections>) -> Outcome
    where
        S: Service<Request>,
        S::Response: Into<Response<BoxBody>>,
        S::Error: Into<Response<BoxBody>>,
    {
        let Self { request, mut respond, connection, api } = self;
        let slot = connections.admit(connection.peer().address().map(|peer| peer.ip()));
        let evicted = slot.evicted();
        let connection = connection.of_stream(slot);
        let answering = async {
            let Some((request, received)) = request_of(request, &connection) else {
                respond.send_reset(Reason::PROTOCOL_ERROR);
                return Outcome::Ended;
            };
            match exchange(app, request, &received, &mut respond, &connection, api).await {
                Ok(()) => Outcome::Ended,
                Err(GivenUp) => Outcome::GivenUp,
            }
        };
        let whole = connection.clone().supervise(Box::pin(connection.woken_by_stop(answering)));
        tokio::select! {
            outcome = whole => outcome.unwrap_or(Outcome::Ended),
            () = evicted.notified() => Outcome::Ended,
        }
    }
}

/// The client has ended the stream or the connection.
struct GivenUp;

impl From<h2::Error> for GivenUp {
    fn from(_: h2::Error) -> Self {
        Self
    }
}

async fn exchange<S>(
    app: Rc<S>,
    request: Request,
    received: &Received,
    respond: &mut SendResponse<Bytes>,
    connection: &Connection,
    api: Api,
) -> Result<(), GivenUp>
where
    S: Service<Request>,
    S::Response: Into<Response<BoxBody>>,
    S::Error: Into<Response<BoxBody>>,
{
    let is_head = request.method() == Method::HEAD;
    let clock = Arc::clone(&api.clock);
    let expect = request.headers().get(header::EXPECT);
    let waits = expect.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    let admitted =
        if waits { unless_given_up(respond, Box::pin(expect::admit(api, request))).await? } else { Ok(request) };
    let response = match admitted {
        Err(response) => response,
        Ok(request) => {
            if waits {
                respond.send_informational(go_on())?;
            }
            unless_given_up(respond, app.call(request)).await?.map_or_else(Into::into, Into::into)
        }
    };
    let (response, body) = response.into_parts();
    let size = body.size();
    let is_empty = is_head || size.is_eof();
    let mut stream = respond.send_response(head_of(&response, size, clock.now()), is_empty)?;
    if is_empty {
        return Ok(());
    }
    let mut body = pin!(body);
    while let Some(Ok(slice)) = poll_fn(|context| body.as_mut().poll_next(context)).await {
        send(&mut stream, slice, connection).await?;
    }
    stream.send_data(Bytes::new(), true)?;
    if !received.is_whole() {
        // When the request's body is dropped, the client is told to send no more. Some take that for an error if it comes with the response.
        let _ = timeout(FAREWELL, poll_fn(|context| stream.poll_reset(context))).await;
    }
    Ok(())
}

/// What `work` brings, unless the client ends the stream before; then the work is dropped.
async fn unless_given_up<W: Future>(respond: &mut SendResponse<Bytes>, work: W) -> Result<W::Output, GivenUp> {
    tokio::select! {
        biased;
        _ = poll_fn(|context| respond.poll_reset(context)) => Err(GivenUp),
        done = work => Ok(done),
    }
}

/// Sends `slice` as the client takes it.
async fn send(stream: &mut SendStream<Bytes>, mut slice: Bytes, connection: &Connection) -> Result<(), GivenUp> {
    while !slice.is_empty() {
        stream.reserve_capacity(slice.len());
        let capacity = poll_fn(|context| {
            let capacity = stream.poll_capacity(context);
            match &capacity {
                Poll::Ready(_) => connection.record_written(),
                Poll::Pending => connection.record_blocked(),
            }
            capacity
        });
        let capacity = capacity.await.ok_or(GivenUp)??;
        let part = slice.split_to(capacity.min(slice.len()));
        if !part.is_empty() {
            stream.send_data(part, false)?;
        }
    }
    Ok(())
}
