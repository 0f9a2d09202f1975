//! Answers as the threads make them that do the work: written out whole, so that the asynchronous threads only pass them on.

use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;

use crate::respond::problem::Problem;

/// What bodies of the API are.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// An answer that is not a refusal. It can be made on any thread.
pub(crate) struct PreparedResponse {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<Vec<u8>>,
}

/// An answer with a body.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Result<PreparedResponse, Problem> {
    let body = serde_json::to_vec(body).map_err(Problem::unexpected)?;
    Ok(PreparedResponse { status, headers: vec![(header::CONTENT_TYPE, JSON)], body: Some(body) })
}

/// An answer without one.
pub(crate) fn empty(status: StatusCode) -> PreparedResponse {
    PreparedResponse { status, headers: Vec::new(), body: None }
}

/// The answer to a request that made `body`, which is at `place` from now on.
pub(crate) fn created(place: impl fmt::Display, body: &impl Serialize) -> Result<PreparedResponse, Problem> {
    let location = HeaderValue::try_from(format!("/api/security/{place}")).map_err(Problem::unexpected)?;
    Ok(json(StatusCode::CREATED, body)?.with_header(header::LOCATION, location))
}

impl PreparedResponse {
    /// The same with this header.
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
