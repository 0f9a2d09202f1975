//! Liveness and readiness.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use guildhall_domain::access::Actor;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::respond::json::{PreparedResponse, json};
use crate::respond::problem::Problem;
use crate::routes::Route;
use crate::work::{Lane, run};

/// The path of liveness checks.
pub(crate) const LIVENESS_PATH: &str = "/health/live";

/// The path of readiness checks.
pub(crate) const READINESS_PATH: &str = "/health/ready";

/// The routes of health checks.
pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(__path_live, live), Route::new(__path_ready, ready)]
}

#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    #[schema(examples("ok"))]
    status: &'static str,
}

const OK: Health = Health { status: "ok" };

/// Tells that the process lives.
#[utoipa::path(
    get,
    path = LIVENESS_PATH,
    tag = "Service",
    operation_id = "isLive",
    responses((status = 200, description = "It does.", body = Health))
)]
async fn live() -> Result<PreparedResponse, Problem> {
    json(StatusCode::OK, &OK)
}

/// Tells whether the service can work: whether the database answers and would take a change. 503 while it does not.
#[utoipa::path(
    get,
    path = READINESS_PATH,
    tag = "Service",
    operation_id = "isReady",
    responses((status = 200, description = "It can.", body = Health))
)]
async fn ready(api: Data<Api>) -> Result<PreparedResponse, Problem> {
    run(&api, Lane::Read, Actor::Anonymous, |api, _| api.directory.ready().map_err(Problem::unavailable)).await?;
    json(StatusCode::OK, &OK)
}
