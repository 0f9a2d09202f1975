//! The table of routes. A handler's `#[utoipa::path]` says the method and the path; the table, the dispatch and the OpenAPI
//! document are made from it.

pub(crate) mod dispatch;
pub(crate) mod path_match;
pub(crate) mod path_prefix;

use std::any::type_name;
use std::sync::LazyLock;

use actix_web::http::Method;
use actix_web::{FromRequest, Handler, Responder, web};
use utoipa::__dev::{SchemaReferences, Tags};
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::HttpMethod;

use crate::{meta, oauth, security};

/// A route of the API: a method, a path, a handler and its description.
pub struct Route {
    method: Method,
    template: String,
    handler: Box<dyn Fn() -> actix_web::Route + Send + Sync>,
    describe: fn(&mut OpenApi),
}

impl Route {
    /// The route of `handler`. The description is the type that `#[utoipa::path]` generates beside it, `__path_` and its name.
    pub(crate) fn new<D, F, Args>(_description: D, handler: F) -> Self
    where
        D: utoipa::Path + SchemaReferences + for<'t> Tags<'t>,
        F: Handler<Args> + Send + Sync,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        debug_assert_eq!(
            type_name::<D>().replace("__path_", ""),
            type_name::<F>(),
            "the description of another handler"
        );
        Self {
            method: D::methods().first().map_or(Method::GET, method),
            template: D::path(),
            handler: Box::new(move || web::to(handler.clone())),
            describe: describe::<D>,
        }
    }

    /// The method it answers.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path it answers, with identifiers in braces: `/api/security/groups/{group}`.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.template
    }

    /// A new instance of its handler.
    fn handler(&self) -> actix_web::Route {
        (self.handler)()
    }

    /// Adds its operation to the OpenAPI document, and the schemas that the operation refers to.
    pub(crate) fn describe(&self, document: &mut OpenApi) {
        (self.describe)(document);
    }
}

/// Every route. The methods of a path are listed in `Allow` in the order of the table. A route of GET answers HEAD too.
#[must_use]
pub fn routes() -> &'static [Route] {
    static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
        let groups = [meta::routes(), oauth::routes(), security::routes()];
        groups.into_iter().flatten().collect()
    });
    &ROUTES
}

fn method(method: &HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}

/// Does for one handler what `#[derive(OpenApi)]` does for those in its `paths(...)`.
fn describe<D: utoipa::Path + SchemaReferences + for<'t> Tags<'t>>(document: &mut OpenApi) {
    let mut operation = D::operation();
    operation.tags.get_or_insert_default().extend(D::tags().into_iter().map(str::to_owned));
    document.paths.add_path_operation(D::path(), D::methods(), operation);
    let mut schemas = Vec::new();
    D::schemas(&mut schemas);
    document.components.get_or_insert_default().schemas.extend(schemas);
}
