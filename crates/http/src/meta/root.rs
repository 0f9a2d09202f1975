//! The root path, which some clients request first.

use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::respond::json::{PreparedResponse, json};
use crate::respond::problem::Problem;
use crate::routes::Route;

/// The routes of the root.
pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(__path_root, root)]
}

#[derive(Serialize, ToSchema)]
pub(super) struct Service {
    name: &'static str,
    version: &'static str,
    links: Links,
}

#[derive(Serialize, ToSchema)]
struct Links {
    docs: &'static str,
    openapi: &'static str,
    health: &'static str,
}

/// Tells what this is, and where to read on.
#[utoipa::path(
    get,
    path = "/",
    tag = "Service",
    operation_id = "about",
    responses((status = 200, description = "The service.", body = Service))
)]
async fn root() -> Result<PreparedResponse, Problem> {
    let links = Links { docs: "/docs", openapi: "/api/openapi.json", health: "/health/ready" };
    json(StatusCode::OK, &Service { name: "Guildhall", version: env!("CARGO_PKG_VERSION"), links })
}
