//! The call that a use case serves.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use uuid::Uuid;

use crate::access::{Actor, Admission};
use crate::audit::AuditNote;
use crate::directory::preview_log::PreviewLog;
use crate::ports::Cancellation;
use crate::time::Timestamp;

/// One call of a use case: on whose behalf it runs, when, and from where. It also keeps what the use case found out about the
/// call for the log.
#[derive(Debug)]
pub struct Context {
    actor: Actor,
    now: Timestamp,
    request_id: Uuid,
    origin: Origin,
    address: Option<IpAddr>,
    cancellation: Cancellation,
    admission: OnceLock<Admission>,
    notes: Mutex<Vec<AuditNote>>,
    preview: Option<Arc<PreviewLog>>,
}

/// The way by which a call reaches the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The HTTP API.
    Api,
    /// The command line, or the start of the service.
    Cli,
    /// A program that embeds the directory.
    Embedded,
}

impl Context {
    /// A call by `actor` at `now`. `request_id` names it in logs.
    #[must_use]
    pub fn new(actor: impl Into<Actor>, now: Timestamp, request_id: Uuid, origin: Origin) -> Self {
        Self {
            actor: actor.into(),
            now,
            request_id,
            origin,
            address: None,
            cancellation: Cancellation::new(),
            admission: OnceLock::new(),
            notes: Mutex::default(),
            preview: None,
        }
    }

    /// The same call, from this address. An IPv6 address should be that of a network, since one client has all addresses of its
    /// network.
    #[must_use]
    pub fn from_address(self, address: Option<IpAddr>) -> Self {
        Self { address, ..self }
    }

    /// The same call, whose reads end with an error once `cancellation` is cancelled.
    #[must_use]
    pub fn with_cancellation(self, cancellation: Cancellation) -> Self {
        Self { cancellation, ..self }
    }

    /// The same call, without what use cases found out about it.
    pub(crate) fn again(&self) -> Self {
        let call = Self::new(self.actor.clone(), self.now, self.request_id, self.origin);
        let (cancellation, preview) = (self.cancellation.clone(), self.preview.clone());
        Self { address: self.address, cancellation, preview, ..call }
    }

    /// The same call, whose changes are recorded in `log`.
    pub(crate) fn recorded_in(self, log: Arc<PreviewLog>) -> Self {
        Self { preview: Some(log), ..self }
    }

    /// Where changes are recorded, if they are previewed.
    pub(crate) fn preview(&self) -> Option<Arc<PreviewLog>> {
        self.preview.clone()
    }

    /// On whose behalf the use case runs.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The moment that counts as the present for the whole call.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The id of the request.
    #[must_use]
    pub fn request_id(&self) -> Uuid {
        self.request_id
    }

    /// The way by which the call came.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The client's address, if it is known.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Whether the result is still wanted.
    #[must_use]
    pub fn cancellation(&self) -> &Cancellation {
        &self.cancellation
    }

    /// Who called, once a use case has admitted them.
    #[must_use]
    pub fn admission(&self) -> Option<&Admission> {
        self.admission.get()
    }

    /// Removes and returns the audit notes. They are about committed changes.
    #[must_use]
    pub fn take_notes(&self) -> Vec<AuditNote> {
        std::mem::take(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn admitted(&self, admission: Admission) {
        // A use case of several units of work admits the same caller again.
        let _ = self.admission.set(admission);
    }

    /// Keeps notes of changes that were committed.
    pub(crate) fn note(&self, notes: impl IntoIterator<Item = AuditNote>) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).extend(notes);
    }
}
