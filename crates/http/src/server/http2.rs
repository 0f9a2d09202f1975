//! HTTP/2: many requests at a time on one connection.
//!
//! Each stream has a slot and the deadlines of a connection, so that a client has no more of the service by one connection than by many.

mod message;
mod stream;

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;

use actix_http::{Request, Response};
use actix_service::Service;
use actix_web::body::BoxBody;
use h2::Reason;
use h2::server::Builder;
use tokio::task::{JoinError, JoinSet, yield_now};
use tokio::time::{Instant, sleep_until, timeout};

use crate::Api;
use crate::server::connection::{Connection, HEAD_TIME, IDLE_TIME};
use crate::server::connection_limits::Connections;
use crate::server::serve::FAREWELL;
use crate::server::transport::Transport;

use stream::{Outcome, Stream};

/// The most streams that are open at one time on a connection. RFC 9113, section 5.1.2, recommends no fewer.
const MAX_STREAMS: u32 = 100;
/// The most bytes of the headers of a request, of which each counts as 32 more (RFC 9113, section 6.5.2).
const MAX_HEADERS: u32 = 16 * 1024;
/// The most bytes of bodies that are received and that nobody has asked for, of one stream and of all of a connection.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 128 * 1024;
/// The most bytes of a response that wait to be written.
const SEND_BUFFER: usize = 16 * 1024;
/// The most requests that a client may give up, beyond as many as were answered. Each costs the client next to nothing, and the service a beginning.
const MAX_RESETS: usize = 100;

/// Answers the requests of `connection` by `app`.
pub(crate) async fn serve<S>(
    app: Rc<S>,
    transport: Transport,
    connection: Connection,
    connections: Arc<Connections>,
    api: Api,
) where
    S: Service<Request> + 'static,
    S::Response: Into<Response<BoxBody>>,
    S::Error: Into<Response<BoxBody>>,
{
    let handshake = Builder::new()
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADERS)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(SEND_BUFFER)
        .handshake(transport);
    let Ok(Ok(mut http)) = timeout(HEAD_TIME, handshake).await else { return };
    let mut streams = Streams::default();
    let mut closes_at = Instant::now() + IDLE_TIME;
    let mut is_stopping = false;
    while !streams.are_given_up_too_often() {
        tokio::select! {
            accepted = http.accept() => {
                let Some(Ok((request, respond))) = accepted else { return };
                let stream = Stream { request, respond, connection: connection.clone(), api: api.clone() };
                streams.open.spawn_local(stream.answer(Rc::clone(&app), Arc::clone(&connections)));
                // Others have their turn, and what was given up ends, before the next one begins.
                yield_now().await;
                while let Some(outcome) = streams.open.try_join_next() {
                    streams.count(&outcome);
                }
            }
            Some(outcome) = streams.open.join_next() => {
                streams.count(&outcome);
                closes_at = Instant::now() + if is_stopping { FAREWELL } else { IDLE_TIME };
            }
            () = sleep_until(closes_at), if streams.open.is_empty() => break,
            _ = connection.stopping().begun(), if !is_stopping => {
                (is_stopping, closes_at) = (true, Instant::now() + FAREWELL);
                http.graceful_shutdown();
            }
        }
    }
    if streams.are_given_up_too_often() {
        tracing::warn!(
            address = connection.peer().address().map(|peer| tracing::field::display(peer.ip())),
            "closed a connection on which requests are given up again and again"
        );
        http.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
    } else {
        http.graceful_shutdown();
    }
    // Best effort: a client that does not listen is not told.
    let _ = timeout(FAREWELL, poll_fn(|context| http.poll_closed(context))).await;
}

/// The streams of a connection.
#[derive(Default)]
struct Streams {
    /// Dropping it ends them.
    open: JoinSet<Outcome>,
    answered: usize,
    given_up: usize,
}

impl Streams {
    fn count(&mut self, outcome: &Result<Outcome, JoinError>) {
        match outcome {
            Ok(Outcome::GivenUp) => self.given_up += 1,
            Ok(Outcome::Ended) | Err(_) => self.answered += 1,
        }
    }

    fn are_given_up_too_often(&self) -> bool {
        self.given_up > self.answered.saturating_add(MAX_RESETS)
    }
}
