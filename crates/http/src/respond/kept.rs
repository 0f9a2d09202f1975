//! Answers that are kept for requests with an idempotency key, as bytes to be sealed.

use actix_web::ResponseError as _;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use uuid::Uuid;

use crate::respond::json::{JSON, PreparedResponse};
use crate::respond::problem::Problem;

/// An answer that was given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Its body was too large to be kept.
pub(crate) const BODY_OMITTED: HeaderName = HeaderName::from_static("idempotency-body-omitted");

/// The most bytes of a body that is kept.
const MAX_BODY: usize = 64 * 1024;
/// The headers that are kept.
const KEPT: [HeaderName; 4] =
    [header::LOCATION, header::ETAG, header::CONTENT_TYPE, HeaderName::from_static("preference-applied")];
/// The first byte of what is kept, by which a later version can tell its own form.
const FORM: u8 = 1;

/// The digest of a request.
pub(crate) type RequestDigest = [u8; 32];

/// A kept answer, and the request that it answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeptAnswer {
    pub(crate) request: RequestDigest,
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// `None`: there was none. What is too large is left out.
    body: Option<Vec<u8>>,
    is_body_omitted: bool,
}

impl KeptAnswer {
    /// What is to be kept of `answer` to the request `id`: of success, and of refusals that say something of the request and the directory. Who is not
    /// permitted, or sent too much, may send the same again.
    pub(crate) fn of(request: RequestDigest, id: Uuid, answer: &Result<PreparedResponse, Problem>) -> Option<Self> {
        let (status, headers, body) = match answer {
            Ok(response) => (response.status(), response.headers().to_vec(), response.body().map(<[u8]>::to_vec)),
            Err(problem) => {
                let body = problem.body(id).into_bytes();
                (problem.status_code(), vec![(header::CONTENT_TYPE, JSON)], Some(body))
            }
        };
        let is_kept = status.is_success() || (status.is_client_error() && !NEVER_KEPT.contains(&status));
        let is_body_omitted = body.as_ref().is_some_and(|body| body.len() > MAX_BODY);
        let headers = headers.into_iter().filter(|(name, _)| KEPT.contains(name)).collect();
        let body = body.filter(|_| !is_body_omitted);
        is_kept.then_some(Self { request, status, headers, body, is_body_omitted })
    }

    /// The answer again.
    pub(crate) fn replay(self) -> PreparedResponse {
        let answer = PreparedResponse::new(self.status, self.headers, self.body).keeping_error_body();
        let yes = || HeaderValue::from_static("true");
        let answer = answer.with_header(REPLAYED, yes());
        if self.is_body_omitted { answer.with_header(BODY_OMITTED, yes()) } else { answer }
    }

    /// All of it.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![FORM];
        bytes.extend(self.request);
        bytes.extend(self.status.as_u16().to_be_bytes());
        bytes.push(u8::from(self.is_body_omitted) + 2 * u8::from(self.body.is_some()));
        push(&mut bytes, &(self.headers.len() as u64).to_be_bytes());
        for (name, value) in &self.headers {
            push(&mut bytes, name.as_str().as_bytes());
            push(&mut bytes, value.as_bytes());
        }
        bytes.extend(self.body.iter().flatten());
        bytes
    }

    /// What was encoded.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (form, bytes) = bytes.split_first()?;
        let (request, bytes) = bytes.split_first_chunk()?;
        let (status, bytes) = bytes.split_first_chunk()?;
        let (flags, bytes) = bytes.split_first()?;
        let (count, mut bytes) = split(bytes)?;
        let mut headers = Vec::new();
        for _ in 0..u64::from_be_bytes(count.try_into().ok()?) {
            let (name, rest) = split(bytes)?;
            let (value, rest) = split(rest)?;
            headers.push((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?));
            bytes = rest;
        }
        let status = StatusCode::from_u16(u16::from_be_bytes(*status)).ok()?;
        let body = (flags & 2 != 0).then(|| bytes.to_vec());
        (*form == FORM).then_some(Self { request: *request, status, headers, body, is_body_omitted: flags & 1 != 0 })
    }
}

/// Statuses of the caller, of how the request came, and of how many there were: none of them says that the request was looked at.
const NEVER_KEPT: [StatusCode; 5] = [
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::TOO_MANY_REQUESTS,
];

/// Adds `part`, with its length before it.
fn push(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend((part.len() as u64).to_be_bytes());
    bytes.extend(part);
}

/// The next part, and the rest.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::http::header::{self, HeaderName, HeaderValue};
    use uuid::Uuid;

    use super::{KeptAnswer, MAX_BODY};
    use crate::respond::json::{PreparedResponse, empty};
    use crate::respond::problem::Problem;

    fn kept(answer: &Result<PreparedResponse, Problem>) -> Option<KeptAnswer> {
        KeptAnswer::of([7; 32], Uuid::nil(), answer)
    }

    fn response(body: Vec<u8>) -> PreparedResponse {
        PreparedResponse::new(StatusCode::CREATED, Vec::new(), Some(body))
            .with_header(header::ETAG, HeaderValue::from_static("\"1.0\""))
            .with_header(header::LOCATION, HeaderValue::from_static("/api/security/users/1"))
            .with_header(HeaderName::from_static("x-other"), HeaderValue::from_static("x"))
    }

    #[test]
    fn what_is_kept_comes_back() {
        for answer in [
            Ok(empty(StatusCode::NO_CONTENT)),
            Ok(response(Vec::new())),
            Ok(response(vec![b'x'; MAX_BODY])),
            Ok(response(vec![b'x'; MAX_BODY + 1])),
            Err(Problem::conflict("there is one")),
        ] {
            let kept = kept(&answer).unwrap();
            assert_eq!(KeptAnswer::decode(&kept.encode()).as_ref(), Some(&kept));
            assert!(kept.headers.iter().all(|(name, _)| name != "x-other"));
            for length in 0..kept.encode().len() - kept.body.as_ref().map_or(0, Vec::len) {
                assert_eq!(KeptAnswer::decode(&kept.encode()[..length]), None, "{length}");
            }
        }
    }

    #[test]
    fn a_large_body_is_left_out() {
        for (length, is_omitted) in [(0, false), (MAX_BODY, false), (MAX_BODY + 1, true)] {
            let kept = kept(&Ok(response(vec![b'x'; length]))).unwrap();
            assert_eq!((kept.is_body_omitted, kept.body.is_none()), (is_omitted, is_omitted), "{length}");
        }
    }

    #[test]
    fn refusals_of_the_caller_and_failures_are_not_kept() {
        for problem in [
            Problem::unauthenticated(),
            Problem::forbidden("no"),
            Problem::request_timeout("slow"),
            Problem::too_large("large"),
            Problem::too_many_requests(1),
            Problem::unexpected("broken"),
            Problem::unavailable("away"),
        ] {
            assert_eq!(kept(&Err(problem)), None);
        }
        for problem in [
            Problem::conflict("x"),
            Problem::not_found("x"),
            Problem::precondition_failed("x"),
            Problem::validation("x"),
        ] {
            assert!(kept(&Err(problem)).is_some());
        }
    }
}
