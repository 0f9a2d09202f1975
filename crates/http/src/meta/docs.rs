//! The OpenAPI document and the page that shows it.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Bytes;
use utoipa_swagger_ui::{Config, SwaggerFile};

use crate::extract::path_parameters::PathParameter;
use crate::openapi;
use crate::openapi::AssetPath;
use crate::respond::json::JSON;
use crate::respond::problem::Problem;
use crate::routes::Route;

/// The routes of the documentation.
pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(__path_document, document), Route::new(__path_page, page), Route::new(__path_asset, asset)]
}

const PAGE: &str = include_str!("docs/index.html");
const START: &str = include_str!("docs/start.js");

/// The page loads nothing from other origins and cannot be framed. Swagger UI has its images as data URLs in its style sheet.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The files of Swagger UI that the page loads.
const ASSETS: [&str; 3] = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];

/// Shows this document.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    tag = "Service",
    operation_id = "describe",
    responses((status = 200, description = "The document (OpenAPI 3.1).", body = Object, content_type = "application/json"))
)]
async fn document() -> Result<HttpResponse, Problem> {
    static DOCUMENT: LazyLock<serde_json::Result<Bytes>> =
        LazyLock::new(|| serde_json::to_vec(openapi::document()).map(Bytes::from));
    let document = DOCUMENT.as_ref().map_err(|error| Problem::unexpected(error.to_string()))?;
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, JSON)).body(document.clone()))
}

/// Shows this document to people: the one page that is HTML.
#[utoipa::path(
    get,
    path = "/docs",
    tag = "Service",
    operation_id = "browse",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"))
)]
async fn page() -> HttpResponse {
    let mut response = file("text/html; charset=utf-8", Bytes::from_static(PAGE.as_bytes()));
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response
}

/// A file that the page needs.
#[utoipa::path(
    get,
    path = "/docs/{asset}",
    tag = "Service",
    operation_id = "readAsset",
    params(AssetPath),
    responses((
        status = 200,
        description = "The file.",
        content((String = "text/css"), (String = "text/javascript"), ("image/png"))
    ))
)]
async fn asset(PathParameter(asset): PathParameter<String>) -> Result<HttpResponse, Problem> {
    if asset == "start.js" {
        return Ok(file("text/javascript; charset=utf-8", Bytes::from_static(START.as_bytes())));
    }
    let known = ASSETS.into_iter().find(|known| *known == asset);
    let found = known.map(|name| utoipa_swagger_ui::serve(name, Arc::new(Config::default())));
    match found.transpose().map_err(|error| Problem::unexpected(error.to_string()))?.flatten() {
        Some(found) => Ok(vendored(found)),
        None => Err(Problem::no_such_path()),
    }
}

/// A file of Swagger UI. It is embedded with gzip, which every browser accepts, and is sent so.
fn vendored(found: SwaggerFile<'static>) -> HttpResponse {
    let content = match found.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    };
    let mut response = file(&found.content_type, content);
    if found.gzpipped {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// A static file. Its content is shared, not copied, by concurrent responses.
fn file(kind: &str, content: Bytes) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, kind))
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .body(content)
}
