//! `Expect: 100-continue`: the caller is authenticated before `100 Continue` is sent.

use std::net::IpAddr;
use std::time::Instant;

use actix_http::{Request, Response};
use actix_web::body::{BoxBody, MessageBody as _};
use actix_web::http::{ConnectionType, Method};
use actix_web::{HttpMessage as _, HttpResponse, ResponseError as _};

use crate::Api;
use crate::extract::caller::Caller;
use crate::extract::client_address::address_of;
use crate::extract::request_body::RequestBody;
use crate::middleware::request_log::{add_error_headers, log_response};
use crate::middleware::request_span::RequestSpan;
use crate::oauth::token::TOKEN_ENDPOINT;
use crate::respond::problem::Problem;
use crate::respond::response_body::{ResponseBody, without_content};
use crate::routes::dispatch::check_reserve;
use crate::routes::path_match::PathMatch;
use crate::server::connection::Connection;
use crate::server::transport::Peer;
use crate::work::{Lane, run};

/// Paths with this prefix need a token.
const API_PREFIX: &str = "/api/security";

/// The same request if `100 Continue` may be sent, otherwise the response to send instead.
pub(crate) async fn admit(api: Api, mut request: Request) -> Result<Request, Response<BoxBody>> {
    let connection = Connection::of_unrouted(&request);
    if let Some(connection) = &connection {
        connection.begin_work_before_body();
    }
    let id = api.ids.next();
    let peer = connection.as_ref().map_or(Peer::Unknown, Connection::peer);
    let address = address_of(peer, request.headers(), &api.trusted_proxies);
    let path_match = PathMatch::find_below(&api.path_prefix, request.path());
    let template = path_match.as_ref().map(PathMatch::template);
    let span = RequestSpan::new(id, request.method(), request.path(), template, address);
    span.around(async move {
        let begun = Instant::now();
        let Err(problem) = check(&api, &request, path_match.as_ref(), connection.as_ref(), address).await else {
            if let Some(path_match) = path_match {
                request.extensions_mut().insert(path_match);
            }
            return Ok(request);
        };
        let mut response = problem.error_response();
        add_error_headers(response.headers_mut(), id, connection.as_ref());
        let is_head = request.method() == Method::HEAD;
        log_response(response.status(), begun, problem.cause());
        let unread = RequestBody::take_from(&mut request, connection.clone());
        let body = BoxBody::new(problem.body(id));
        let body = if is_head { without_content(&body) } else { body };
        let guard = connection.as_ref().map(Connection::begin_last_response);
        let response: HttpResponse = response.map_body(|head, _| {
            head.set_connection_type(ConnectionType::Close);
            ResponseBody::new(body, Some(unread), guard).boxed()
        });
        Err(response.into())
    })
    .await
}

/// The checks before a body that are the same for every route (contract 1.6).
async fn check(
    api: &Api,
    request: &Request,
    path_match: Option<&PathMatch>,
    connection: Option<&Connection>,
    address: Option<IpAddr>,
) -> Result<(), Problem> {
    check_reserve(connection, path_match)?;
    let path_match = path_match.ok_or_else(Problem::no_such_path)?;
    path_match.route(request.method())?;
    let template = path_match.template();
    if template.starts_with(API_PREFIX) {
        let caller = Caller::authenticate(api, request.headers()).await?;
        return run(api, Lane::Read, caller, |api, context| api.directory.authenticate(context)).await;
    }
    if template == TOKEN_ENDPOINT {
        // Only checked: the attempt is counted when the body has been received.
        api.throttle().attempt(address)?.refund();
    }
    Ok(())
}
