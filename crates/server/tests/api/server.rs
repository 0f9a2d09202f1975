//! The server's process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::app::Setup;

/// Long enough for any start or stop on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// The process.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    output: Arc<Mutex<String>>,
}

impl Server {
    /// Starts it, and waits until it listens.
    pub(crate) fn start(setup: &Setup) -> Self {
        Self::start_with(setup, &["serve"])
    }

    /// The same, with these arguments.
    pub(crate) fn start_with(setup: &Setup, arguments: &[&str]) -> Self {
        Starting::with(setup, arguments).listening()
    }

    /// Starts it with these streams, on a port that was free a moment ago, and waits until it answers.
    pub(crate) fn start_writing_to(setup: &Setup, output: Stdio, log: Stdio) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = setup.command(&["serve"]);
        let child = command.env("GUILDHALL_SERVER__PORT", port.to_string()).stdout(output).stderr(log).spawn().unwrap();
        let server = Self { child, url: format!("http://127.0.0.1:{port}"), output: Arc::default() };
        let begun = Instant::now();
        let mut stream = loop {
            match TcpStream::connect(server.address()) {
                Ok(stream) => break stream,
                Err(_) => assert!(begun.elapsed() < PATIENCE, "the server does not listen"),
            }
            thread::sleep(Duration::from_millis(10));
        };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 1, "the server does not answer");
        server
    }

    /// The URL of its management port.
    pub(crate) fn management_url(&self) -> String {
        management_url(&self.output()).expect("there is no management port")
    }

    /// How many files it has open.
    pub(crate) fn open_files(&self) -> u32 {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count().try_into().unwrap()
    }

    /// Everything it wrote so far.
    pub(crate) fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its address without the scheme.
    pub(crate) fn address(&self) -> &str {
        self.url.split_once("://").unwrap().1
    }

    /// Whether it speaks TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.url.starts_with("https://")
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{signal} {}", self.pid())).status().unwrap();
        assert!(sent.success());
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Waits until it has stopped by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let poll = async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, poll).await.expect("the server does not stop")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A process that does not listen yet.
pub(crate) struct Starting {
    child: Option<Child>,
    output: Arc<Mutex<String>>,
    url: Receiver<String>,
}

impl Starting {
    /// Starts it with these arguments.
    pub(crate) fn with(setup: &Setup, arguments: &[&str]) -> Self {
        let mut child = setup.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let output = Arc::new(Mutex::new(String::new()));
        let (urls, url) = channel();
        keep(child.stdout.take().unwrap(), Arc::clone(&output), urls.clone());
        keep(child.stderr.take().unwrap(), Arc::clone(&output), urls);
        Self { child: Some(child), output, url }
    }

    /// The URL of its management port, once there is one.
    pub(crate) fn management_url(&self) -> String {
        let begun = Instant::now();
        loop {
            if let Some(url) = management_url(&self.output.lock().unwrap()) {
                return url;
            }
            assert!(begun.elapsed() < PATIENCE, "there is no management port");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether it said that it listens.
    pub(crate) fn is_listening(&self) -> bool {
        self.output.lock().unwrap().contains("listening on http://")
    }

    /// The server, once it listens.
    pub(crate) fn listening(mut self) -> Server {
        let url = self.url.recv_timeout(PATIENCE);
        let url = url.unwrap_or_else(|_| panic!("the server does not listen:\n{}", self.output.lock().unwrap()));
        Server { child: self.child.take().unwrap(), url, output: Arc::clone(&self.output) }
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// The URL of the management port that this output names.
pub(crate) fn management_url(output: &str) -> Option<String> {
    let (_, rest) = output.split_once("metrics and health at ")?;
    rest.split_once("/metrics").map(|(url, _)| url.to_owned())
}

fn keep(stream: impl Read + Send + 'static, output: Arc<Mutex<String>>, urls: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once("listening on ") {
                let url: String = rest.chars().take_while(|next| !" \",".contains(*next)).collect();
                drop(urls.send(url));
            }
            let mut output = output.lock().unwrap();
            output.push_str(&line);
            output.push('\n');
        }
    });
}
