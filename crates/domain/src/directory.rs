//! The use cases.

mod groups;
mod members;
mod nesting;
mod start;
mod users;

use std::sync::Arc;

use crate::access::{Caller, Decision, administrator};
use crate::ports::{Clock, Ids, Passwords, Store, StoreError};

pub use groups::{CreateGroupError, ReadGroupError};
pub use members::{AddMemberError, AddMembersError, Added, CheckMemberError, ListMembersError, RemoveMemberError};
pub use nesting::AddChildError;
pub use start::{CallerError, FirstAdministratorError};
pub use users::CreateUserError;

/// The directory: everything that can be asked of it.
#[derive(Clone)]
pub struct Directory {
    store: Arc<dyn Store>,
    passwords: Arc<dyn Passwords>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl Directory {
    /// A directory kept by `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, passwords: Arc<dyn Passwords>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { store, passwords, clock, ids }
    }

    /// Fails if the store cannot be reached.
    pub fn ready(&self) -> Result<(), StoreError> {
        self.store.read(|directory| directory.ping())
    }

    /// Says whether `caller` is an administrator, before what they send is looked at. The use cases ask again themselves.
    pub fn authorise_administrator(&self, caller: &Caller) -> Decision {
        self.store.read(|directory| administrator(directory, caller, self.clock.now()))
    }
}
