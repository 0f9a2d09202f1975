//! Responses to malformed or late requests. actix makes them itself, without a body or a log line; both are added here.

use actix_web::ResponseError as _;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use tracing::info_span;
use uuid::Uuid;

use crate::middleware::request_log::add_error_headers;
use crate::respond::problem::Problem;
use crate::server::connection::{Connection, MAX_HEAD};

/// Replaces `answer`, made by actix, by one with the API's error body, and logs it.
///
/// It has `Connection: close`, which actix sends only with the answer to the first request of a connection. The headers of proxies
/// were not read, so the logged address may be that of a proxy.
pub(crate) fn error_response(answer: &[u8], head_is_too_long: bool, id: Uuid, connection: &Connection) -> Vec<u8> {
    let head = String::from_utf8_lossy(answer);
    let status =
        answer.get(9..12).and_then(|code| StatusCode::from_bytes(code).ok()).unwrap_or(StatusCode::BAD_REQUEST);
    let problem = match status {
        StatusCode::BAD_REQUEST if head_is_too_long => {
            Problem::bad_request(format!("The line and the headers of the request are larger than {MAX_HEAD} bytes"))
        }
        StatusCode::BAD_REQUEST => Problem::bad_request("This is not a valid HTTP request"),
        StatusCode::REQUEST_TIMEOUT => Problem::request_timeout("The request came too slowly"),
        status => Problem::of_status(status),
    };
    let code = problem.status_code().as_u16();
    info_span!("request", request_id = %id, address = connection.peer().address().map(|peer| display(peer.ip())))
        .in_scope(|| tracing::info!(status = code, "answered {code}: {problem}"));
    let body = problem.body(id);
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    add_error_headers(&mut headers, id, Some(connection));
    let mut lines = vec![format!("HTTP/1.1 {status}")];
    lines.extend(headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))));
    lines.extend(head.lines().find(|line| line.starts_with("date: ")).map(str::to_owned));
    format!("{}\r\n\r\n{body}", lines.join("\r\n")).into_bytes()
}
