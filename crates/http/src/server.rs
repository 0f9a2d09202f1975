//! Sockets: accepting connections, their limits and deadlines, and how the server stops.

pub(crate) mod connection;
pub(crate) mod connection_limits;
pub(crate) mod expect;
mod http2;
pub(crate) mod malformed_request;
pub(crate) mod serve;
pub(crate) mod stopping;
pub(crate) mod stream;
pub(crate) mod tls;
pub(crate) mod transport;
