//! The outermost work on a request: its id, its span and log line, the match of its path, and the bodies of errors.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::Error;
use actix_web::HttpMessage as _;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use uuid::Uuid;

use crate::Api;
use crate::extract::client_address::client_address;
use crate::extract::request_body::RequestBody;
use crate::metrics::requests::RouteSeries;
use crate::middleware::request_span::RequestSpan;
use crate::middleware::trace_context::TRACERESPONSE;
use crate::respond::json::{HasErrorBody, JSON};
use crate::respond::problem::Problem;
use crate::respond::response_body::{ResponseBody, without_content};
use crate::routes::path_match::PathMatch;
use crate::server::connection::Connection;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request an id and a span, answers it by `next`, writes the bodies of errors, and logs the result.
pub(crate) async fn log_request<B: MessageBody + 'static>(
    api: Data<Api>,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = api.ids.next();
    let connection = Connection::of(request.request());
    let request_body = RequestBody::take_from(&mut request, connection.clone());
    request.extensions_mut().insert(request_body.clone());
    // A request with `Expect: 100-continue` was matched before its body was accepted.
    let matched = request.extensions_mut().remove::<PathMatch>();
    let path_match = matched.or_else(|| PathMatch::find_below(&api.path_prefix, request.path()));
    let address = client_address(request.request(), &api.trusted_proxies);
    let series = RouteSeries::of(path_match.as_ref(), request.method());
    let span = RequestSpan::new(&api, id, request.head(), path_match.as_ref(), address);
    if let Some(path_match) = path_match {
        request.extensions_mut().insert(path_match);
    }
    let in_span = Arc::clone(&span);
    in_span
        .around(async move {
            let begun = Instant::now();
            let _in_progress = api.metrics.requests.begin();
            let mut response = next.call(request).await?.map_into_boxed_body();
            let status = response.status();
            // Under overload, a request must not be kept for the rest of its body.
            let is_settled = match status {
                StatusCode::SERVICE_UNAVAILABLE => request_body.is_finished(),
                _ => request_body.settle().await,
            };
            let mut cause = None;
            let has_body = || response.response().extensions().get::<HasErrorBody>().is_some();
            if (status.is_client_error() || status.is_server_error()) && !has_body() {
                (response, cause) = with_error_body(response, id);
            }
            if let Ok(id) = HeaderValue::try_from(id.to_string()) {
                response.headers_mut().insert(REQUEST_ID, id);
            }
            if let Some(context) = span.answered_in() {
                response.headers_mut().insert(TRACERESPONSE, context);
            }
            add_headers(response.headers_mut(), connection.as_ref());
            let took = begun.elapsed();
            api.metrics.requests.answered(series, status, took);
            span.answered(status);
            log_response(status, took, response.response().body().size(), cause);
            Ok(with_body_guard(response, (!is_settled).then_some(request_body), connection.as_ref()))
        })
        .await
}

/// Leaves the body out if the request is HEAD, and attaches to the body of `response` the guard of the connection's phase. If the request's body stays `unread`, the connection
/// is closed afterwards.
fn with_body_guard(
    response: ServiceResponse,
    unread: Option<RequestBody>,
    connection: Option<&Connection>,
) -> ServiceResponse<BoxBody> {
    let is_last = unread.is_some() || connection.is_some_and(Connection::is_in_reserve);
    let begin = if is_last { Connection::begin_last_response } else { Connection::begin_response };
    let guard = connection.map(begin);
    let is_head = response.request().method() == Method::HEAD;
    response.map_body(|head, body| {
        if is_last {
            head.set_connection_type(ConnectionType::Close);
        }
        let body = if is_head { without_content(&body) } else { body };
        ResponseBody::new(body, unread, guard).boxed()
    })
}

/// Adds the headers of an error that is answered outside the middleware.
pub(crate) fn add_error_headers(headers: &mut HeaderMap, id: Uuid, connection: Option<&Connection>) {
    headers.insert(header::CONTENT_TYPE, JSON);
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    add_headers(headers, connection);
}

/// Forbids caching, unless the response allows it, and content sniffing; and adds what its connection wants.
fn add_headers(headers: &mut HeaderMap, connection: Option<&Connection>) {
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(connection) = connection {
        connection.add_headers(headers);
    }
}

/// The response with its error body, and the error chain of the cause.
fn with_error_body(response: ServiceResponse, id: Uuid) -> (ServiceResponse, Option<String>) {
    let error = response.response().error();
    let (body, cause) = match error.and_then(Error::as_error::<Problem>) {
        Some(problem) => (problem.body(id), problem.cause()),
        None => (Problem::of_status(response.status()).body(id), error.map(ToString::to_string)),
    };
    let mut response = response.map_body(|_, _| BoxBody::new(body));
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    (response, cause)
}

/// Writes the log line of a request that was answered after this time, with a body of this size.
pub(crate) fn log_response(status: StatusCode, took: Duration, size: BodySize, cause: Option<String>) {
    let duration = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let bytes = match size {
        BodySize::None => Some(0),
        BodySize::Sized(bytes) => Some(bytes),
        BodySize::Stream => None,
    };
    let code = status.as_u16();
    let error = cause.unwrap_or_default();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        tracing::warn!(status = code, duration_ms = duration, bytes, error, "answered {code} in {duration} ms");
    } else if status.is_server_error() {
        tracing::error!(status = code, duration_ms = duration, bytes, error, "answered {code} in {duration} ms");
    } else {
        tracing::info!(status = code, duration_ms = duration, bytes, "answered {code} in {duration} ms");
    }
}
