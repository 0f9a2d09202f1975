//! Serving on a real socket: starting, stopping.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::rt::System;
use guildhall_http::{Api, ConnectionLimits, Listener, ServeOptions, serve};

use crate::store::Mood;
use crate::world::{ADMINISTRATOR, World};

/// A server in a thread of its own.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

impl Running {
    pub(crate) fn new(api: Api) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, told) = channel();
        let thread = spawn(move || {
            System::new().block_on(async move {
                let connections = ConnectionLimits { total: 1000, per_address: 1000 };
                let options = ServeOptions { workers: Some(1), shutdown_timeout: 30, connections };
                let server = serve(api, Listener::Tcp(listener), options)?;
                tell.send(server.handle()).unwrap();
                server.await
            })
        });
        Self { address, handle: told.recv().unwrap(), thread: Some(thread) }
    }

    /// A connection that gives up after a while.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Asks it to stop, as SIGTERM does, and says how it ended.
    pub(crate) fn stop(&mut self) -> std::io::Result<()> {
        drop(self.handle.stop(true));
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.thread.is_some() {
            drop(self.handle.stop(false));
        }
    }
}

/// Everything that comes before the other side closes the connection.
pub(crate) fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A connection that was closed in the middle of a body is reset; what came before counts.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn a_request_that_is_being_answered_is_answered_before_the_server_stops() {
    let world = World::new();
    let mut server = Running::new(world.api());
    let (finish, finished) = channel();
    world.store.becomes(Mood::Waiting(finished));
    let mut stream = server.connect();
    write!(stream, "GET /health/ready HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut idle = server.connect();
    // By the time this is answered, the request before it, on the same only worker, has begun.
    write!(idle, "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    assert!(idle.read(&mut [0; 1024]).unwrap() > 0);
    let stopping = spawn(move || server.stop());
    // The idle connection is closed as soon as the server begins to stop.
    assert_eq!(read_all(&mut idle), "");
    finish.send(()).unwrap();
    let answer = read_all(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with(r#"{"status":"ok"}"#), "{answer}");
    stopping.join().unwrap().unwrap();
}

#[test]
fn work_of_a_client_that_leaves_is_given_up() {
    let world = World::new();
    let server = Running::new(world.api());
    let (tell, told) = channel();
    world.store.becomes(Mood::UntilCancelled(tell));
    let mut stream = server.connect();
    write!(
        stream,
        "GET /api/security/users/@current HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ADMINISTRATOR}\r\n\r\n"
    )
    .unwrap();
    told.recv_timeout(Duration::from_secs(20)).unwrap();
    drop(stream);
    told.recv_timeout(Duration::from_secs(20)).unwrap();
}

#[test]
fn a_connection_serves_one_request_after_another() {
    let world = World::new();
    let server = Running::new(world.api());
    let mut stream = server.connect();
    let post = |token: &str| {
        let head = format!(
            "POST /api/security/groups/Everyone/users HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n"
        );
        format!("{head}content-length: 2\r\n\r\n[]{head}transfer-encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n")
    };
    // The refusals leave bodies unread, which must not be taken for the next request.
    write!(stream, "{}{}{}", post("unknown"), post(ADMINISTRATOR), post("unknown")).unwrap();
    write!(stream, "GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let answers = read_all(&mut stream);
    let statuses: Vec<_> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["401", "401", "204", "204", "401", "401", "200"], "{answers}");
}
