//! The answers to what is no HTTP request: actix gives them itself, as a bare status.

use actix_web::http::StatusCode;
use guildhall_domain::ports::Ids;

use crate::problem::Problem;

/// A bare answer in the API's form.
pub(crate) struct Explained {
    replaced: usize,
    answer: Vec<u8>,
    written: usize,
}

impl Explained {
    /// The same answer in the API's form, if `bytes` begin with a bare one: an error without the id of a request.
    pub(crate) fn of(bytes: &[u8], ids: &dyn Ids) -> Option<Self> {
        let status = bytes.strip_prefix(b"HTTP/1.")?.get(2..5)?;
        let status = StatusCode::from_bytes(status).ok()?;
        if !status.is_client_error() && !status.is_server_error() {
            return None;
        }
        let length = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = std::str::from_utf8(&bytes[..length]).ok()?;
        if head.contains("\r\nx-request-id:") {
            return None;
        }
        let id = ids.next();
        let code = status.as_u16();
        tracing::info!(request_id = %id, status = code, "answered {code} to what is no HTTP request");
        let body = Problem::of_status(status).body(id);
        let status_line = head.lines().next()?;
        let date = head.lines().find(|line| line.starts_with("date:")).map(|line| format!("{line}\r\n"));
        let answer = format!(
            "{status_line}\r\nx-request-id: {id}\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\n\
             content-length: {}\r\n{}\r\n{body}",
            body.len(),
            date.unwrap_or_default(),
        );
        Some(Self { replaced: length, answer: answer.into_bytes(), written: 0 })
    }

    /// What is still to be written.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.answer[self.written..]
    }

    /// So many bytes of it were written.
    pub(crate) fn advance(&mut self, written: usize) {
        self.written += written;
    }

    /// How many bytes of the bare answer it stands for.
    pub(crate) fn replaced(&self) -> usize {
        self.replaced
    }
}
