//! The use cases of the directory as a JSON API over HTTP.
//!
//! In the order in which a request passes them:
//!
//! | Module | Contents |
//! |---|---|
//! | `server` | sockets: connection limits, deadlines, `Expect`, malformed requests, shutdown |
//! | `middleware` | around every request: its id, spans and log lines, audit lines, CORS, common headers |
//! | `metrics` | what is counted |
//! | `routes` | the table of routes, matching a path, calling the handler |
//! | `extract` | what handlers take from a request: caller, body, path and query parameters, conditional headers, addresses |
//! | `security` | the resources of the Security API: for each its handlers, bodies and errors; parsing listings |
//! | `oauth` | the token endpoint, its rate limits, discovery |
//! | `meta` | health, documentation, the root |
//! | `body` | reading and writing JSON values that bodies have in common |
//! | `limits` | limits that can be changed while requests are answered |
//! | `work` | running use cases on threads, by lanes |
//! | `respond` | responses: JSON, pages, entity tags, errors |
//! | `openapi` | the OpenAPI document |
//!
//! An endpoint is a function with `#[utoipa::path]` in the folder of its resource, listed in the `routes` function of its file.

pub mod bodies;
mod body;
mod extract;
mod limits;
mod meta;
mod metrics;
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
use guildhall_domain::directory::{AnswerKeeping, Directory};
use guildhall_domain::ports::{Clock, Ids, Seals, Tokens};
use ipnet::IpNet;
use prometheus::Registry;

use meta::docs::Documentation;
use metrics::Metrics;
use oauth::throttle::Throttle;
use security::events::EventWatch;
use work::{Gathering, Lanes};

pub use limits::{Limits, LimitsHandle};
pub use middleware::request_span::SPANS;
pub use middleware::trace_context::{TraceContext, TraceLinks};
pub use oauth::throttle::TokenLimits;
pub use openapi::openapi;
pub use routes::path_prefix::{InvalidPathPrefix, PathPrefix};
pub use routes::{Route, routes};
pub use server::connection_limits::ConnectionLimits;
pub use server::management::{Management, serve_management};
pub use server::serve::{Listener, ServeOptions, serve};
pub use server::tls::{Identity, IdentityError, Tls, TlsError, Validity};
pub use work::LaneSizes;

/// The dependencies and the settings of the API.
#[derive(Clone)]
pub struct Api {
    directory: Directory<'static>,
    /// Answers what takes one statement without waiting, or fails.
    at_once: Option<Directory<'static>>,
    /// The checks that are asked together.
    together: Option<Arc<Gathering>>,
    tokens: Arc<dyn Tokens>,
    seals: Arc<dyn Seals>,
    ids: Arc<dyn Ids>,
    clock: Arc<dyn Clock>,
    limits: LimitsHandle,
    origins: Arc<[String]>,
    trusted_proxies: Arc<[IpNet]>,
    public_url: Option<Arc<str>>,
    path_prefix: PathPrefix,
    documentation: Arc<Documentation>,
    lanes: Arc<Lanes>,
    /// How answers to requests with an idempotency key are kept.
    keeping: AnswerKeeping,
    metrics: Arc<Metrics>,
    traces: Option<Arc<dyn TraceLinks>>,
    /// Those who wait for the next event.
    events: Arc<EventWatch>,
}

impl Api {
    /// The API of `directory`. `tokens` verifies and issues tokens, `seals` seals cursors and kept answers, `ids` makes the ids of requests, `clock` gives the time.
    ///
    /// # Errors
    ///
    /// When the threads of the lanes cannot be started.
    pub fn new(
        directory: Directory<'static>,
        tokens: Arc<dyn Tokens>,
        seals: Arc<dyn Seals>,
        ids: Arc<dyn Ids>,
        clock: Arc<dyn Clock>,
        limits: Limits,
        lanes: LaneSizes,
    ) -> io::Result<Self> {
        let metrics = Metrics::new().map_err(io::Error::other)?;
        Ok(Self {
            directory,
            at_once: None,
            together: None,
            tokens,
            seals,
            ids,
            clock,
            limits: LimitsHandle::new(limits, TokenLimits::default(), metrics.throttled.clone()),
            origins: Arc::new([]),
            trusted_proxies: Arc::new([]),
            public_url: None,
            path_prefix: PathPrefix::default(),
            documentation: Arc::new(Documentation::below(&PathPrefix::default())),
            lanes: Arc::new(Lanes::start(lanes, &metrics.lanes)?),
            keeping: AnswerKeeping::default(),
            metrics: Arc::new(metrics),
            traces: None,
            events: Arc::default(),
        })
    }

    /// Asks `directory` first where a request is answered by reading few rows, on the thread that serves the connection. It must answer at
    /// once, or fail; then the other directory is asked, on another thread.
    #[must_use]
    pub fn with_answers_at_once(self, directory: Option<Directory<'static>>) -> Self {
        Self { at_once: directory, ..self }
    }

    /// Asks the directory together about the memberships that are checked at the same time, for a store that answers so in one round trip.
    #[must_use]
    pub fn with_checks_together(self) -> Self {
        Self { together: Some(Arc::default()), ..self }
    }

    /// Allows cross-origin requests from these origins; `*` is every origin (contract 1.5).
    #[must_use]
    pub fn with_allowed_origins(self, origins: Vec<String>) -> Self {
        Self { origins: origins.into(), ..self }
    }

    /// Limits failed sign-ins.
    #[must_use]
    pub fn with_token_limits(self, limits: TokenLimits) -> Self {
        let limits = self.limits.with_token_limits(limits);
        Self { limits, ..self }
    }

    /// Keeps answers to requests with an idempotency key so, and not by default.
    #[must_use]
    pub fn with_answer_keeping(self, keeping: AnswerKeeping) -> Self {
        Self { keeping, ..self }
    }

    /// Exports a span of every request that `traces` joins to a trace.
    #[must_use]
    pub fn with_traces(self, traces: Option<Arc<dyn TraceLinks>>) -> Self {
        Self { traces, ..self }
    }

    /// Lets `registry` read what is counted of requests, sign-ins and lanes.
    ///
    /// # Errors
    ///
    /// When it has metrics of the same names.
    pub fn register_metrics(&self, registry: &Registry) -> prometheus::Result<()> {
        self.metrics.register(registry)
    }

    /// The handle by which limits are changed while the API is served.
    pub fn limits_handle(&self) -> LimitsHandle {
        self.limits.clone()
    }

    fn limits(&self) -> Limits {
        self.limits.limits()
    }

    fn throttle(&self) -> Arc<Throttle> {
        self.limits.throttle()
    }

    /// Trusts the forwarding headers of proxies in these networks.
    #[must_use]
    pub fn with_trusted_proxies(self, proxies: Vec<IpNet>) -> Self {
        Self { trusted_proxies: proxies.into(), ..self }
    }

    /// Serves every path below `prefix` too, and puts it into all links.
    #[must_use]
    pub fn with_path_prefix(self, prefix: PathPrefix) -> Self {
        Self { documentation: Arc::new(Documentation::below(&prefix)), path_prefix: prefix, ..self }
    }

    /// Sets the public base URL, without a slash at its end. Its path is that of the path prefix, if there is one.
    #[must_use]
    pub fn with_public_url(self, url: Option<String>) -> Self {
        Self { public_url: url.map(Arc::from), ..self }
    }
}

/// Adds the routes and the middleware of the API to `app`.
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
        .wrap(from_fn(middleware::request_log::log_request))
}
