//! What is known of a connection besides its phase: from where it comes, and over what.

use std::net::SocketAddr;

use actix_http::{HttpMessage as _, Request};
use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, HeaderValue, STRICT_TRANSPORT_SECURITY};

use crate::server::connection::Connection;
use crate::server::connection_limits::Slot;
use crate::server::transport::Peer;

/// For how long browsers that were here come back by https only: a year, in seconds.
const A_YEAR_BY_HTTPS: &str = "max-age=31536000";

impl Connection {
    /// The connection of a request, if it came over one; of HTTP/2, its stream.
    pub(crate) fn of(request: &HttpRequest) -> Option<Self> {
        request.conn_data().cloned().or_else(|| request.extensions().get().cloned())
    }

    /// The same, of a request that has not reached the routes.
    pub(crate) fn of_unrouted(request: &Request) -> Option<Self> {
        request.conn_data().cloned().or_else(|| request.extensions().get().cloned())
    }

    /// The state of a stream of HTTP/2 over this connection, which has a slot of its own.
    pub(crate) fn of_stream(&self, slot: Slot) -> Self {
        Self::new(self.0.endpoints, self.0.stopping.clone(), slot)
    }

    /// The local address at which it was accepted.
    pub(crate) fn local(&self) -> Option<SocketAddr> {
        self.0.endpoints.local
    }

    /// The other side.
    pub(crate) fn peer(&self) -> Peer {
        self.0.endpoints.peer
    }

    /// Whether it is encrypted by this server.
    pub(crate) fn is_tls(&self) -> bool {
        self.0.endpoints.is_tls
    }

    /// Adds the headers that depend on the connection: over TLS, that browsers come back by https only (RFC 6797).
    pub(crate) fn add_headers(&self, headers: &mut HeaderMap) {
        if self.is_tls() {
            headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(A_YEAR_BY_HTTPS));
        }
    }
}
