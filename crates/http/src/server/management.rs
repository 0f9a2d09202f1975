//! The management port: metrics and health, for monitoring and orchestration alone.
//!
//! It has a thread of its own, which waits for nothing that requests of the API hold: metrics are atomic numbers. It answers while the service
//! starts, and until the last request is answered. A connection may stay for some time, however slow its peer is, and when there are too many, those
//! that were opened first are closed: so a scrape that comes is answered, whoever else keeps connections open.

mod connections;

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_http::{HttpService, KeepAlive, Protocol, Request, Response};
use actix_service::{Service as _, ServiceFactory as _, fn_service};
use actix_web::ResponseError as _;
use actix_web::body::BoxBody;
use actix_web::http::Method;
use actix_web::http::header::{self, CACHE_CONTROL, HeaderValue};
use guildhall_domain::access::Actor;
use guildhall_domain::ports::Ids;
use prometheus::{Registry, TextEncoder};
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::Api;
use crate::meta::health::{LIVENESS_PATH, READINESS_PATH};
use crate::respond::json::JSON;
use crate::respond::problem::Problem;
use crate::work::{Lane, run};
use connections::ManagementConnections;

/// How long a connection may stay. Prometheus opens another one when it is closed.
const LIFETIME: Duration = Duration::from_mins(1);
/// How long the head of a request may take.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// How long a connection may be idle.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// The most connections.
const MOST: usize = 64;
/// The pause after a connection could not be accepted.
const RETRY: Duration = Duration::from_millis(50);
/// The path of the metrics.
const METRICS_PATH: &str = "/metrics";
/// The content type of the text format of Prometheus.
const METRICS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// What the management port answers from. Clones share it.
#[derive(Clone)]
pub struct Management {
    registry: Registry,
    ids: Arc<dyn Ids>,
    api: Arc<OnceLock<Api>>,
    is_stopping: Arc<AtomicBool>,
}

impl Management {
    /// Answers with the metrics of `registry`; `ids` makes the ids of requests. The service is not ready until it has [started](Self::started).
    #[must_use]
    pub fn new(registry: Registry, ids: Arc<dyn Ids>) -> Self {
        Self { registry, ids, api: Arc::default(), is_stopping: Arc::default() }
    }

    /// Says that `api` is being served: readiness is that of its directory.
    pub fn started(&self, api: &Api) {
        // Only the first one counts: there is one API.
        let _ = self.api.set(api.clone());
    }

    /// Says that the service takes no more requests: it is not ready any more.
    pub fn stopping(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// The answer to `request`, whose id is `id`.
    async fn answer(&self, request: &Request, id: Uuid) -> Response<BoxBody> {
        let (mut response, kind) = match self.find(request).await {
            Ok((kind, text)) => (Response::ok().set_body(BoxBody::new(text)), kind),
            Err(problem) => {
                let (status, cause) = (problem.status_code(), problem.cause().unwrap_or_default());
                tracing::debug!(request_id = %id, cause, "the management port answered {status}: {problem}");
                (Response::from(problem.error_response()).set_body(BoxBody::new(problem.body(id))), JSON)
            }
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, kind);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    async fn find(&self, request: &Request) -> Result<(HeaderValue, String), Problem> {
        let path = request.path();
        let path = path.strip_suffix('/').unwrap_or(path);
        if !matches!(path, METRICS_PATH | LIVENESS_PATH | READINESS_PATH) {
            return Err(Problem::no_such_path());
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err(Problem::method_not_allowed("GET, HEAD".to_owned()));
        }
        match path {
            METRICS_PATH => return self.metrics().map(|text| (METRICS, text)),
            READINESS_PATH => self.ready().await?,
            _ => {}
        }
        Ok((JSON, OK.to_owned()))
    }

    fn metrics(&self) -> Result<String, Problem> {
        TextEncoder::new().encode_to_string(&self.registry.gather()).map_err(Problem::unexpected)
    }

    async fn ready(&self) -> Result<(), Problem> {
        if self.is_stopping.load(Ordering::Relaxed) {
            return Err(Problem::unavailable(NotReady::Stopping));
        }
        let api = self.api.get().ok_or_else(|| Problem::unavailable(NotReady::Starting))?;
        run(api, Lane::Read, Actor::Anonymous, |api, _| api.directory.ready().map_err(Problem::unavailable)).await
    }
}

const OK: &str = r#"{"status":"ok"}"#;

/// Why the service is not ready, whatever its database says.
#[derive(Debug, thiserror::Error)]
enum NotReady {
    #[error("the service is starting")]
    Starting,
    #[error("the service is stopping")]
    Stopping,
}

/// Serves `management` on `listener` until it is dropped. Must be run in a [`LocalSet`](tokio::task::LocalSet), on a thread that has nothing else to
/// do.
///
/// # Errors
///
/// When the listener cannot be used.
pub async fn serve_management(management: Management, listener: TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = actix_web::rt::net::TcpListener::from_std(listener)?;
    let http = HttpService::build()
        .keep_alive(KeepAlive::Timeout(IDLE_TIME))
        .client_request_timeout(HEAD_TIME)
        .client_disconnect_timeout(Duration::ZERO)
        .h1_allow_half_closed(false)
        .finish(fn_service(move |request: Request| {
            let management = management.clone();
            async move {
                let id = management.ids.next();
                Ok::<_, Infallible>(management.answer(&request, id).await)
            }
        }));
    let http = http.new_service(()).await.map_err(|()| io::Error::other("the service cannot be made"))?;
    let (http, connections) = (Rc::new(http), ManagementConnections::at_most(MOST));
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Too many files are open, or the peer has left.
            sleep(RETRY).await;
            continue;
        };
        let (http, open) = (Rc::clone(&http), connections.admit());
        spawn_local(async move {
            tokio::select! {
                // What is wrong with a connection is its peer's affair.
                _ = timeout(LIFETIME, http.call((stream, Protocol::Http1, Some(peer)))) => {}
                () = open.evicted() => {}
            }
        });
    }
}
