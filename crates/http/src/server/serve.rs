//! Serving the API on sockets.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::os::unix::net::UnixListener;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive, Protocol, Request, Response};
use actix_service::{
    IntoServiceFactory as _, Service, ServiceFactory, ServiceFactoryExt as _, fn_factory, fn_service, map_config,
};
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, Server};
use actix_web::rt::net::{TcpStream, UnixStream};
use actix_web::{App, Error};
use guildhall_domain::ports::Ids;

use crate::server::connection::{Connection, HEAD_TIME};
use crate::server::connection_limits::{ConnectionLimits, Connections};
use crate::server::stopping::Stopping;
use crate::server::stream::PacedStream;
use crate::server::tls::Tls;
use crate::server::transport::{Accepted, Transport};
use crate::server::{expect, http2};
use crate::{Api, configure};

/// How long a connection stays open after its last response, so that a client that is still sending can read it.
pub(crate) const FAREWELL: Duration = Duration::from_secs(1);
/// The size at which buffered bytes of a response are written to the socket.
const WRITE_BUFFER: usize = 8 * 1024;

/// Where the server listens, and what it speaks there.
#[derive(Debug)]
pub enum Listener {
    /// HTTP/1.1.
    Tcp(TcpListener),
    /// HTTP/1.1 or HTTP/2 over TLS.
    Tls(TcpListener, Tls),
    /// HTTP/1.1. Whoever may open the socket is believed as a trusted proxy is, and has no address of its own.
    Unix(UnixListener),
}

/// Options of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeOptions {
    /// The number of worker threads; `None` is one per processor.
    pub workers: Option<usize>,
    /// How many seconds requests in progress may take after shutdown begins.
    pub shutdown_timeout: u64,
    /// The connection limits.
    pub connections: ConnectionLimits,
}

/// Serves `api` on `listener` until the server's handle stops it; requests in progress are finished first. Signals are not
/// handled. Must be called inside a Tokio runtime.
///
/// It does what `actix_web::HttpServer` does, with limits and deadlines for connections.
///
/// # Errors
///
/// When the listener cannot be used.
pub fn serve(api: Api, listener: Listener, options: ServeOptions) -> io::Result<Server> {
    let processors = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let workers = options.workers.unwrap_or_else(processors).clamp(1, 512);
    // Connections beyond this stay in the kernel's accept queue and use no file descriptors.
    let per_worker = options.connections.total.saturating_add(ConnectionLimits::SPARE).div_ceil(workers);
    let server = Server::build()
        .disable_signals()
        .shutdown_timeout(options.shutdown_timeout)
        .workers(workers)
        .max_concurrent_connections(per_worker);
    let signal = server.graceful_shutdown_signal();
    let stopping = Stopping::after(async move { signal.notified().await });
    let connections = Arc::new(Connections::new(options.connections, Arc::clone(&api.trusted_proxies)));
    let context = ServeContext { api, stopping, connections, tls: None };
    let server = match listener {
        Listener::Tcp(listener) => {
            server.listen("api", listener, move || connection_service::<TcpStream>(context.clone()))
        }
        Listener::Tls(listener, tls) => {
            let context = ServeContext { tls: Some(tls), ..context };
            server.listen("api", listener, move || connection_service::<TcpStream>(context.clone()))
        }
        Listener::Unix(listener) => {
            server.listen_uds("api", listener, move || connection_service::<UnixStream>(context.clone()))
        }
    };
    Ok(server?.run())
}

/// What the connections of all threads share.
#[derive(Clone)]
struct ServeContext {
    api: Api,
    stopping: Stopping,
    connections: Arc<Connections>,
    tls: Option<Tls>,
}

/// The service that answers the requests of connections, made once for each worker thread.
fn connection_service<A: Accepted>(
    context: ServeContext,
) -> impl ServiceFactory<A, Config = (), Response = (), Error = DispatchError, InitError = ()> {
    fn_factory(move || {
        let context = context.clone();
        async move {
            let app = configure(context.api.clone(), App::new()).into_factory();
            let app = map_config(app.map_err(|error: Error| error.error_response()), |()| AppConfig::default());
            let app = Rc::new(app.new_service(()).await?);
            let (answering, shutdown) = (Rc::clone(&app), context.stopping.clone());
            let expecting = context.api.clone();
            let http = HttpService::build()
                // `Connection` has the deadlines, which hold for every request of a connection.
                .keep_alive(KeepAlive::Os)
                // actix applies this to the first request of a connection only, but answers 408.
                .client_request_timeout(HEAD_TIME)
                .client_disconnect_timeout(FAREWELL)
                .h1_write_buffer_size(WRITE_BUFFER)
                // The work for a client that has disconnected is dropped.
                .h1_allow_half_closed(false)
                .graceful_shutdown_signal(move || {
                    let stopping = shutdown.clone();
                    async move {
                        stopping.begun().await;
                    }
                })
                .on_connect_ext(|stream: &PacedStream, data| {
                    data.insert(stream.connection().clone());
                })
                .expect(fn_service(move |request| Box::pin(expect::admit(expecting.clone(), request))))
                .finish(fn_service(move |request: Request| answering.call(request)));
            let http = Rc::new(http.new_service(()).await?);
            Ok::<_, ()>(fn_service(move |stream: A| {
                let endpoints = stream.endpoints(context.tls.as_ref());
                let slot = context.connections.admit(endpoints.peer.address().map(|peer| peer.ip()));
                let evicted = slot.evicted();
                let connection = Connection::new(endpoints, context.stopping.clone(), slot);
                let answering = answer(Rc::clone(&http), Rc::clone(&app), stream, connection.clone(), context.clone());
                let whole = connection.supervise(Box::pin(answering));
                async move {
                    tokio::select! {
                        outcome = whole => outcome.unwrap_or(Ok(())),
                        () = evicted.notified() => Ok(()),
                    }
                }
            }))
        }
    })
}

/// Answers the requests of a connection, once its handshake is done.
async fn answer<S, T, A>(
    http: Rc<S>,
    app: Rc<T>,
    stream: A,
    connection: Connection,
    context: ServeContext,
) -> Result<(), DispatchError>
where
    S: Service<(PacedStream, Protocol, Option<SocketAddr>), Response = (), Error = DispatchError>,
    T: Service<Request> + 'static,
    T::Response: Into<Response<BoxBody>>,
    T::Error: Into<Response<BoxBody>>,
    A: Accepted,
{
    let transport = connection.woken_by_stop(stream.ready(context.tls)).await?;
    if transport.is_http_2() {
        // Its streams have the deadlines.
        connection.begin_work_before_body();
        Box::pin(http2::serve(app, transport, connection, context.connections, context.api)).await;
        return Ok(());
    }
    answer_in_turn(http, transport, connection, context.api.ids).await
}

/// Answers the requests of a connection of HTTP/1.1. Its buffers, of 16 KiB, are allocated when the client begins to send, and freed when it is
/// idle in a crowd.
async fn answer_in_turn<S>(
    http: Rc<S>,
    transport: Transport,
    connection: Connection,
    ids: Arc<dyn Ids>,
) -> Result<(), DispatchError>
where
    S: Service<(PacedStream, Protocol, Option<SocketAddr>), Response = (), Error = DispatchError>,
{
    let peer = connection.peer().address();
    let stream = Rc::new(RefCell::new(transport));
    let readable = || poll_fn(|context| stream.borrow_mut().poll_readable(context));
    connection.woken_by_stop(readable()).await?;
    loop {
        let paced = PacedStream::new(Rc::clone(&stream), connection.clone(), Arc::clone(&ids));
        // Boxed, because a future that contains another is often twice its size.
        Box::pin(http.call((paced, Protocol::Http1, peer))).await?;
        if !connection.unpark() {
            return Ok(());
        }
        tokio::select! {
            biased;
            _ = connection.stopping().begun() => return Ok(()),
            ready = readable() => ready?,
        }
    }
}
