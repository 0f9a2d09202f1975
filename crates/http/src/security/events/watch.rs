//! Those who wait for the next event. One of them asks the directory for all, so that a thousand cost what one does.

use std::time::Duration;

use guildhall_domain::ports::EventOrder;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep_until};

use super::shared::SharedEvents;
use crate::Api;
use crate::extract::caller::Caller;
use crate::respond::problem::Problem;
use crate::server::connection::Connection;
use crate::work::{Lane, run};

/// How long after one question whether there are events the next is asked.
const INTERVAL: Duration = Duration::from_millis(100);

/// What is known of the last event.
pub(crate) struct EventWatch {
    last: watch::Sender<u64>,
    /// When it was last asked for. Whoever holds it asks; the others wait for the answer, or for their turn.
    asked: Mutex<Option<Instant>>,
    pub(super) shared: SharedEvents,
}

impl Default for EventWatch {
    fn default() -> Self {
        Self { last: watch::Sender::new(0), asked: Mutex::default(), shared: SharedEvents::default() }
    }
}

impl EventWatch {
    /// The last event that is known of.
    pub(super) fn last(&self) -> u64 {
        *self.last.borrow()
    }

    /// Waits until there is an event after `sequence`.
    ///
    /// # Errors
    ///
    /// When the caller may not read events any more, or the store failed.
    pub(crate) async fn beyond(&self, api: &Api, caller: &Caller, sequence: u64) -> Result<(), Problem> {
        let mut last = self.last.subscribe();
        let mut is_beyond = std::pin::pin!(async move {
            // The sender is in the API, which outlives the request.
            _ = last.wait_for(|last| *last > sequence).await;
        });
        tokio::select! {
            () = &mut is_beyond => Ok(()),
            asked = self.ask_until_beyond(api, caller, sequence) => asked,
        }
    }

    async fn ask_until_beyond(&self, api: &Api, caller: &Caller, sequence: u64) -> Result<(), Problem> {
        let mut asked = self.asked.lock().await;
        loop {
            if let Some(asked) = *asked {
                sleep_until(asked + INTERVAL).await;
            }
            *asked = Some(Instant::now());
            let head = run(api, Lane::Read, caller.clone(), |api, context| api.directory.event_head(context)).await?;
            self.last.send_if_modified(|last| {
                let is_newer = head.sequence > *last;
                *last = head.sequence.max(*last);
                is_newer
            });
            if head.sequence > sequence {
                return Ok(());
            }
        }
    }
}

/// Waits until the service stops. Without a connection, it never does.
pub(super) async fn stopping(connection: Option<&Connection>) {
    match connection {
        Some(connection) => _ = connection.stopping().begun().await,
        None => std::future::pending().await,
    }
}

/// Whether a query in this order can wait for events that are not there yet.
pub(super) fn can_wait(order: EventOrder) -> bool {
    order == EventOrder::Ascending
}
