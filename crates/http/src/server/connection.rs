//! A connection: what it is waiting for, and until when it may wait.
//!
//! This is where all time limits of a connection are, but for those of a request body, which are counted in bytes that a handler
//! gets (`request_body`). It knows nothing of how HTTP frames a message: handlers, by way of the middleware around them, say
//! which phase a connection is in.

use std::cell::RefCell;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::server::connection_limits::Slot;
use crate::server::stopping::{STOP_GRACE, Stopping};

/// Within what time the head of a request is complete, from its first byte.
pub(crate) const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a connection stays open without a request.
pub(crate) const IDLE_TIME: Duration = Duration::from_secs(5);
/// How long a client may read nothing of a response.
const WRITE_TIME: Duration = Duration::from_secs(30);
/// For how long a connection beyond the limits stays open.
const RESERVE_TIME: Duration = Duration::from_secs(5);
/// What a connection gets beyond the time after which actix itself answers 408.
const MARGIN: Duration = Duration::from_secs(1);

/// The most bytes of a head.
pub(crate) const MAX_HEAD: usize = 32 * 1024;
/// The most bytes of a body that are read at once.
const BODY_READ: usize = 16 * 1024;
/// The most bytes that are thrown away after the last response, for a client that reads only once it has sent everything.
const MAX_DISCARDED: usize = 256 * 1024;

/// A connection. Clones are the same connection.
#[derive(Clone)]
pub(crate) struct Connection(Rc<ConnectionInner>);

struct ConnectionInner {
    state: RefCell<ConnectionState>,
    accepted: Instant,
    local: Option<SocketAddr>,
    stopping: Stopping,
    slot: Slot,
}

struct ConnectionState {
    phase: Phase,
    since: Instant,
    blocked: Option<Instant>,
    /// Whether a response of a handler has begun that was not written to its end.
    is_responding: bool,
    reader: Option<Waker>,
}

#[derive(Clone, Copy)]
enum Phase {
    /// The head of a request is awaited, of which so many bytes have come, the first at this time.
    Head { received: usize, begun: Option<Instant> },
    /// A handler works on a request, which may have come whole.
    Work { is_whole: bool },
    /// A handler waits for the body of a request.
    Body,
    /// A response is being written.
    Response,
    /// The last response was written; so many bytes more may be read and thrown away.
    Discard { left: usize },
}

/// What may be read from a connection now.
pub(crate) enum ReadAllowance {
    /// A head.
    Head,
    /// So many bytes.
    Bytes(usize),
    /// Nothing but the end of the stream.
    End,
    /// Nothing.
    Nothing,
    /// Nothing, because the head is too long.
    HeadTooLong,
}

impl Connection {
    /// A connection that was accepted just now at the address `local`.
    pub(crate) fn new(local: Option<SocketAddr>, stopping: Stopping, slot: Slot) -> Self {
        let now = Instant::now();
        let state = ConnectionState {
            phase: Phase::awaiting_head(),
            since: now,
            blocked: None,
            is_responding: false,
            reader: None,
        };
        Self(Rc::new(ConnectionInner { state: RefCell::new(state), accepted: now, local, stopping, slot }))
    }

    /// The address at which it was accepted.
    pub(crate) fn local(&self) -> Option<SocketAddr> {
        self.0.local
    }

    /// Whether it is beyond the limits, and there only to ask whether the service lives.
    pub(crate) fn is_in_reserve(&self) -> bool {
        self.0.slot.is_in_reserve()
    }

    /// Whether the server stops.
    pub(crate) fn stopping(&self) -> &Stopping {
        &self.0.stopping
    }

    /// A handler works from now on, on a request that has come whole. If the client leaves, nobody waits for that any more.
    pub(crate) fn begin_work(&self) {
        self.enter(Phase::Work { is_whole: true });
    }

    /// A handler works from now on, on a request with a body, of which nothing is read yet.
    pub(crate) fn begin_work_before_body(&self) {
        self.enter(Phase::Work { is_whole: false });
    }

    /// A handler waits for the body of a request from now on.
    pub(crate) fn begin_body(&self) {
        self.enter(Phase::Body);
    }

    /// A response is being written until what is returned is dropped; then another request is awaited.
    pub(crate) fn begin_response(&self) -> ResponseGuard {
        self.enter(Phase::Response);
        ResponseGuard { connection: self.clone(), next: Phase::awaiting_head() }
    }

    /// The same for the last response.
    pub(crate) fn begin_last_response(&self) -> ResponseGuard {
        self.enter(Phase::Response);
        ResponseGuard { connection: self.clone(), next: Phase::Discard { left: MAX_DISCARDED } }
    }

    /// What may be read. If less than there may be, the task is woken once that changes.
    pub(crate) fn read_allowance(&self, context: &Context<'_>) -> ReadAllowance {
        let mut state = self.0.state.borrow_mut();
        let reading = match state.phase {
            // Responses that wait to be written must not become more.
            Phase::Head { .. } if state.blocked.is_some() => ReadAllowance::Nothing,
            Phase::Head { received, .. } if received >= MAX_HEAD => ReadAllowance::HeadTooLong,
            Phase::Head { .. } => ReadAllowance::Head,
            Phase::Work { is_whole: true } => ReadAllowance::End,
            Phase::Body => ReadAllowance::Bytes(BODY_READ),
            // Before a body, even the end is left for the handler, which tells the client that the body broke off.
            Phase::Work { is_whole: false } | Phase::Response | Phase::Discard { left: 0 } => ReadAllowance::Nothing,
            Phase::Discard { left } => ReadAllowance::Bytes(left.min(BODY_READ)),
        };
        if !matches!(reading, ReadAllowance::Head | ReadAllowance::Bytes(_)) {
            state.reader = Some(context.waker().clone());
        }
        reading
    }

    /// So many bytes were read.
    pub(crate) fn record_read(&self, bytes: usize) {
        match &mut self.0.state.borrow_mut().phase {
            Phase::Head { received, begun } => {
                *received += bytes;
                begun.get_or_insert_with(Instant::now);
            }
            Phase::Discard { left } => *left = left.saturating_sub(bytes),
            Phase::Work { .. } | Phase::Body | Phase::Response => {}
        }
    }

    /// The client took some bytes.
    pub(crate) fn record_written(&self) {
        let mut state = self.0.state.borrow_mut();
        if state.blocked.take().is_some() {
            state.wake_reader();
        }
    }

    /// Everything was written that there was.
    pub(crate) fn record_flushed(&self) {
        let mut state = self.0.state.borrow_mut();
        if matches!(state.phase, Phase::Head { .. } | Phase::Discard { .. }) {
            state.is_responding = false;
        }
    }

    /// Whether what is written now is no handler's response: then it is actix's own answer to what is no HTTP, or comes too late.
    pub(crate) fn is_between_responses(&self) -> bool {
        let state = self.0.state.borrow();
        matches!(state.phase, Phase::Head { .. }) && !state.is_responding
    }

    /// The client takes no bytes at the moment.
    pub(crate) fn record_blocked(&self) {
        self.0.state.borrow_mut().blocked.get_or_insert_with(Instant::now);
    }

    /// Serves the connection with `dispatcher` until that ends or a time limit is over.
    pub(crate) async fn supervise<F: Future>(self, mut dispatcher: Pin<Box<F>>) -> Option<F::Output> {
        let mut timer = pin!(sleep_until(self.0.accepted));
        poll_fn(|context| {
            if let Poll::Ready(output) = dispatcher.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            // What changes the deadline happens in the dispatcher, which the server's stop wakes too.
            let Some(deadline) = self.deadline() else {
                return Poll::Pending;
            };
            if timer.deadline() != deadline {
                timer.as_mut().reset(deadline);
            }
            timer.as_mut().poll(context).map(|()| None)
        })
        .await
    }

    fn deadline(&self) -> Option<Instant> {
        let state = self.0.state.borrow();
        let phase = match state.phase {
            Phase::Head { begun: Some(begun), .. } => Some(begun + HEAD_TIME + MARGIN),
            Phase::Head { begun: None, .. } if state.since == self.0.accepted => Some(state.since + HEAD_TIME + MARGIN),
            Phase::Head { begun: None, .. } if state.blocked.is_none() => Some(state.since + IDLE_TIME),
            _ => None,
        };
        let blocked = state.blocked.map(|blocked| blocked + WRITE_TIME);
        let reserve = self.is_in_reserve().then(|| self.0.accepted + RESERVE_TIME);
        let stop = match state.phase {
            Phase::Work { .. } | Phase::Body => None,
            _ => self.0.stopping.since().map(|stop| stop.max(state.since) + STOP_GRACE),
        };
        [phase, blocked, reserve, stop].into_iter().flatten().min()
    }

    fn enter(&self, phase: Phase) {
        let mut state = self.0.state.borrow_mut();
        state.is_responding |= matches!(phase, Phase::Response);
        (state.phase, state.since) = (phase, Instant::now());
        state.wake_reader();
    }
}

impl Phase {
    fn awaiting_head() -> Self {
        Self::Head { received: 0, begun: None }
    }
}

impl ConnectionState {
    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

/// A response that is being written.
pub(crate) struct ResponseGuard {
    connection: Connection,
    next: Phase,
}

impl Drop for ResponseGuard {
    fn drop(&mut self) {
        self.connection.enter(self.next);
    }
}
