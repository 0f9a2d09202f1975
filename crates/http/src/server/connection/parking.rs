//! Idle connections that give their buffers back.
//!
//! actix holds 16 KiB of buffers for as long as its dispatcher runs. In a crowd, the dispatcher of an idle connection is told that
//! the client has closed, so that it ends; the socket stays open, and the next request gets another dispatcher.

use std::mem;

use crate::server::connection::{Connection, Phase};

impl Connection {
    /// Parks the connection if it is idle in a crowd, and nothing of a further request is in the buffers. Returns whether it is
    /// parked.
    pub(crate) fn park_if_idle_in_crowd(&self) -> bool {
        let mut state = self.0.state.borrow_mut();
        let is_idle = matches!(state.phase, Phase::Head { received: 0, .. }) && !state.is_responding;
        state.is_parked |= is_idle && !state.has_read_ahead && self.0.slot.is_in_crowd();
        state.is_parked
    }

    /// Whether it is parked.
    pub(crate) fn is_parked(&self) -> bool {
        self.0.state.borrow().is_parked
    }

    /// Ends the parking, and returns whether it was parked.
    pub(crate) fn unpark(&self) -> bool {
        mem::take(&mut self.0.state.borrow_mut().is_parked)
    }
}
