//! The use cases.

mod actions;
mod api_keys;
mod as_of;
mod bootstrap;
mod children;
mod children_patch;
mod events;
mod explanation;
mod external;
mod groups;
mod idempotency;
mod identities;
mod imports;
mod managers;
mod member_checks;
mod members;
mod members_patch;
mod membership_checks;
mod memberships;
mod nested;
mod opening;
mod passwords;
mod patches;
mod prepared_passwords;
mod preview;
pub(crate) mod preview_log;
mod recorded;
mod recording;
mod registration;
mod scheduling;
mod sessions;
mod settling;
mod sign_in;
mod unit_of_work;
mod users;
mod verification;
mod webhooks;
mod wrong_passwords;

use std::sync::{Arc, OnceLock};

use crate::access::{On, Permission, Policy, Refused, Target};
use crate::context::Context;
use crate::event::Via;
use crate::group::GroupId;
use crate::identifier::UserIdentifier;
use crate::name::NameKey;
use crate::ports::{Destinations, Ids, Member, Passwords, Reader, Seals, Secrets, Store, StoreError};
use opening::about_group;
use settling::Settling;
use webhooks::{HttpsAlone, Unsealed};

pub use actions::{ActError, UserAction};
pub use api_keys::{ApiKeyError, FirstApiKey, IssuedApiKey};
pub use as_of::AsOfError;
pub use bootstrap::{CallerError, FirstAdministratorError};
pub use children::{AddChildrenError, Cycle, RemoveChildError};
pub use children_patch::PatchChildrenError;
pub use events::{EventError, EventPage};
pub use explanation::{Explanation, MembershipPath};
pub use external::RecogniseError;
pub use groups::{ChangeGroupError, CreateGroupError, DeleteGroupError, ReadGroupError};
pub use idempotency::{AnswerKeeping, KeptLimit, KeyedOutcome, KeyedRequest};
pub use identities::{IdentitiesError, IdentitySelection};
pub use imports::{Import, ImportEnd, ImportError, ImportOptions, ImportOutcome};
pub use managers::{AppointError, DismissError, ManagersError};
pub use member_checks::MemberCheck;
pub use members::{AddMembersError, Added, InheritedMembership, MemberError, RemoveMemberError};
pub use members_patch::PatchMembersError;
pub use membership_checks::{CheckedMembership, MembershipCheck};
pub use passwords::ChangePasswordError;
pub use patches::{
    Contradiction, MemberList, Patch, PatchEffect, PatchMode, PatchOptions, PatchReport, PatchedList, Place, Refusal,
    RefusalReason,
};
pub use preview_log::{Effects, GroupEffect};
pub use scheduling::{ScheduleChildError, ScheduleMemberError};
pub use sessions::{ClientError, RefreshError};
pub use sign_in::{Session, SignInError};
#[cfg(feature = "contract")]
pub(crate) use unit_of_work::{Finish, Turn, Writing};
pub use users::{ChangeUserError, CreateUserError, DeleteUserError, ReadUserError};
pub use verification::{Verification, VerificationError};
pub use webhooks::{Claim, IssuedWebhook, WebhookAction, WebhookError, WebhookLook, WebhookView};

/// The directory: everything that can be asked of it, as long as its store lives.
#[derive(Clone)]
pub struct Directory<'s> {
    store: Arc<dyn Store + 's>,
    passwords: Arc<dyn Passwords>,
    secrets: Arc<dyn Secrets>,
    ids: Arc<dyn Ids>,
    /// Seals the secrets of webhooks.
    seals: Arc<dyn Seals>,
    /// Where webhooks may be.
    destinations: Arc<dyn Destinations>,
    policy: Policy,
    /// The way by which changes are made, if it is not that of the call.
    via: Option<Via>,
    /// Whether changes are recorded here, and not by the unit of work around the use cases.
    records: bool,
    /// The id of `Everyone`, once it was looked up.
    everyone: Arc<OnceLock<GroupId>>,
}

impl<'s> Directory<'s> {
    /// A directory kept by `store`, with the default policy (contract 5.3). What is due by the store's clock is made so before anything else is read or
    /// changed.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store + 's>,
        passwords: Arc<dyn Passwords>,
        secrets: Arc<dyn Secrets>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        let store = Arc::new(Settling { store, ids: Arc::clone(&ids) });
        let (policy, everyone) = (Policy::default(), Arc::default());
        let (seals, destinations) = (Arc::new(Unsealed), Arc::new(HttpsAlone));
        Self { store, passwords, secrets, ids, seals, destinations, policy, via: None, records: true, everyone }
    }

    /// The same directory under another policy.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// The same directory, whose webhooks are where `destinations` lets them be, and whose secrets are kept sealed by `seals`. Without this they are kept as they
    /// are, and may be at any URL of `https`.
    #[must_use]
    pub fn with_webhooks(self, seals: Arc<dyn Seals>, destinations: Arc<dyn Destinations>) -> Self {
        Self { seals, destinations, ..self }
    }

    /// The same directory, kept by `store`: another way to what the store before keeps. Where something is due, this one answers with an error.
    #[must_use]
    pub fn kept_by<'o>(self, store: Arc<dyn Store + 'o>) -> Directory<'o> {
        let Self { passwords, secrets, ids, seals, destinations, policy, via, records, everyone, .. } = self;
        Directory { store, passwords, secrets, ids, seals, destinations, policy, via, records, everyone }
    }

    /// The same directory, whose store is a unit of work that records changes itself.
    fn within<'o>(self, store: Arc<dyn Store + 'o>) -> Directory<'o> {
        Directory { records: false, ..self.kept_by(store) }
    }

    /// The same directory, whose changes are made by this way.
    fn acting(&self, via: Via) -> Self {
        Self { via: Some(via), ..self.clone() }
    }

    /// Fails unless the store could commit a change. No actor is admitted, because nothing of the directory is read.
    pub fn ready(&self) -> Result<(), StoreError> {
        self.store.ready()
    }

    /// Fails unless the context's actor is admitted: a caller whose account is open and whose token was not revoked.
    pub fn authenticate(&self, context: &Context) -> Result<(), Refused> {
        match self.admit(context)? {
            Some(_) => Ok(()),
            None => self.read(context, |_| Ok(())),
        }
    }

    /// Fails unless the actor has this permission, before what they send is looked at. The use cases ask again themselves.
    pub fn authorise(&self, context: &Context, permission: Permission, on: On<'_>) -> Result<(), Refused> {
        let decided = self.admit(context)?.and_then(|actor| match on {
            On::All => actor.authorise_at_once(permission, None),
            On::User(user) => actor.authorise_unseen(permission, user),
            On::Group(_) => actor.authorise_on_group_at_once(permission, None),
            On::Membership(_, user) => actor.authorise_membership_unseen(permission, user),
        });
        if let Some(decided) = decided {
            return Ok(decided?);
        }
        match on {
            On::All => self.read(context, |work| work.authorise(permission, Target::All).map(drop)),
            On::User(user) => self.read_user(context, permission, user, |_, _| Ok(())),
            On::Group(group) => self.read_about(context, about_group(group, Member::Unnamed), |work, found| {
                work.authorise(permission, found.target()).map(drop)
            }),
            On::Membership(group, user) => {
                self.read_about(context, about_group(group, Member::User(user)), |work, found| {
                    work.authorise(permission, Target::Membership(found.group, found.user)).map(drop)
                })
            }
        }
    }
}

/// Whether any user has this username or email address.
fn is_taken(store: &mut dyn Reader, name: NameKey) -> Result<bool, StoreError> {
    Ok(store.user_id(&UserIdentifier::Name(name))?.is_some())
}
