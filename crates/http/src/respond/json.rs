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

/// A response, successful unless it is given again. Unlike `HttpResponse`, it is `Send`.
pub(crate) struct PreparedResponse {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<Vec<u8>>,
    keeps_error_body: bool,
}

/// Marks the response to a client error that has the body that it is to have.
pub(crate) struct HasErrorBody;

/// A response with a JSON body.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Result<PreparedResponse, Problem> {
    let body = serde_json::to_vec(body).map_err(Problem::unexpected)?;
    Ok(PreparedResponse::new(status, vec![(header::CONTENT_TYPE, JSON)], Some(body)))
}

/// A response without a body.
pub(crate) fn empty(status: StatusCode) -> PreparedResponse {
    PreparedResponse::new(status, Vec::new(), None)
}

/// A 201 response with a JSON body, and the path below `/api/security/` in `Location`.
pub(crate) fn created(api: &Api, path: impl fmt::Display, body: &impl Serialize) -> Result<PreparedResponse, Problem> {
    let location =
        HeaderValue::try_from(format!("{}/api/security/{path}", api.path_prefix)).map_err(Problem::unexpected)?;
    Ok(json(StatusCode::CREATED, body)?.with_header(header::LOCATION, location))
}

impl PreparedResponse {
    pub(crate) fn new(status: StatusCode, headers: Vec<(HeaderName, HeaderValue)>, body: Option<Vec<u8>>) -> Self {
        Self { status, headers, body, keeps_error_body: false }
    }

    /// The same; if it is a client error, its body is sent as it is.
    pub(crate) fn keeping_error_body(self) -> Self {
        Self { keeps_error_body: true, ..self }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    pub(crate) fn body(&self) -> Option<&[u8]> {
        self.body.as_deref()
    }

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
        let mut response = match self.body {
            Some(body) => response.body(body),
            None => response.finish(),
        };
        if self.keeps_error_body {
            response.extensions_mut().insert(HasErrorBody);
        }
        response
    }
}
