//! Successful responses. They are serialised on the worker threads, so that the asynchronous threads only send them.

use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;

use crate::Api;
use crate::respond::problem::Problem;

/// The content type of the API.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// A successful response. Unlike `HttpResponse`, it is `Send`.
pub(crate) struct PreparedResponse {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<Vec<u8>>,
}

/// A response with a JSON body.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Result<PreparedResponse, Problem> {
    let body = serde_json::to_vec(body).map_err(Problem::unexpected)?;
    Ok(PreparedResponse { status, headers: vec![(header::CONTENT_TYPE, JSON)], body: Some(body) })
}

/// A response without a body.
pub(crate) fn empty(status: StatusCode) -> PreparedResponse {
    PreparedResponse { status, headers: Vec::new(), body: None }
}

/// A 201 response with a JSON body, and the path below `/api/security/` in `Location`.
pub(crate) fn created(api: &Api, path: impl fmt::Display, body: &impl Serialize) -> Result<PreparedResponse, Problem> {
    let location =
        HeaderValue::try_from(format!("{}/api/security/{path}", api.path_prefix)).map_err(Problem::unexpected)?;
    Ok(json(StatusCode::CREATED, body)?.with_header(header::LOCATION, location))
}

impl PreparedResponse {
    /// Adds a header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl Responder for PreparedResponse {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        for header in self.headers {
            response.insert_header(header);
        }
        match self.body {
            Some(body) => response.body(body),
            None => response.finish(),
        }
    }
}
