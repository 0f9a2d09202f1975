//! Serving the API on a socket.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive, Protocol};
use actix_service::{
    IntoServiceFactory as _, Service, ServiceFactory as _, ServiceFactoryExt as _, fn_factory, fn_service, map_config,
};
use actix_web::dev::{AppConfig, Server};
use actix_web::rt::net::TcpStream;
use actix_web::{App, Error};
use guildhall_domain::ports::Ids;

use crate::server::connection::{Connection, HEAD_TIME};
use crate::server::connection_limits::{ConnectionLimits, Connections};
use crate::server::expect;
use crate::server::stopping::Stopping;
use crate::server::stream::PacedStream;
use crate::{Api, configure};

/// How long a connection stays open after its last response, so that a client that is still sending can read it.
const FAREWELL: Duration = Duration::from_secs(1);
/// The size at which buffered bytes of a response are written to the socket.
const WRITE_BUFFER: usize = 8 * 1024;

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
pub fn serve(api: Api, listener: TcpListener, options: ServeOptions) -> io::Result<Server> {
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
    let answering = move || {
        let app = configure(api.clone(), App::new());
        let (expecting, shutdown, ids) = (api.clone(), stopping.clone(), Arc::clone(&api.ids));
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
            .finish(map_config(app.into_factory().map_err(|error: Error| error.error_response()), |()| {
                AppConfig::default()
            }));
        let (stopping, connections, http) = (stopping.clone(), Arc::clone(&connections), Rc::new(http));
        fn_factory(move || {
            let (http, stopping, connections, ids) =
                (Rc::clone(&http), stopping.clone(), Arc::clone(&connections), Arc::clone(&ids));
            async move {
                let http = Rc::new(http.new_service(()).await?);
                Ok::<_, ()>(fn_service(move |stream: TcpStream| {
                    let slot = connections.admit(stream.peer_addr().ok().map(|peer| peer.ip()));
                    let evicted = slot.evicted();
                    let connection = Connection::new(stream.local_addr().ok(), stopping.clone(), slot);
                    let answering = answer(Rc::clone(&http), stream, connection.clone(), Arc::clone(&ids));
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
    };
    Ok(server.listen("api", listener, answering)?.run())
}

/// Answers the requests of a connection. Its buffers, of 16 KiB, are allocated when the client begins to send, and freed when it is
/// idle in a crowd.
async fn answer<S>(
    http: Rc<S>,
    stream: TcpStream,
    connection: Connection,
    ids: Arc<dyn Ids>,
) -> Result<(), DispatchError>
where
    S: Service<(PacedStream, Protocol, Option<SocketAddr>), Response = (), Error = DispatchError>,
{
    // Best effort: without it, small responses are slower.
    let _ = stream.set_nodelay(true);
    let peer = stream.peer_addr().ok();
    let stream = Rc::new(RefCell::new(stream));
    let readable = || poll_fn(|context| stream.borrow().poll_read_ready(context));
    tokio::select! {
        ready = readable() => ready?,
        // The task is woken, so that the deadline of the connection is computed again.
        _ = connection.stopping().begun() => readable().await?,
    }
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
