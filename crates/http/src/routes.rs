//! The one table of routes.

pub(crate) mod normalize_path;

use actix_web::http::Method;
use actix_web::web;

use crate::meta::{docs, health, root};
use crate::oauth::{discovery, token as tokens};
use crate::respond::problem::Problem;
use crate::security::api_keys::handlers as api_keys;
use crate::security::children::handlers as children;
use crate::security::groups::handlers as groups;
use crate::security::members::handlers as members;
use crate::security::users::{handlers as users, search as user_search};
use crate::security::{identities, memberships};
use normalize_path::canonical_path;

/// A route of the API.
pub struct Route {
    method: Method,
    template: &'static str,
    handler: fn() -> actix_web::Route,
}

impl Route {
    /// The method it answers.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path it answers, with identifiers in braces: `/api/security/groups/{group}`.
    #[must_use]
    pub fn template(&self) -> &'static str {
        self.template
    }
}

/// Every route. Where a path fits two templates, the first one answers, so words go before identifiers.
#[must_use]
pub fn routes() -> &'static [Route] {
    &ROUTES
}

static ROUTES: [Route; 43] = [
    Route { method: Method::GET, template: "/", handler: || web::to(root::root) },
    Route { method: Method::GET, template: "/api/openapi.json", handler: || web::to(docs::document) },
    Route { method: Method::GET, template: "/docs", handler: || web::to(docs::page) },
    Route { method: Method::GET, template: "/docs/{asset}", handler: || web::to(docs::asset) },
    Route { method: Method::GET, template: "/health/live", handler: || web::to(health::live) },
    Route { method: Method::GET, template: "/health/ready", handler: || web::to(health::ready) },
    Route { method: Method::POST, template: TOKEN_ENDPOINT, handler: || web::to(tokens::token) },
    Route {
        method: Method::GET,
        template: "/authenticate/.well-known/openid-configuration",
        handler: || web::to(discovery::configuration),
    },
    Route {
        method: Method::GET,
        template: "/authenticate/.well-known/openid-configuration/jwks",
        handler: || web::to(discovery::keys),
    },
    Route { method: Method::GET, template: USERS, handler: || web::to(users::list) },
    Route { method: Method::POST, template: USERS, handler: || web::to(users::create) },
    Route { method: Method::GET, template: USER_SEARCH, handler: || web::to(user_search::by_query) },
    Route { method: Method::POST, template: USER_SEARCH, handler: || web::to(user_search::by_body) },
    Route { method: Method::GET, template: USER, handler: || web::to(users::read) },
    Route { method: Method::PUT, template: USER, handler: || web::to(users::replace) },
    Route { method: Method::PATCH, template: USER, handler: || web::to(users::merge) },
    Route { method: Method::DELETE, template: USER, handler: || web::to(users::delete) },
    Route {
        method: Method::POST,
        template: "/api/security/users/{user}/credentials/password",
        handler: || web::to(users::change_password),
    },
    Route { method: Method::POST, template: "/api/security/users/{user}/actions", handler: || web::to(users::act) },
    Route {
        method: Method::GET,
        template: "/api/security/users/{user}/groups",
        handler: || web::to(memberships::list),
    },
    Route { method: Method::GET, template: IDENTITIES, handler: || web::to(identities::list) },
    Route { method: Method::DELETE, template: IDENTITIES, handler: || web::to(identities::remove) },
    Route {
        method: Method::HEAD,
        template: "/api/security/users/{user}/groups/{groups}",
        handler: || web::to(memberships::check),
    },
    Route { method: Method::GET, template: GROUPS, handler: || web::to(groups::list) },
    Route { method: Method::POST, template: GROUPS, handler: || web::to(groups::create) },
    Route { method: Method::GET, template: GROUP, handler: || web::to(groups::read) },
    Route { method: Method::PUT, template: GROUP, handler: || web::to(groups::replace) },
    Route { method: Method::DELETE, template: GROUP, handler: || web::to(groups::delete) },
    Route { method: Method::GET, template: MEMBERS, handler: || web::to(members::list) },
    Route { method: Method::POST, template: MEMBERS, handler: || web::to(members::add_many) },
    Route { method: Method::PUT, template: MEMBER, handler: || web::to(members::add) },
    Route { method: Method::DELETE, template: MEMBER, handler: || web::to(members::remove) },
    Route { method: Method::HEAD, template: MEMBER, handler: || web::to(members::check) },
    Route { method: Method::GET, template: CHILDREN, handler: || web::to(children::list) },
    Route { method: Method::POST, template: CHILDREN, handler: || web::to(children::add_many) },
    Route { method: Method::PUT, template: CHILD, handler: || web::to(children::add) },
    Route { method: Method::DELETE, template: CHILD, handler: || web::to(children::remove) },
    Route { method: Method::GET, template: API_KEYS, handler: || web::to(api_keys::list) },
    Route { method: Method::POST, template: API_KEYS, handler: || web::to(api_keys::create) },
    Route { method: Method::GET, template: API_KEY, handler: || web::to(api_keys::read) },
    Route { method: Method::PUT, template: API_KEY, handler: || web::to(api_keys::replace) },
    Route { method: Method::DELETE, template: API_KEY, handler: || web::to(api_keys::delete) },
    Route {
        method: Method::POST,
        template: "/api/security/apiKeys/{key}/secret",
        handler: || web::to(api_keys::rotate),
    },
];

/// Where tokens are issued.
pub(crate) const TOKEN_ENDPOINT: &str = "/authenticate/connect/token";
const USERS: &str = "/api/security/users";
const USER_SEARCH: &str = "/api/security/users/search";
const USER: &str = "/api/security/users/{user}";
const IDENTITIES: &str = "/api/security/users/{user}/identities";
const GROUPS: &str = "/api/security/groups";
const GROUP: &str = "/api/security/groups/{group}";
const MEMBERS: &str = "/api/security/groups/{group}/users";
const MEMBER: &str = "/api/security/groups/{group}/users/{user}";
const CHILDREN: &str = "/api/security/groups/{group}/groups";
const API_KEYS: &str = "/api/security/apiKeys";
const API_KEY: &str = "/api/security/apiKeys/{key}";
const CHILD: &str = "/api/security/groups/{group}/groups/{child}";

/// Registers every route; a path with another method is answered with 405 and the methods it has.
pub(crate) fn register(config: &mut web::ServiceConfig) {
    let mut registered: Vec<&str> = Vec::new();
    for template in ROUTES.iter().map(Route::template) {
        if registered.contains(&template) {
            continue;
        }
        registered.push(template);
        let mut resource = web::resource(template);
        for route in ROUTES.iter().filter(|route| route.template == template) {
            resource = resource.route((route.handler)().method(route.method.clone()));
        }
        let refuse = move || async move { Err::<&str, Problem>(method_not_allowed(template)) };
        config.service(resource.default_service(web::to(refuse)));
    }
}

/// Answers where there is no route.
pub(crate) async fn unknown() -> Result<&'static str, Problem> {
    Err(nothing_there())
}

/// The template of the route that answers `method` at `path`, in any spelling.
pub(crate) fn find(path: &str, method: &Method) -> Result<&'static str, Problem> {
    let template = canonical_path(path).ok_or_else(nothing_there)?.template;
    let is_there = ROUTES.iter().any(|route| route.template == template && route.method == *method);
    if is_there { Ok(template) } else { Err(method_not_allowed(template)) }
}

fn nothing_there() -> Problem {
    Problem::not_found("There is nothing at this address")
}

fn method_not_allowed(template: &str) -> Problem {
    let methods = ROUTES.iter().filter(|route| route.template == template).map(|route| route.method.as_str());
    Problem::method_not_allowed(methods.collect::<Vec<_>>().join(", "))
}
