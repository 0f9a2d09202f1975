//! Cancels running statements of PostgreSQL.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use diesel::{Connection as _, PgConnection};

use crate::dialect;

/// The pause after which a unit of work that still runs is cancelled again: PostgreSQL ignores a request between two statements.
const RESEND_INTERVAL: Duration = Duration::from_millis(250);
/// How long an unused connection stays open.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// A thread that cancels statements. It has a connection of its own, which is open while there is something to cancel. The thread ends
/// when the last clone of this is dropped. If it cannot connect, the statements end by their own time limit.
#[derive(Clone, Debug)]
pub(crate) struct Canceller(Sender<RunningUnit>);

/// A unit of work that is running.
#[derive(Clone, Debug)]
pub(crate) struct RunningUnit {
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

    /// Cancels a unit of work, without waiting for it.
    pub(crate) fn cancel(&self, running: RunningUnit) {
        // Sending fails only if the thread has ended, which it does after the last sender.
        let _ = self.0.send(running);
    }
}

impl RunningUnit {
    /// A unit of work that begins on the connection of this process.
    pub(crate) fn on(process: i32) -> Self {
        Self { process, has_ended: Arc::default() }
    }

    /// Marks it as ended: no request to cancel it is sent after this returns. Waits for one that is being sent, which could
    /// otherwise cancel a later statement on the same connection.
    pub(crate) fn end(&self) {
        *self.has_ended() = true;
    }

    fn has_ended(&self) -> MutexGuard<'_, bool> {
        self.has_ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn work(url: &str, requests: &Receiver<RunningUnit>) {
    let mut running: Vec<RunningUnit> = Vec::new();
    let mut connection: Option<PgConnection> = None;
    loop {
        let request = match (&connection, running.is_empty()) {
            (None, true) => requests.recv().map_err(|_| RecvTimeoutError::Disconnected),
            (Some(_), true) => requests.recv_timeout(IDLE_TIMEOUT),
            (_, false) => requests.recv_timeout(RESEND_INTERVAL),
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
