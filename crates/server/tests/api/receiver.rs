//! A receiver of webhooks, as others write them: a small server over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

/// A safety net: what is waited for comes, or the test fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a receiver does with a request.
pub(crate) enum Reply {
    /// Answers with this status.
    Status(u16),
    /// Answers with this status and a line of the head.
    With(u16, String),
    /// Answers with 200 after this time.
    After(Duration),
    /// Hangs up without an answer.
    HangUp,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: Map<String, Value>,
    pub(crate) body: String,
    pub(crate) at: Instant,
}

impl Received {
    pub(crate) fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The sequence of the event.
    pub(crate) fn sequence(&self) -> u64 {
        self.event()["sequence"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].as_str().unwrap()
    }

    /// As the scripts take it that verify requests by the published libraries.
    pub(crate) fn to_verify(&self, valid: bool) -> Value {
        json!({ "headers": self.headers, "body": self.body, "valid": valid })
    }
}

/// The receiver. It listens until the test ends.
pub(crate) struct Receiver {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    /// One that answers as `reply` says to a request, of which so many for the same path came before.
    pub(crate) fn start(reply: impl Fn(&Received, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (received, reply) = (Arc::new(Mutex::new(Vec::new())), Arc::new(reply));
        let kept = Arc::clone(&received);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (kept, reply) = (Arc::clone(&kept), Arc::clone(&reply));
                thread::spawn(move || while take(&stream, &kept, &*reply).is_some() {});
            }
        });
        Self { url, received }
    }

    /// All that came so far to this path.
    pub(crate) fn at(&self, path: &str) -> Vec<Received> {
        self.received.lock().unwrap().iter().filter(|received| received.path == path).cloned().collect()
    }

    /// All that came to this path, once there are so many.
    pub(crate) async fn wait_for(&self, path: &str, count: usize) -> Vec<Received> {
        until(&format!("{count} requests for {path}"), async || {
            let received = self.at(path);
            (received.len() >= count).then_some(received)
        })
        .await
    }
}

/// What `find` finds, once it finds something.
pub(crate) async fn until<T>(what: &str, mut find: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = find().await {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "there is no sign of {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Takes one request, and replies. `None`: the connection is over.
fn take(
    mut stream: &TcpStream,
    kept: &Mutex<Vec<Received>>,
    reply: &(impl Fn(&Received, usize) -> Reply + ?Sized),
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let lines: Vec<String> =
        reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let path = lines.first()?.split(' ').nth(1)?.to_owned();
    let header = |line: &String| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_ascii_lowercase(), json!(value)))
    };
    let headers: Map<String, Value> = lines.iter().skip(1).filter_map(header).collect();
    let mut body = vec![0; headers.get("content-length")?.as_str()?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let received = Received { path, headers, body: String::from_utf8(body).ok()?, at: Instant::now() };
    let before = {
        let mut kept = kept.lock().unwrap();
        let before = kept.iter().filter(|kept| kept.path == received.path).count();
        kept.push(received.clone());
        before
    };
    let (status, line) = match reply(&received, before) {
        Reply::Status(status) => (status, String::new()),
        Reply::With(status, line) => (status, format!("{line}\r\n")),
        Reply::After(time) => {
            thread::sleep(time);
            (200, String::new())
        }
        Reply::HangUp => return None,
    };
    write!(stream, "HTTP/1.1 {status} Status\r\n{line}Content-Length: 2\r\n\r\nok").ok()
}
