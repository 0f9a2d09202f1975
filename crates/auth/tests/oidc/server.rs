//! A server of HTTP that says what a test tells it to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What is said to one path.
#[derive(Clone)]
pub(crate) enum Reply {
    Json(String),
    Status(u16),
    RedirectTo(String),
    /// As much as anybody wants to read.
    Endless,
    /// Nothing, ever.
    Silence,
}

/// A server. It ends with the test.
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

    /// Waits for a request and says for which path it was.
    pub(crate) fn next(&self) -> String {
        self.asked.lock().unwrap().recv_timeout(PATIENCE).unwrap()
    }

    /// The paths that were asked for since.
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
            // Until the other side gives up.
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
