//! The phases of a connection, and their deadlines.
//!
//! All timeouts of a connection are here, except those of request bodies, which depend on how many bytes have arrived
//! (`extract::request_body`). This module does not parse HTTP: the middleware and the request body tell it which phase begins.

mod deadlines;
mod endpoints;
mod parking;

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::time::Instant;

use crate::server::connection_limits::Slot;
use crate::server::stopping::Stopping;
use crate::server::transport::Endpoints;

/// Timeout for the head of a request, from its first byte.
pub(crate) const HEAD_TIME: Duration = Duration::from_secs(10);
/// Keep-alive timeout between requests.
pub(crate) const IDLE_TIME: Duration = Duration::from_secs(5);

/// The largest head of a request, in bytes. actix doubles its read buffer of 8 KiB twice for one that is larger.
pub(crate) const MAX_HEAD: usize = 15 * 1024;
/// The most bytes of a body that are read from the socket at once.
const BODY_READ: usize = 16 * 1024;
/// The most bytes that are read and discarded after the last response, because some clients read the response only after
/// sending the whole request.
const MAX_DISCARDED: usize = 256 * 1024;

/// The state of a connection. Clones share it.
#[derive(Clone)]
pub(crate) struct Connection(Rc<ConnectionInner>);

struct ConnectionInner {
    state: RefCell<ConnectionState>,
    accepted: Instant,
    endpoints: Endpoints,
    stopping: Stopping,
    slot: Slot,
}

struct ConnectionState {
    phase: Phase,
    since: Instant,
    blocked: Option<Instant>,
    /// Whether a response of a handler is not yet completely written.
    is_responding: bool,
    /// How many bytes of the request's body have not been read from the socket, if that is known.
    body_left: Option<usize>,
    /// Whether the buffers of actix may hold a part of the next request.
    has_read_ahead: bool,
    /// Whether the connection gives its buffers back.
    is_parked: bool,
    reader: Option<Waker>,
    /// Whether the dispatcher is to be polled again at once.
    is_to_continue: bool,
}

#[derive(Clone, Copy)]
enum Phase {
    /// The server waits for the head of a request; `begun` is the time of its first byte.
    Head { received: usize, begun: Option<Instant> },
    /// A handler works on a request; `is_whole` says whether the request has been received completely.
    Work { is_whole: bool },
    /// A handler waits for the body of a request.
    Body,
    /// A response is being written.
    Response,
    /// The last response was written; up to `left` bytes more are read and discarded.
    Discard { left: usize },
}

/// What may be read from the socket of a connection.
pub(crate) enum ReadAllowance {
    /// At most this many bytes of the head of a request.
    Head(usize),
    /// At most this many bytes.
    Bytes(usize),
    /// Only the end of the stream.
    End,
    /// Nothing.
    Nothing,
    /// Nothing, because the head is too long.
    HeadTooLong,
}

impl Connection {
    /// The state of a connection that was just accepted. Of HTTP/2, each stream has a state of its own.
    pub(crate) fn new(endpoints: Endpoints, stopping: Stopping, slot: Slot) -> Self {
        let now = Instant::now();
        let state = ConnectionState {
            phase: Phase::awaiting_head(),
            since: now,
            blocked: None,
            is_responding: false,
            body_left: Some(0),
            has_read_ahead: false,
            is_parked: false,
            reader: None,
            is_to_continue: false,
        };
        Self(Rc::new(ConnectionInner { state: RefCell::new(state), accepted: now, endpoints, stopping, slot }))
    }

    /// Whether it is beyond the connection limits, and open only for liveness checks.
    pub(crate) fn is_in_reserve(&self) -> bool {
        self.0.slot.is_in_reserve()
    }

    /// The shutdown signal of the server.
    pub(crate) fn stopping(&self) -> &Stopping {
        &self.0.stopping
    }

    /// Begins the work of a handler on a completely received request. If the client disconnects, the work is dropped.
    pub(crate) fn begin_work(&self) {
        self.enter(Phase::Work { is_whole: true });
    }

    /// Begins the work of a handler on a request whose body has not been read.
    pub(crate) fn begin_work_before_body(&self) {
        self.enter(Phase::Work { is_whole: false });
    }

    /// Declares the body of a request: its length in bytes, or `None` where only its end tells.
    pub(crate) fn declare_body(&self, length: Option<usize>) {
        let mut state = self.0.state.borrow_mut();
        state.body_left = length;
        state.has_read_ahead |= length.is_none();
    }

    /// Begins reading the body of a request.
    pub(crate) fn begin_body(&self) {
        self.enter(Phase::Body);
    }

    /// Begins a response, which ends when the guard is dropped; then the next request is awaited.
    pub(crate) fn begin_response(&self) -> ResponseGuard {
        self.enter(Phase::Response);
        ResponseGuard { connection: self.clone(), next: Phase::awaiting_head() }
    }

    /// Begins the last response of the connection, which ends when the guard is dropped.
    pub(crate) fn begin_last_response(&self) -> ResponseGuard {
        self.enter(Phase::Response);
        ResponseGuard { connection: self.clone(), next: Phase::Discard { left: MAX_DISCARDED } }
    }

    /// What may be read now. If reading is restricted, the task is woken when the phase changes.
    pub(crate) fn read_allowance(&self, context: &Context<'_>) -> ReadAllowance {
        let mut state = self.0.state.borrow_mut();
        let reading = match state.phase {
            // No further request is read while a response is blocked, or buffered responses would accumulate.
            Phase::Head { .. } if state.blocked.is_some() => ReadAllowance::Nothing,
            Phase::Head { received, .. } if received >= MAX_HEAD => ReadAllowance::HeadTooLong,
            Phase::Head { received, .. } => ReadAllowance::Head(MAX_HEAD - received),
            Phase::Work { is_whole: true } => ReadAllowance::End,
            Phase::Body if state.body_left == Some(0) => ReadAllowance::Nothing,
            Phase::Body => ReadAllowance::Bytes(state.body_left.map_or(BODY_READ, |left| left.min(BODY_READ))),
            // Before a body, the end of the stream is left to the handler, which answers that the body was incomplete.
            Phase::Work { is_whole: false } | Phase::Response | Phase::Discard { left: 0 } => ReadAllowance::Nothing,
            Phase::Discard { left } => ReadAllowance::Bytes(left.min(BODY_READ)),
        };
        if !matches!(reading, ReadAllowance::Head(_) | ReadAllowance::Bytes(_)) {
            state.reader = Some(context.waker().clone());
        }
        reading
    }

    /// Records that `bytes` bytes were read.
    pub(crate) fn record_read(&self, bytes: usize) {
        let state = &mut *self.0.state.borrow_mut();
        match &mut state.phase {
            Phase::Head { received, begun } => {
                *received += bytes;
                begun.get_or_insert_with(Instant::now);
            }
            Phase::Discard { left } => *left = left.saturating_sub(bytes),
            Phase::Body => state.body_left = state.body_left.map(|left| left.saturating_sub(bytes)),
            Phase::Work { .. } | Phase::Response => {}
        }
    }

    /// Records that the client accepted bytes.
    pub(crate) fn record_written(&self) {
        let mut state = self.0.state.borrow_mut();
        if state.blocked.take().is_some() {
            state.wake_reader();
        }
    }

    /// Records that the write buffer is empty.
    pub(crate) fn record_flushed(&self) {
        let mut state = self.0.state.borrow_mut();
        if matches!(state.phase, Phase::Head { .. } | Phase::Discard { .. }) {
            state.is_responding = false;
        }
        if state.blocked.take().is_some() {
            state.wake_reader();
        }
    }

    /// Whether bytes written now belong to no handler's response: then they are actix's own answer to a malformed or late request.
    pub(crate) fn is_between_responses(&self) -> bool {
        let state = self.0.state.borrow();
        matches!(state.phase, Phase::Head { .. }) && !state.is_responding
    }

    /// Records that a write is blocked.
    pub(crate) fn record_blocked(&self) {
        self.0.state.borrow_mut().blocked.get_or_insert_with(Instant::now);
    }

    /// Has the dispatcher polled again at once.
    pub(crate) fn continue_at_once(&self) {
        self.0.state.borrow_mut().is_to_continue = true;
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
    /// A phase changes only while the dispatcher is polled.
    fn wake_reader(&mut self) {
        self.is_to_continue |= self.reader.take().is_some();
    }
}

/// Ends the phase of a response when it is dropped.
pub(crate) struct ResponseGuard {
    connection: Connection,
    next: Phase,
}

impl Drop for ResponseGuard {
    fn drop(&mut self) {
        self.connection.enter(self.next);
    }
}
