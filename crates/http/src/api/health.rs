//! Whether the service lives, and whether it can work.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Serialize;

use crate::Api;
use crate::answer::json;
use crate::blocking::blocking;
use crate::problem::Problem;

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

const OK: Health = Health { status: "ok" };

/// `GET /health/live`
pub(crate) async fn live() -> Result<HttpResponse, Problem> {
    json(StatusCode::OK, &OK)
}

/// `GET /health/ready`
pub(crate) async fn ready(api: Data<Api>) -> Result<HttpResponse, Problem> {
    blocking(move || api.directory.ready().map_err(Problem::unavailable)).await?;
    json(StatusCode::OK, &OK)
}
