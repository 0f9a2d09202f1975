//! The OpenAPI document and the page that shows it.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Bytes, Data};
use utoipa_swagger_ui::{Config, SwaggerFile};

use crate::Api;
use crate::extract::path_parameters::PathParameter;
use crate::openapi;
use crate::openapi::AssetPath;
use crate::respond::json::JSON;
use crate::respond::problem::Problem;
use crate::routes::Route;
use crate::routes::path_prefix::PathPrefix;

/// The routes of the documentation.
pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(__path_document, document), Route::new(__path_page, page), Route::new(__path_asset, asset)]
}

const PAGE: &str = include_str!("docs/index.html");
const START: &str = include_str!("docs/start.js");

/// What stands for the path prefix in the templates.
const PREFIX: &str = "{prefix}";

/// The files of the documentation that have links in them.
pub(crate) struct Documentation {
    /// Made when somebody asks for it.
    document: OnceLock<serde_json::Result<Bytes>>,
    page: Bytes,
    start: Bytes,
}

impl Documentation {
    /// The files with links below `prefix`.
    pub(crate) fn below(prefix: &PathPrefix) -> Self {
        let linked = |template: &str| template.replace(PREFIX, prefix.as_str()).into();
        Self { document: OnceLock::new(), page: linked(PAGE), start: linked(START) }
    }
}

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
async fn document(api: Data<Api>) -> Result<HttpResponse, Problem> {
    let document = api
        .documentation
        .document
        .get_or_init(|| serde_json::to_vec(&openapi::document_below(&api.path_prefix)).map(Bytes::from));
    let document = document.as_ref().map_err(|error| Problem::unexpected(error.to_string()))?;
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
async fn page(api: Data<Api>) -> HttpResponse {
    let mut response = file("text/html; charset=utf-8", api.documentation.page.clone());
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
async fn asset(api: Data<Api>, PathParameter(asset): PathParameter<String>) -> Result<HttpResponse, Problem> {
    if asset == "start.js" {
        return Ok(file("text/javascript; charset=utf-8", api.documentation.start.clone()));
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
