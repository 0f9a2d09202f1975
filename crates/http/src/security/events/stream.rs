//! Server-sent events: the log, as it grows.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::web::{Bytes, Data};
use futures_core::Stream;
use guildhall_domain::event::Event;
use guildhall_domain::ports::EventQuery;
use tokio::time::{Instant, sleep_until};

use super::body::next;
use super::shared::SharedEvents;
use super::watch::stopping;
use crate::Api;
use crate::extract::caller::Caller;
use crate::respond::problem::Problem;
use crate::server::connection::Connection;
use crate::work::{Lane, run};

/// The type of the response.
pub(super) const EVENT_STREAM: &str = "text/event-stream";
/// After how long without events a comment is sent. Then, too, the caller's token and permission are looked at again.
const PULSE: Duration = Duration::from_secs(15);
/// The most events that are read at once.
const AT_ONCE: u32 = 100;
/// Tells nginx not to keep the response until it is complete.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Who reads the stream, and from where on.
pub(super) struct Reader {
    pub(super) api: Data<Api>,
    pub(super) caller: Caller,
    pub(super) headers: HeaderMap,
    pub(super) query: EventQuery,
    pub(super) connection: Option<Connection>,
}

/// A response that goes on until the client leaves, the service stops, or the caller may not read events any more.
pub(super) fn respond(reader: Reader) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(EVENT_STREAM)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((ACCEL_BUFFERING, "no"))
        .streaming(EventStream { next: Some(Box::pin(reader.next())) })
}

type Next = Pin<Box<dyn Future<Output = Option<(Bytes, Reader)>>>>;

/// The body of the response.
struct EventStream {
    next: Option<Next>,
}

impl Stream for EventStream {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(next) = &mut self.next else { return Poll::Ready(None) };
        let Poll::Ready(ready) = next.as_mut().poll(context) else { return Poll::Pending };
        self.next = None;
        Poll::Ready(ready.map(|(bytes, reader)| {
            self.next = Some(Box::pin(reader.next()));
            Ok(bytes)
        }))
    }
}

impl Reader {
    /// The next part of the stream. `None`: it ends.
    async fn next(self) -> Option<(Bytes, Self)> {
        let connection = self.connection.clone();
        tokio::select! {
            biased;
            () = stopping(connection.as_ref()) => None,
            read = self.read_on() => read,
        }
    }

    async fn read_on(mut self) -> Option<(Bytes, Self)> {
        let pulse = Instant::now() + PULSE;
        loop {
            let events = self.events().await.ok()?;
            if !events.is_empty() {
                let mut text = String::new();
                for event in &events {
                    // A string takes everything.
                    _ = write!(text, "id: {}\ndata: {}\n\n", event.sequence, event.json());
                }
                return Some((text.into(), self));
            }
            let after = self.query.after.unwrap_or_default();
            tokio::select! {
                beyond = self.api.events.beyond(&self.api, &self.caller, after) => beyond.ok()?,
                () = sleep_until(pulse) => {
                    self.caller = Caller::authenticate(&self.api, &self.headers).await.ok()?;
                    self.events_permitted().await.ok()?;
                    return Some((Bytes::from_static(b": \n\n"), self));
                }
            }
        }
    }

    /// The events that follow. The next ones are those after them.
    async fn events(&mut self) -> Result<Vec<Event>, Problem> {
        let after = self.query.after.unwrap_or_default();
        let watch = &self.api.events;
        if watch.last() > after && SharedEvents::are_near(&self.query, after, watch.last()) {
            let (events, next) = watch.shared.following(&self.api, &self.caller, (&self.query, after)).await?;
            self.query.after = Some(next);
            return Ok(events);
        }
        let query = EventQuery { limit: AT_ONCE, ..self.query.clone() };
        let asked = query.clone();
        let page =
            run(&self.api, Lane::Read, self.caller.clone(), move |api, context| api.directory.events(context, &query))
                .await?;
        self.query.after = Some(next(&page, &asked));
        Ok(page.events)
    }

    async fn events_permitted(&self) -> Result<(), Problem> {
        use guildhall_domain::access::Permission;

        self.caller.authorise(&self.api, Permission::ReadEvents).await
    }
}
