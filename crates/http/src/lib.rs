//! The use cases of the directory as a JSON API over HTTP.
//!
//! | Where | What |
//! |---|---|
//! | `routes` | the one table of routes: what is registered, what `Allow` says |
//! | `api` | a handler per route: parse, call, answer |
//! | `canonical` | one spelling for every path that a route answers |
//! | `answer` | around every request: its id, its line in the log, errors in the API's form |
//! | `request_span`, `audit` | what every line of the log about a request says, and the lines for auditors |
//! | `reply` | what a handler answers, written out by the thread that did the work |
//! | `caller`, `body`, `query`, `segment` | what a handler is given: who calls, a body, parameters, identifiers |
//! | `search` | what a request wants of a listing: which items, in which order |
//! | `json`, `bulk`, `user_json`, `group_json`, `api_key_json`, `custom_json`, `moment_json`, `page` | JSON, read and written |
//! | `version` | tags and conditions of users and groups |
//! | `grant`, `throttle` | requests for tokens: what they ask for, how many there may be |
//! | `client_address`, `public_url` | from whom a request comes, and to which address of ours |
//! | `problem` | every status that is not a success |
//! | `request_body`, `response_body` | bodies: read only when somebody wants them, written as fast as somebody reads them |
//! | `server`, `connection`, `stream`, `connection_limits`, `stopping` | sockets: how many, for how long, and their end |
//! | `expect` | who is told to go on sending a body |
//! | `malformed_request` | answers to what is no HTTP request |
//! | `response_headers` | what every response says |
//! | `openapi` | the API described, from the attributes of handlers and types |
//! | `cors` | which pages of other origins may call |
//! | `work`, `workers`, `shares` | the only place where work leaves the asynchronous threads, by lanes |

mod body;
mod extract;
mod meta;
mod middleware;
mod oauth;
mod openapi;
mod respond;
mod routes;
mod security;
mod server;
mod work;

use std::io;
use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Condition, from_fn};
use actix_web::{App, Error, web};
use guildhall_domain::directory::Directory;
use guildhall_domain::ports::{Clock, Ids, Tokens};
use ipnet::IpNet;

use oauth::throttle::Throttle;
use work::Lanes;

pub use oauth::throttle::TokenLimits;
pub use openapi::openapi;
pub use routes::{Route, routes};
pub use server::connection_limits::ConnectionLimits;
pub use server::serve::{ServeOptions, serve};
pub use work::LaneSizes;

/// What the API needs to answer.
#[derive(Clone)]
pub struct Api {
    directory: Directory,
    tokens: Arc<dyn Tokens>,
    ids: Arc<dyn Ids>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    origins: Arc<[String]>,
    throttle: Arc<Throttle>,
    trusted_proxies: Arc<[IpNet]>,
    public_url: Option<Arc<str>>,
    lanes: Arc<Lanes>,
}

/// How much a request may hold; more is answered with 413.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most ids in a bulk request.
    pub bulk_ids: usize,
    /// The most bytes in the body of a bulk request.
    pub bulk_bytes: usize,
    /// The most bytes in any other body.
    pub body_bytes: usize,
}

impl Api {
    /// The API of `directory`. `tokens` says who calls, `ids` names requests, `clock` decides what has expired.
    ///
    /// # Errors
    ///
    /// When the threads cannot be started that do what has to wait.
    pub fn new(
        directory: Directory,
        tokens: Arc<dyn Tokens>,
        ids: Arc<dyn Ids>,
        clock: Arc<dyn Clock>,
        limits: Limits,
        lanes: LaneSizes,
    ) -> io::Result<Self> {
        Ok(Self {
            directory,
            tokens,
            ids,
            clock,
            limits,
            origins: Arc::new([]),
            throttle: Arc::new(Throttle::new(TokenLimits::default())),
            trusted_proxies: Arc::new([]),
            public_url: None,
            lanes: Arc::new(Lanes::start(lanes)?),
        })
    }

    /// The same API, which pages of these origins may call too; `*` is every origin (contract 1.5).
    #[must_use]
    pub fn with_allowed_origins(self, origins: Vec<String>) -> Self {
        Self { origins: origins.into(), ..self }
    }

    /// The same API, which answers only so many requests for tokens.
    #[must_use]
    pub fn with_token_limits(self, limits: TokenLimits) -> Self {
        Self { throttle: Arc::new(Throttle::new(limits)), ..self }
    }

    /// The same API, which believes proxies at these addresses when they say from where a request came.
    #[must_use]
    pub fn with_trusted_proxies(self, proxies: Vec<IpNet>) -> Self {
        Self { trusted_proxies: proxies.into(), ..self }
    }

    /// The same API, which clients reach below this URL (without a slash at its end).
    #[must_use]
    pub fn with_public_url(self, url: Option<String>) -> Self {
        Self { public_url: url.map(Arc::from), ..self }
    }
}

/// `app` with every route of the API, and with what surrounds them.
pub fn configure<T>(
    api: Api,
    app: App<T>,
) -> App<
    impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<BoxBody>, Error = Error, InitError = ()>,
>
where
    T: ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<BoxBody>, Error = Error, InitError = ()>
        + 'static,
{
    let cors = Condition::new(!api.origins.is_empty(), middleware::cors::cors(&api.origins));
    app.app_data(web::Data::new(api))
        .default_service(routes::dispatch::dispatcher())
        .wrap(cors)
        .wrap(from_fn(middleware::connection_reserve::keep_reserve))
        .wrap(from_fn(middleware::request_log::log_request))
        .wrap(from_fn(middleware::response_headers::add))
}
