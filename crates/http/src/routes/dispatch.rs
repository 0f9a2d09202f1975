//! Calling the handler of the route that a request matched. Connections beyond the limits get liveness checks answered alone.

use std::future::ready;
use std::rc::Rc;

use actix_service::{Service as _, ServiceFactory, fn_factory, fn_service};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpMessage as _};

use super::path_match::PathMatch;
use super::routes;
use crate::meta::health::LIVENESS_PATH;
use crate::respond::problem::Problem;
use crate::server::connection::Connection;

/// The service that answers every request, by the [`PathMatch`] in the request's extensions.
///
/// It is registered as the default service of an application without resources, because actix would match the path again,
/// with a regular expression for each resource.
pub(crate) fn dispatcher()
-> impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse, Error = Error, InitError = ()> {
    fn_factory(|| async {
        let mut handlers = Vec::new();
        for route in routes() {
            handlers.push(route.handler().new_service(()).await?);
        }
        let handlers = Rc::<[_]>::from(handlers);
        Ok(fn_service::<_, _, _, _, _, ()>(move |request: ServiceRequest| match route_of(&request) {
            Ok(index) => handlers[index].call(request),
            Err(problem) => Box::pin(ready(Ok(request.error_response(problem)))),
        }))
    })
}

fn route_of(request: &ServiceRequest) -> Result<usize, Problem> {
    let extensions = request.extensions();
    let path_match = extensions.get::<PathMatch>();
    check_reserve(Connection::of(request.request()).as_ref(), path_match)?;
    path_match.ok_or_else(Problem::no_such_path)?.route(request.method())
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
