//! Error responses (contract 3.1).

mod body;
mod refusals;

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use guildhall_domain::validation::InvalidField;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

use body::{ErrorBody, OAuthErrorBody, ProblemType};
pub(crate) use body::{GroupsBelow, InvalidFieldBody, NameList, NamedGroup, QueryMistake};
pub(crate) use refusals::{GROUP_NOT_FOUND, NOT_A_MEMBER, USER_NOT_FOUND};

/// An error response: its status, its body and its header. The cause is for the log.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    kind: ProblemType,
    message: Cow<'static, str>,
    format: ErrorFormat,
    data: Option<Box<RawValue>>,
    header_line: Option<ProblemHeader>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// The format of the error body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ErrorFormat {
    /// The format of the API.
    Api,
    /// The format of RFC 6749, section 5.2: the message is an error code, and the only property.
    OAuth,
}

/// A header that tells the client what to do.
#[derive(Debug)]
enum ProblemHeader {
    Authenticate,
    Allow(String),
    RetryAfter(u64),
}

/// The whole body of every 401 (contract 2.3).
const UNAUTHENTICATED: &str = r#"{"message":"Authorization has been denied for this request."}"#;

impl Problem {
    fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            kind: ProblemType::Error,
            message: message.into(),
            format: ErrorFormat::Api,
            data: None,
            header_line: None,
            cause: None,
        }
    }

    /// An error with the standard reason of `status` as its message.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        Self::new(status, status.canonical_reason().unwrap_or("The request failed"))
    }

    pub(crate) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 400: a ZenQL query is invalid after `position` characters (contract 8.2).
    pub(crate) fn zenql(position: usize, detail: &str) -> Self {
        Self::bad_request("The ZenQL query is not valid").with_data(&QueryMistake { position, detail })
    }

    pub(crate) fn unauthenticated() -> Self {
        Self { header_line: Some(ProblemHeader::Authenticate), ..Self::of_status(StatusCode::UNAUTHORIZED) }
    }

    /// 401 for a token that was verified; the cause is for the log.
    pub(crate) fn unauthenticated_because(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { cause: Some(cause.into()), ..Self::unauthenticated() }
    }

    /// 400 of the token endpoint, with an error code (contract 2.1).
    pub(crate) fn oauth(code: &'static str) -> Self {
        Self { format: ErrorFormat::OAuth, ..Self::bad_request(code) }
    }

    /// 429 with `Retry-After`.
    pub(crate) fn limit_reached(message: &'static str, seconds: u64) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, message);
        Self { header_line: Some(ProblemHeader::RetryAfter(seconds)), ..problem }
    }

    /// 429 with `Retry-After` and an error code (contract 2.1).
    pub(crate) fn too_many_requests(seconds: u64) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "slow_down");
        Self { format: ErrorFormat::OAuth, header_line: Some(ProblemHeader::RetryAfter(seconds)), ..problem }
    }

    /// Converts the error to the format of the token endpoint, with an error code.
    pub(crate) fn into_oauth(self) -> Self {
        let (status, code) = match self.status {
            _ if self.format == ErrorFormat::OAuth => return self,
            StatusCode::SERVICE_UNAVAILABLE => (self.status, "temporarily_unavailable"),
            status if status.is_server_error() => (status, "server_error"),
            StatusCode::REQUEST_TIMEOUT => (self.status, "invalid_request"),
            _ => (StatusCode::BAD_REQUEST, "invalid_request"),
        };
        Self { status, message: code.into(), format: ErrorFormat::OAuth, ..self }
    }

    pub(crate) fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    pub(crate) fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 410: it was there, and is no more.
    pub(crate) fn gone(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::GONE, message)
    }

    /// 404: no route has this path.
    pub(crate) fn no_such_path() -> Self {
        Self::not_found("There is nothing at this address")
    }

    pub(crate) fn method_not_allowed(allowed: String) -> Self {
        let message = format!("The method is not allowed here; allowed are: {allowed}");
        Self { header_line: Some(ProblemHeader::Allow(allowed)), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, message) }
    }

    pub(crate) fn conflict(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    pub(crate) fn too_large(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    /// 408.
    pub(crate) fn request_timeout(message: &'static str) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, message)
    }

    pub(crate) fn unsupported_media(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message)
    }

    /// 422 with the invalid fields.
    pub(crate) fn invalid(message: &'static str, fields: &[InvalidField]) -> Self {
        let fields: Vec<_> = fields.iter().map(InvalidFieldBody::from).collect();
        Self::validation(message).with_data(&fields)
    }

    /// 422 without data.
    pub(crate) fn validation(message: &'static str) -> Self {
        Self { kind: ProblemType::Validation, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, message) }
    }

    pub(crate) fn precondition_failed(message: &'static str) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, message)
    }

    /// 500; the cause is for the log.
    pub(crate) fn unexpected(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let problem = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "An unexpected error occurred");
        Self { cause: Some(cause.into()), ..problem }
    }

    /// 503 with `Retry-After`; the cause is for the log.
    pub(crate) fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "The service is temporarily unavailable");
        Self { header_line: Some(ProblemHeader::RetryAfter(1)), cause: Some(cause.into()), ..problem }
    }

    /// Whether the status is 5xx.
    pub(crate) fn is_server_error(&self) -> bool {
        self.status.is_server_error()
    }

    /// 503: a database query took longer than `limit`.
    fn timed_out(limit: Duration, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let seconds = limit.as_secs();
        let unit = if seconds == 1 { "second" } else { "seconds" };
        let message = format!("The query took longer than {seconds} {unit}");
        Self { message: message.into(), ..Self::unavailable(cause) }
    }

    pub(crate) fn with_data(self, data: &impl Serialize) -> Self {
        match to_raw_value(data) {
            Ok(data) => Self { data: Some(data), ..self },
            Err(error) => Self::unexpected(error),
        }
    }

    /// The body of the response to the request `id`.
    pub(crate) fn body(&self, id: Uuid) -> String {
        if self.status == StatusCode::UNAUTHORIZED {
            return UNAUTHENTICATED.to_owned();
        }
        if self.format == ErrorFormat::OAuth {
            return serde_json::to_string(&OAuthErrorBody { error: &self.message }).unwrap_or_default();
        }
        let body =
            ErrorBody { log_id: id.to_string(), message: &self.message, data: self.data.as_deref(), kind: self.kind };
        serde_json::to_string(&body).unwrap_or_default()
    }

    /// The error chain of the cause, for the log.
    pub(crate) fn cause(&self) -> Option<String> {
        self.cause.as_ref().map(|cause| error_chain(cause.as_ref()))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    /// The status and the header. `request_log` adds the body, which contains the id of the request.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status);
        let (name, value) = match &self.header_line {
            None => return response,
            Some(ProblemHeader::Authenticate) => (header::WWW_AUTHENTICATE, Ok(HeaderValue::from_static("Bearer"))),
            Some(ProblemHeader::Allow(methods)) => (header::ALLOW, HeaderValue::from_str(methods)),
            Some(ProblemHeader::RetryAfter(seconds)) => (header::RETRY_AFTER, Ok(HeaderValue::from(*seconds))),
        };
        if let Ok(value) = value {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// The message of an error and of all its sources, in one line.
pub(crate) fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        // Writing to a string does not fail.
        let _ = write!(line, ": {error}");
        source = error.source();
    }
    line
}
