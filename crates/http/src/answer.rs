//! What happens around every request: it gets an id, a line in the log, and errors in the API's form.

use std::time::Instant;

use actix_web::Error;
use actix_web::HttpMessage as _;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use uuid::Uuid;

use crate::Api;
use crate::canonical::canonical_path;
use crate::incoming::Incoming;
use crate::problem::Problem;
use crate::reply::JSON;
use crate::request_span::RequestSpan;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers every request.
pub(crate) async fn answer<B: MessageBody + 'static>(
    api: Data<Api>,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = api.ids.next();
    let incoming = Incoming::take_from(&mut request);
    let route = canonical_path(request.path());
    let template = route.as_ref().map(|route| route.template);
    let span = RequestSpan::new(id, request.request(), template, &api.trusted_proxies);
    if let Some(route) = route {
        request.extensions_mut().insert(route);
    }
    span.around(async move {
        let begun = Instant::now();
        let mut response = next.call(request).await?.map_into_boxed_body();
        let is_settled = incoming.settle().await;
        let status = response.status();
        let mut cause = None;
        if status.is_client_error() || status.is_server_error() {
            (response, cause) = explained(response, id);
        }
        if let Ok(id) = HeaderValue::try_from(id.to_string()) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        if !is_settled {
            response = response.map_body(|head, body| {
                head.set_connection_type(ConnectionType::Close);
                incoming.held_by(body)
            });
        }
        log(status, begun, cause);
        Ok(response)
    })
    .await
}

/// An error in the API's form, and what caused it.
fn explained(response: ServiceResponse, id: Uuid) -> (ServiceResponse, Option<String>) {
    let error = response.response().error();
    let (body, cause) = match error.and_then(Error::as_error::<Problem>) {
        Some(problem) => (problem.body(id), problem.cause()),
        None => (Problem::of_status(response.status()).body(id), error.map(ToString::to_string)),
    };
    let is_head = response.request().method() == Method::HEAD;
    let mut response = response.map_body(|_, _| if is_head { BoxBody::new(()) } else { BoxBody::new(body) });
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    (response, cause)
}

fn log(status: StatusCode, begun: Instant, cause: Option<String>) {
    let duration = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let code = status.as_u16();
    let error = cause.unwrap_or_default();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        tracing::warn!(status = code, duration_ms = duration, error, "answered {code} in {duration} ms");
    } else if status.is_server_error() {
        tracing::error!(status = code, duration_ms = duration, error, "answered {code} in {duration} ms");
    } else {
        tracing::info!(status = code, duration_ms = duration, "answered {code} in {duration} ms");
    }
}
