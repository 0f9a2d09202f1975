//! The use cases.

mod accounts;
mod actions;
mod api_keys;
mod bootstrap;
mod children;
mod external;
mod groups;
mod identities;
mod members;
mod memberships;
mod passwords;
mod sign_in;
mod users;

use std::net::IpAddr;
use std::sync::Arc;

use crate::access::{Admitted, Caller, Decision, Denied, Permission, Policy, admit};
use crate::identifier::UserIdentifier;
use crate::name::NameKey;
use crate::ports::{Clock, Ids, Passwords, Reader, Secrets, Store, StoreError};
use crate::request::{AuditNote, RequestContext};
use crate::time::Timestamp;
use crate::user::UserId;

pub use accounts::{ChangeUserError, DeleteUserError, ReadUserError};
pub use actions::{ActError, UserAction};
pub use api_keys::{ApiKeyError, FirstApiKey, IssuedApiKey};
pub use bootstrap::{CallerError, FirstAdministratorError};
pub use children::{AddChildError, AddChildrenError, Cycle, RemoveChildError};
pub use external::RecogniseError;
pub use groups::{ChangeGroupError, CreateGroupError, DeleteGroupError, ReadGroupError};
pub use identities::{IdentitiesError, IdentitySelection};
pub use members::{AddMemberError, AddMembersError, Added, CheckMemberError, ListMembersError, RemoveMemberError};
pub use passwords::ChangePasswordError;
pub use sign_in::{ClientError, RefreshError, Session, SignInError};
pub use users::CreateUserError;

/// The directory: everything that can be asked of it.
#[derive(Clone)]
pub struct Directory {
    store: Arc<dyn Store>,
    passwords: Arc<dyn Passwords>,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    policy: Policy,
    request: Arc<RequestContext>,
    address: Option<IpAddr>,
}

impl Directory {
    /// A directory kept by `store`, with the policy of the API's pages.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        passwords: Arc<dyn Passwords>,
        secrets: Arc<dyn Secrets>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self {
            store,
            passwords,
            secrets,
            clock,
            ids,
            policy: Policy::default(),
            request: Arc::default(),
            address: None,
        }
    }

    /// The same directory under another policy.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// The same directory, serving this request.
    #[must_use]
    pub fn for_request(&self, request: Arc<RequestContext>) -> Self {
        Self { request, ..self.clone() }
    }

    /// The same directory, called from this address. Of IPv6 it should be a network's, since a network has as many addresses as
    /// it likes.
    #[must_use]
    pub fn called_from(&self, address: Option<IpAddr>) -> Self {
        Self { address, ..self.clone() }
    }

    /// Fails if the store cannot be reached.
    pub fn ready(&self) -> Result<(), StoreError> {
        self.read(|directory| directory.ping())
    }

    /// Says whether `caller` may do this to anybody, before what they send is looked at. The use cases ask again themselves.
    pub fn authorise(&self, caller: &Caller, permission: Permission) -> Decision {
        let now = self.clock.now();
        self.read(|directory| Ok(self.admit(directory, caller, now)?.and_then(|caller| caller.may(permission))))
    }

    /// Says the same about a change of `user`, who may be the caller.
    pub fn authorise_change(&self, caller: &Caller, user: &UserIdentifier) -> Decision {
        self.authorise_about(caller, user, Admitted::may_about)
    }

    /// Says the same about a new password for `user`, which may be due before anything else.
    pub fn authorise_password(&self, caller: &Caller, user: &UserIdentifier) -> Decision {
        self.authorise_about(caller, user, Admitted::may_about_even_before_reset)
    }

    fn authorise_about(
        &self,
        caller: &Caller,
        user: &UserIdentifier,
        may: fn(&Admitted, Permission, Option<UserId>) -> Result<(), Denied>,
    ) -> Decision {
        let now = self.clock.now();
        self.read(|directory| {
            let target = user_id(directory, caller, user)?;
            Ok(self.admit(directory, caller, now)?.and_then(|caller| may(&caller, Permission::ManageUsers, target)))
        })
    }

    fn admit(&self, directory: &mut dyn Reader, caller: &Caller, now: Timestamp) -> Decision<Admitted> {
        let admitted = admit(directory, caller, now, self.policy)?;
        if let Ok(admitted) = &admitted {
            self.request.admitted(admitted.admission());
        }
        Ok(admitted)
    }

    /// What a unit of work returned. If it was committed, the notes that came with it are kept.
    fn noted<T, E>(&self, done: Result<(T, impl IntoIterator<Item = AuditNote>), E>) -> Result<T, E> {
        let (outcome, notes) = done?;
        self.request.note(notes);
        Ok(outcome)
    }

    /// Reads as long as the request's answer is wanted.
    fn read<T, E: From<StoreError>>(&self, work: impl FnMut(&mut dyn Reader) -> Result<T, E>) -> Result<T, E> {
        self.store.read_unless(self.request.cancellation(), work)
    }
}

/// The user that `identifier` names when `caller` says it.
fn user_id(
    directory: &mut dyn Reader,
    caller: &Caller,
    identifier: &UserIdentifier,
) -> Result<Option<UserId>, StoreError> {
    match identifier {
        UserIdentifier::Current => Ok(Some(caller.user)),
        _ => directory.user_id(identifier),
    }
}

/// Whether anybody has this username or email address.
fn is_taken(directory: &mut dyn Reader, name: NameKey) -> Result<bool, StoreError> {
    Ok(directory.user_id(&UserIdentifier::Name(name))?.is_some())
}

/// Whether somebody other than `owner` has this username or email address.
fn is_taken_by_another(directory: &mut dyn Reader, name: NameKey, owner: UserId) -> Result<bool, StoreError> {
    Ok(directory.user_id(&UserIdentifier::Name(name))?.is_some_and(|found| found != owner))
}
