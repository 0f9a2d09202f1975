//! The request that a use case serves: whether its answer is still wanted, and what is found out about it for the log.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::access::Admission;
use crate::api_key::ApiKeyId;
use crate::group::GroupId;
use crate::ports::Cancellation;
use crate::user::UserId;

/// One request. A [`Directory`](crate::directory::Directory) made by
/// [`for_request`](crate::directory::Directory::for_request) stops reading when it is cancelled, and notes in it who called and
/// what an auditor would want to know.
#[derive(Debug, Default)]
pub struct RequestContext {
    cancellation: Cancellation,
    admission: OnceLock<Admission>,
    notes: Mutex<Vec<AuditNote>>,
}

/// Something that belongs in an audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditNote {
    /// These users, or everybody in these groups, may have joined or left a group that administers, or one below it.
    AdministratorsChanged {
        /// What was done.
        change: AdministratorsChange,
        /// The group whose members or children changed, if it was one.
        group: Option<GroupId>,
        /// Users that were named.
        users: BTreeSet<UserId>,
        /// Groups that were named.
        groups: BTreeSet<GroupId>,
    },
    /// Wrong passwords have locked an account, or the account for one address.
    Locked {
        /// The account.
        user: UserId,
    },
    /// The secret or the state of an API key changed.
    ApiKeyChanged {
        /// The key.
        key: ApiKeyId,
    },
}

/// In which way those who administer changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdministratorsChange {
    /// Users or groups were added.
    Added,
    /// Users or groups were removed, or their account was closed.
    Removed,
}

impl fmt::Display for AdministratorsChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Added => "added",
            Self::Removed => "removed",
        })
    }
}

impl RequestContext {
    /// The context of a request that has just begun.
    #[must_use]
    pub fn new(cancellation: Cancellation) -> Self {
        Self { cancellation, ..Self::default() }
    }

    /// Whether the answer is still wanted.
    #[must_use]
    pub fn cancellation(&self) -> &Cancellation {
        &self.cancellation
    }

    /// Who called, once a use case has admitted them.
    #[must_use]
    pub fn admission(&self) -> Option<&Admission> {
        self.admission.get()
    }

    /// Takes the notes out. They are of changes that were committed.
    #[must_use]
    pub fn take_notes(&self) -> Vec<AuditNote> {
        std::mem::take(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn admitted(&self, admission: Admission) {
        // All use cases of one request admit the same caller.
        let _ = self.admission.set(admission);
    }

    pub(crate) fn note(&self, note: AuditNote) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
    }
}
