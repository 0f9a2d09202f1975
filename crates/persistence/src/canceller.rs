//! Cancelling statements of PostgreSQL that are under way.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use diesel::{Connection as _, PgConnection};

use crate::dialect;

/// After so long, whatever still runs is cancelled again: PostgreSQL forgets a request that comes between two statements.
const AGAIN: Duration = Duration::from_millis(250);
/// For so long the connection is kept that nobody needs.
const IDLE: Duration = Duration::from_secs(30);

/// A thread that cancels statements, over a connection of its own that is open while there is something to cancel. It ends
/// when this is dropped. Where it has no connection, the time limit of the statements themselves ends them.
#[derive(Clone, Debug)]
pub(crate) struct Canceller(Sender<Running>);

/// A unit of work under way.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    /// The process of PostgreSQL that serves its connection.
    process: i32,
    has_ended: Arc<Mutex<bool>>,
}

impl Canceller {
    /// Starts the thread, for a database at this URL.
    pub(crate) fn start(url: String) -> io::Result<Self> {
        let (sender, requests) = channel();
        thread::Builder::new().name("canceller".to_owned()).spawn(move || work(&url, &requests))?;
        Ok(Self(sender))
    }

    /// Has a unit of work cancelled, and does not wait for it.
    pub(crate) fn cancel(&self, running: Running) {
        // The thread ends with the last sender only.
        let _ = self.0.send(running);
    }
}

impl Running {
    /// A unit of work that begins.
    pub(crate) fn on(process: i32) -> Self {
        Self { process, has_ended: Arc::default() }
    }

    /// No request to cancel it is sent from now on. Waits for one that is being sent, so that it hits nothing that comes later
    /// on the same connection.
    pub(crate) fn end(&self) {
        *self.has_ended() = true;
    }

    fn has_ended(&self) -> MutexGuard<'_, bool> {
        self.has_ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn work(url: &str, requests: &Receiver<Running>) {
    let mut running: Vec<Running> = Vec::new();
    let mut connection: Option<PgConnection> = None;
    loop {
        let request = match (&connection, running.is_empty()) {
            (None, true) => requests.recv().map_err(|_| RecvTimeoutError::Disconnected),
            (Some(_), true) => requests.recv_timeout(IDLE),
            (_, false) => requests.recv_timeout(AGAIN),
        };
        match request {
            Ok(request) => running.push(request),
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) if running.is_empty() => connection = None,
            Err(RecvTimeoutError::Timeout) => {}
        }
        running.retain(|running| !*running.has_ended());
        if running.is_empty() {
            continue;
        }
        if let Some(mut open) = connection.take().or_else(|| PgConnection::establish(url).ok()) {
            let is_sound = running.iter().all(|running| {
                let has_ended = running.has_ended();
                *has_ended || dialect::postgres::cancel(&mut open, running.process).is_ok()
            });
            connection = is_sound.then_some(open);
        }
    }
}
