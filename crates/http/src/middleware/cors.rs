//! Cross-origin requests (contract 1.5).

use actix_cors::Cors;
use actix_web::http::{Method, header};

use crate::extract::idempotency_key::IDEMPOTENCY_KEY;
use crate::respond::kept::{BODY_OMITTED, REPLAYED};

/// How many seconds a browser caches a preflight.
const REMEMBERED: usize = 3600;

/// Answers preflights and allows `origins` to read responses; `*` is every origin.
pub(crate) fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD])
        .allowed_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            IDEMPOTENCY_KEY,
        ])
        .expose_headers([
            "x-contensis-classic-token",
            "location",
            "etag",
            "x-request-id",
            REPLAYED.as_str(),
            BODY_OMITTED.as_str(),
        ])
        .max_age(REMEMBERED);
    if origins.iter().any(|origin| origin == "*") {
        return cors.allow_any_origin().send_wildcard();
    }
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
