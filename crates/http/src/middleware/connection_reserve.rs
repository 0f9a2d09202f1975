//! Connections beyond the limits: only liveness checks are answered on them.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _};

use crate::meta::health::LIVENESS_PATH;
use crate::respond::problem::Problem;
use crate::routes::path_match::PathMatch;
use crate::server::connection::Connection;

/// Answers 503 to everything but liveness checks, on connections beyond the limits.
pub(crate) async fn keep_reserve<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let checked = check_reserve(request.request().conn_data(), request.extensions().get());
    match checked {
        Ok(()) => Ok(next.call(request).await?.map_into_boxed_body()),
        Err(problem) => Ok(request.error_response(problem)),
    }
}

/// Fails if `connection` is beyond the limits and the request is anything but a liveness check.
pub(crate) fn check_reserve(connection: Option<&Connection>, path: Option<&PathMatch>) -> Result<(), Problem> {
    let is_in_reserve = connection.is_some_and(Connection::is_in_reserve);
    if is_in_reserve && path.is_none_or(|path| path.template() != LIVENESS_PATH) {
        return Err(Problem::unavailable(TooManyConnections));
    }
    Ok(())
}

/// There are as many connections as there may be.
#[derive(Debug, thiserror::Error)]
#[error("there are too many connections")]
struct TooManyConnections;
