//! The log of all changes (contract 5.10).

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::Data;
use actix_web::{Either, HttpRequest, HttpResponse};
use guildhall_domain::access::{On, Permission};
use guildhall_domain::directory::EventPage;
use guildhall_domain::event::EventId;
use guildhall_domain::ports::EventQuery;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::body::{EventBody, EventHeadBody, EventPageBody, next};
use super::query::EventRequest;
use super::stream::{EVENT_STREAM, Reader, respond};
use super::watch::stopping;
use crate::Api;
use crate::extract::caller::{Caller, error_unless_permitted};
use crate::extract::path_parameters::PathParameter;
use crate::extract::query::Query;
use crate::openapi::{EventParameters, EventPath};
use crate::respond::json::{JSON, PreparedResponse, json};
use crate::respond::problem::Problem;
use crate::routes::Route;
use crate::server::connection::Connection;
use crate::work::{Lane, run};

/// The routes of the log.
pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(__path_list, list), Route::new(__path_read_head, read_head), Route::new(__path_read, read)]
}

/// Lists events: who did what, when, to whom.
///
/// Every change that was acknowledged before is in it, each in its place for ever, so a reader that passes `next` as `after` sees everything
/// once. With `Accept: text/event-stream` the answer is a stream of server-sent events that goes on, with the sequence as `id`; `Last-Event-ID` resumes it.
#[utoipa::path(
    get,
    path = "/api/security/events",
    tag = "Events",
    operation_id = "listEvents",
    params(EventParameters),
    responses((status = 200, description = "A part of the log.", content(
        (EventPageBody = "application/json"),
        (String = "text/event-stream"),
    )))
)]
async fn list(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    query: Query,
) -> Result<Either<PreparedResponse, HttpResponse>, Problem> {
    let is_stream = accepts_stream(request.headers());
    let read = EventRequest::read(&query, request.headers(), is_stream);
    let EventRequest { mut query, wait } = run(&api, Lane::Read, caller.clone(), move |api, context| {
        error_unless_permitted(&api.directory, context, Permission::ReadEvents, On::All, read)
    })
    .await?;
    let connection = Connection::of(&request);
    if is_stream {
        caller.authorise(&api, Permission::ReadEvents).await?;
        first_page(&api, &caller, EventQuery { limit: 1, ..query.clone() }).await?;
        let headers = request.headers().clone();
        return Ok(Either::Right(respond(Reader { api, caller, headers, query, connection })));
    }
    let deadline = Instant::now() + wait;
    loop {
        let page = first_page(&api, &caller, query.clone()).await?;
        let following = next(&page, &query);
        if page.events.is_empty() && Instant::now() < deadline {
            query.after = Some(following);
            tokio::select! {
                beyond = api.events.beyond(&api, &caller, following) => {
                    beyond?;
                    continue;
                }
                () = sleep_until(deadline) => {}
                () = stopping(connection.as_ref()) => {}
            }
        }
        return Ok(Either::Left(json(StatusCode::OK, &EventPageBody::of(&page, &query)?)?));
    }
}

/// Reads what `query` asks for. What was pruned cannot be read after: the reader would miss it without a sign.
async fn first_page(api: &Data<Api>, caller: &Caller, query: EventQuery) -> Result<EventPage, Problem> {
    let after = query.after.unwrap_or_default();
    let is_ascending = super::watch::can_wait(query.order);
    let page = run(api, Lane::Read, caller.clone(), move |api, context| api.directory.events(context, &query)).await?;
    if is_ascending && (1..page.checkpoint.sequence).contains(&after) {
        return Err(Problem::gone(format!("Events up to {} are gone", page.checkpoint.sequence)));
    }
    Ok(page)
}

/// Reads the sequence and the hash of the last event, to be kept elsewhere.
#[utoipa::path(
    get,
    path = "/api/security/events/head",
    tag = "Events",
    operation_id = "getLastEvent",
    responses((status = 200, description = "The last event.", body = EventHeadBody))
)]
async fn read_head(api: Data<Api>, caller: Caller) -> Result<PreparedResponse, Problem> {
    run(&api, Lane::Read, caller, |api, context| {
        json(StatusCode::OK, &EventHeadBody::from(api.directory.event_head(context)?))
    })
    .await
}

/// Reads an event.
#[utoipa::path(
    get,
    path = "/api/security/events/{event}",
    tag = "Events",
    operation_id = "getEvent",
    params(EventPath),
    responses((status = 200, description = "The event.", body = EventBody))
)]
async fn read(
    api: Data<Api>,
    caller: Caller,
    PathParameter(event): PathParameter<EventName>,
) -> Result<PreparedResponse, Problem> {
    run(&api, Lane::Read, caller, move |api, context| {
        let event = api.directory.event(context, event.0)?;
        Ok::<_, Problem>(PreparedResponse::new(
            StatusCode::OK,
            vec![(header::CONTENT_TYPE, JSON)],
            Some(event.json().into_bytes()),
        ))
    })
    .await
}

/// The event that a path names. A text that is no id names none.
struct EventName(EventId);

impl From<&str> for EventName {
    fn from(text: &str) -> Self {
        Self(EventId(Uuid::try_parse(text.trim()).unwrap_or_default()))
    }
}

/// Whether the caller asks for a stream: names it, and does not refuse it.
fn accepts_stream(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case(EVENT_STREAM));
        is_named && !parts.any(|parameter| matches!(parameter, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}
