//! An HTTP server whose responses are set by a test.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Longer than any wait in these tests takes.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

/// The response to requests for one path.
#[derive(Clone)]
pub(crate) enum Reply {
    Json(String),
    Status(u16),
    RedirectTo(String),
    /// A body without an end.
    Endless,
    /// No response; the connection stays open.
    Silence,
}

/// A server that runs until the test ends.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    replies: Arc<Mutex<BTreeMap<String, Reply>>>,
    asked: Mutex<Receiver<String>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub(crate) fn listen(listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let replies = Arc::<Mutex<BTreeMap<String, Reply>>>::default();
        let (asked, paths) = channel();
        let known = Arc::clone(&replies);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (known, asked) = (Arc::clone(&known), asked.clone());
                thread::spawn(move || answer(&stream.unwrap(), &known, &asked));
            }
        });
        Self { address, replies, asked: Mutex::new(paths) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn say(&self, path: &str, reply: Reply) {
        self.replies.lock().unwrap().insert(path.to_owned(), reply);
    }

    /// Waits for a request and returns its path.
    pub(crate) fn next(&self) -> String {
        self.asked.lock().unwrap().recv_timeout(TIMEOUT).unwrap()
    }

    /// The paths of the requests since the last call.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().try_iter().collect()
    }
}

fn answer(stream: &TcpStream, known: &Mutex<BTreeMap<String, Reply>>, asked: &Sender<String>) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    let path = first.split(' ').nth(1).unwrap().to_owned();
    lines.find(String::is_empty);
    let reply = known.lock().unwrap().get(&path).cloned().unwrap_or(Reply::Status(404));
    // The test may have ended.
    let _ = asked.send(path);
    let is_endless = matches!(reply, Reply::Endless);
    let text = match reply {
        Reply::Json(body) => {
            format!("200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        }
        Reply::Status(status) => format!("{status} Sorry\r\nContent-Length: 0\r\n\r\n"),
        Reply::RedirectTo(url) => format!("302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n"),
        Reply::Endless => "200 OK\r\nContent-Type: application/json\r\n\r\n".to_owned(),
        Reply::Silence => {
            // Waits until the client closes the connection.
            let _ = (&mut &*stream).read(&mut [0]);
            return;
        }
    };
    let mut stream = stream;
    let mut sent = stream.write_all(format!("HTTP/1.1 {text}").as_bytes());
    while is_endless && sent.is_ok() {
        sent = stream.write_all(&[b' '; 8_192]);
    }
}
