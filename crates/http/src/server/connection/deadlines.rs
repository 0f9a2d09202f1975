//! The deadlines of the phases, and what holds them.

use std::future::poll_fn;
use std::mem;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::server::connection::{Connection, HEAD_TIME, IDLE_TIME, Phase};
use crate::server::stopping::STOP_GRACE;

/// Timeout for a write during which the client reads nothing.
const WRITE_TIME: Duration = Duration::from_secs(30);
/// Lifetime of a connection beyond the connection limits.
const RESERVE_TIME: Duration = Duration::from_secs(5);
/// The most polls of a dispatcher in one turn: enough for a request that nothing holds up, and fair to other connections.
const MAX_POLLS: usize = 16;
/// Added to the timeout of a head, so that actix answers 408 before the connection is closed.
const MARGIN: Duration = Duration::from_secs(1);

impl Connection {
    /// `work`, which is polled once more when the server begins to stop, so that the deadline is computed again.
    pub(crate) async fn woken_by_stop<W: Future>(&self, work: W) -> W::Output {
        let mut work = pin!(work);
        tokio::select! {
            done = &mut work => return done,
            _ = self.0.stopping.begun() => {}
        }
        work.await
    }

    /// Polls `dispatcher` until it ends or a deadline of the connection passes.
    ///
    /// It goes on with one connection for as long as it can. If all took turns after each step, a flood of requests would be in
    /// memory at the same time.
    pub(crate) async fn supervise<F: Future>(self, mut dispatcher: Pin<Box<F>>) -> Option<F::Output> {
        let mut timer = pin!(sleep_until(self.0.accepted));
        poll_fn(|context| {
            let mut polls = 0;
            loop {
                if let Poll::Ready(output) = dispatcher.as_mut().poll(context) {
                    return Poll::Ready(Some(output));
                }
                polls += 1;
                if !mem::take(&mut self.0.state.borrow_mut().is_to_continue) {
                    break;
                }
                if polls == MAX_POLLS {
                    context.waker().wake_by_ref();
                    break;
                }
            }
            // The deadline changes only while the dispatcher is polled, and a shutdown wakes it too.
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
}
