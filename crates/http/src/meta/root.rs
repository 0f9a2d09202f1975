//! The root path, which some clients request first.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
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
    docs: String,
    openapi: String,
    health: String,
}

/// Tells what this is, and where to read on.
#[utoipa::path(
    get,
    path = "/",
    tag = "Service",
    operation_id = "about",
    responses((status = 200, description = "The service.", body = Service))
)]
async fn root(api: Data<Api>) -> Result<PreparedResponse, Problem> {
    let link = |path: &str| format!("{}{path}", api.path_prefix);
    let links = Links { docs: link("/docs"), openapi: link("/api/openapi.json"), health: link("/health/ready") };
    json(StatusCode::OK, &Service { name: "Guildhall", version: env!("CARGO_PKG_VERSION"), links })
}
