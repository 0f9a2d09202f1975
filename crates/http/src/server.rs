//! Serving the API on a socket.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol};
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, map_config};
use actix_web::dev::{AppConfig, Server, fn_service};
use actix_web::rt::net::TcpStream;
use actix_web::{App, Error};

use crate::transport::Transport;
use crate::{Api, configure};

/// How long a connection stays open, unread, for a client that is still sending to notice that it has its answer.
const FAREWELL: Duration = Duration::from_secs(1);

/// How to serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeOptions {
    /// How many threads answer requests; none means one per processor.
    pub workers: Option<usize>,
    /// For how many seconds requests that are being answered may go on once the server is told to stop.
    pub shutdown_timeout: u64,
}

/// Serves `api` on `listener` until the server's handle stops it, when requests that are being answered can be finished
/// first. Signals are the business of whoever calls.
///
/// This is what `actix_web::HttpServer` does, on connections that have a valve.
///
/// # Errors
///
/// When the listener cannot be used.
pub fn serve(api: Api, listener: TcpListener, options: ServeOptions) -> io::Result<Server> {
    let mut server = Server::build().disable_signals().shutdown_timeout(options.shutdown_timeout);
    if let Some(workers) = options.workers {
        server = server.workers(workers.clamp(1, 512));
    }
    let stopping = server.graceful_shutdown_signal();
    let answering = move || {
        let (ids, app, stopping) = (api.ids.clone(), configure(api.clone(), App::new()), stopping.clone());
        let connected = fn_service(move |stream: TcpStream| {
            let ids = ids.clone();
            async move {
                // Only a matter of speed.
                let _ = stream.set_nodelay(true);
                let peer = stream.peer_addr().ok();
                Ok::<_, DispatchError>((Transport::new(stream, ids), Protocol::Http1, peer))
            }
        });
        let service = HttpService::build()
            .client_disconnect_timeout(FAREWELL)
            // Who says no more has left: nobody can tell one from the other, and work that nobody waits for is to end.
            .h1_allow_half_closed(false)
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .on_connect_ext(|transport: &Transport, data| {
                data.insert(transport.valve().clone());
            })
            .finish(map_config(app.into_factory().map_err(|error: Error| error.error_response()), |()| {
                AppConfig::default()
            }));
        connected.and_then(service)
    };
    Ok(server.listen("api", listener, answering)?.run())
}
