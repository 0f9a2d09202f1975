//! Sockets that listen.

use std::net::TcpListener;

use anyhow::{Context, Result};

/// How many connections may wait to be accepted, as far as the system allows.
pub(crate) const BACKLOG: i32 = 4096;
/// How many bytes of a response the kernel keeps for a client that reads slowly. By itself it keeps some megabytes for each.
const SEND_BUFFER: usize = 128 * 1024;

/// Listens on this port of this host.
pub(crate) fn listen(host: &str, port: u16) -> Result<TcpListener> {
    let listener = TcpListener::bind((host, port)).with_context(|| format!("cannot listen on {host} port {port}"))?;
    rustix::net::listen(&listener, BACKLOG)?;
    rustix::net::sockopt::set_socket_send_buffer_size(&listener, SEND_BUFFER)?;
    Ok(listener)
}
