//! The threads that deliver: one that looks for what is due, and one for each webhook that something is sent to.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use guildhall_domain::access::{Actor, Refused};
use guildhall_domain::context::{Context, Origin};
use guildhall_domain::directory::{Claim, Directory};
use guildhall_domain::ports::{Clock, Ids};
use guildhall_domain::webhook::{Attempt, WebhookId};
use uuid::Uuid;

use crate::rules::DestinationRules;
use crate::sender::{Sender, chain};

/// How often it is looked for something to send.
const INTERVAL: Duration = Duration::from_secs(1);
/// The same while no webhook is enabled, or the store fails.
const IDLE_INTERVAL: Duration = Duration::from_secs(5);
/// How often leases are renewed while something is being sent.
const RENEWAL: Duration = Duration::from_secs(2);
/// How often the root certificates of the system are read again, and secrets sealed anew by the present key.
const REFRESH: Duration = Duration::from_hours(1);
/// How often the outcome of an attempt is noted, if the store fails.
const MOST_NOTES: u32 = 3;
/// For how long the end waits for attempts that are under way.
const PATIENCE: Duration = Duration::from_secs(1);

/// Delivers events for as long as it lives.
pub struct Deliveries {
    shared: Arc<Shared>,
    looking: Option<JoinHandle<()>>,
}

/// What the threads share.
struct Shared {
    directory: Directory<'static>,
    rules: Arc<DestinationRules>,
    sender: RwLock<Arc<Sender>>,
    /// The name of this instance in leases.
    holder: Uuid,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    state: Mutex<State>,
    /// Wakes who waits for the end, or for an attempt to end.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The webhooks that something is being sent to.
    busy: BTreeSet<WebhookId>,
    is_stopping: bool,
}

impl Deliveries {
    /// Starts to deliver the events of `directory`.
    ///
    /// # Errors
    ///
    /// When there can be no more threads.
    pub fn start(
        directory: Directory<'static>,
        rules: &Arc<DestinationRules>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            directory,
            rules: Arc::clone(rules),
            sender: RwLock::new(Arc::new(Sender::new(rules))),
            holder: ids.next(),
            clock,
            ids,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let worker = Arc::clone(&shared);
        let looking = thread::Builder::new().name("webhooks".to_owned()).spawn(move || look(&worker))?;
        Ok(Self { shared, looking: Some(looking) })
    }

    /// Begins nothing more.
    pub fn stop(&self) {
        self.shared.state().is_stopping = true;
        self.shared.changed.notify_all();
    }

    /// Begins nothing more, and waits until what is under way has ended, for a second at most. What is cut off is sent again by another instance, or after the
    /// next start.
    pub fn finish(mut self) {
        self.stop();
        if let Some(looking) = self.looking.take() {
            // It was logged if it panicked.
            _ = looking.join();
        }
        let state = self.shared.state();
        let ended = self.shared.changed.wait_timeout_while(state, PATIENCE, |state| !state.busy.is_empty());
        drop(ended.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Deliveries {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn context(&self) -> Context {
        Context::new(Actor::Operator, self.clock.now(), self.ids.next(), Origin::Cli)
    }

    fn sender(&self) -> Arc<Sender> {
        Arc::clone(&self.sender.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for so long. `false`: it ends.
    fn wait(&self, duration: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.state(), duration, |state| !state.is_stopping);
        !waited.unwrap_or_else(PoisonError::into_inner).0.is_stopping
    }
}

/// Looks for what is due until it ends.
fn look(shared: &Arc<Shared>) {
    let (mut refreshed, mut renewed): (Option<Instant>, Instant) = (None, Instant::now());
    let mut has_failed = false;
    loop {
        if refreshed.is_none_or(|refreshed| refreshed.elapsed() >= REFRESH) {
            refresh(shared, refreshed.is_some());
            refreshed = Some(Instant::now());
        }
        let busy = shared.state().busy.clone();
        if !busy.is_empty() && renewed.elapsed() >= RENEWAL {
            renewed = Instant::now();
            if let Err(error) = shared.directory.renew_webhook_leases(&shared.context(), shared.holder, &busy) {
                tracing::debug!(error = chain(&error), "leases of webhooks were not renewed");
            }
        }
        let found = shared.directory.claim_webhooks(&shared.context(), shared.holder, &busy);
        let pause = match found {
            Ok(found) => {
                has_failed = false;
                for claim in found.claims {
                    begin(shared, claim);
                }
                if found.is_any_enabled { INTERVAL } else { IDLE_INTERVAL }
            }
            Err(error) => {
                if !has_failed {
                    tracing::warn!(error = chain(&error), "cannot look for what webhooks are to be sent; trying again");
                }
                has_failed = true;
                IDLE_INTERVAL
            }
        };
        if !shared.wait(pause) {
            return;
        }
    }
}

fn refresh(shared: &Shared, with_certificates: bool) {
    if with_certificates {
        let sender = Arc::new(Sender::new(&shared.rules));
        *shared.sender.write().unwrap_or_else(PoisonError::into_inner) = sender;
    }
    if let Err(error) = shared.directory.reseal_webhook_secrets(&shared.context()) {
        tracing::warn!(error = chain(&error), "the secrets of webhooks were not sealed by the present key");
    }
}

/// Starts a thread that delivers to the webhook of a claim.
fn begin(shared: &Arc<Shared>, claim: Claim) {
    let id = claim.webhook;
    shared.state().busy.insert(id);
    let worker = Busy { shared: Arc::clone(shared), id };
    if let Err(error) = thread::Builder::new().name("webhook".to_owned()).spawn(move || worker.deliver(claim)) {
        // It is sent once its lease is over.
        tracing::warn!(%error, webhook = %id, "cannot start a thread for the webhook {id}");
    }
}

/// A webhook that something is being sent to, until this is dropped.
struct Busy {
    shared: Arc<Shared>,
    id: WebhookId,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.shared.state().busy.remove(&self.id);
        self.shared.changed.notify_all();
    }
}

impl Busy {
    /// Sends one event after the other, for as long as one is due and arrives.
    fn deliver(&self, first: Claim) {
        let (shared, id) = (&self.shared, self.id);
        let mut next = Some(first);
        while let Some(claim) = next {
            if shared.state().is_stopping {
                if let Err(error) = shared.directory.release_webhook(&shared.context(), shared.holder, id) {
                    tracing::debug!(error = chain(&error), webhook = %id, "the lease of the webhook {id} was not ended");
                }
                return;
            }
            let attempt = shared.sender().send(&claim, shared.clock.now());
            log(&claim, &attempt);
            next = match self.note(&claim, &attempt) {
                Ok(next) => next,
                Err(error) => {
                    let error = chain(&error);
                    tracing::warn!(error, webhook = %id, "an attempt of the webhook {id} was not noted, and is made again");
                    return;
                }
            };
        }
    }

    fn note(&self, claim: &Claim, attempt: &Attempt) -> Result<Option<Claim>, Refused> {
        let shared = &self.shared;
        let mut times = 1;
        loop {
            match shared.directory.note_attempt(&shared.context(), shared.holder, claim, attempt) {
                Err(_) if times < MOST_NOTES && shared.wait(INTERVAL) => times += 1,
                noted => return noted,
            }
        }
    }
}

fn log(claim: &Claim, attempt: &Attempt) {
    let (id, event, milliseconds) = (claim.webhook, claim.event, attempt.duration.as_millis());
    if attempt.is_delivered() {
        tracing::debug!(webhook = %id, %event, milliseconds, "delivered an event to the webhook {id}");
    } else {
        let (status, error) = (attempt.status, attempt.error.as_deref());
        tracing::warn!(webhook = %id, %event, milliseconds, status, error, "an event was not delivered to the webhook {id}");
    }
}
