//! The links between users and their identities at external issuers (contract 2.5).

use super::Directory;
use super::opening::Subject;
use super::unit_of_work::{Finish, Turn, Work};
use crate::access::{Actor, Permission, Refused, Target, contains_refused};
use crate::context::Context;
use crate::external::IdentityLink;
use crate::identifier::UserIdentifier;
use crate::page::{Page, Paged};
use crate::ports::Reader;

/// Why links were not listed or removed.
#[derive(Debug, thiserror::Error)]
pub enum IdentitiesError {
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// The user has no such link.
    #[error("the user has no such identity")]
    NotLinked,
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// A selection of a user's links. `None` selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentitySelection {
    /// Links to this issuer.
    pub issuer: Option<String>,
    /// Links of this subject.
    pub subject: Option<String>,
}

impl IdentitySelection {
    fn includes(&self, link: &IdentityLink) -> bool {
        self.issuer.as_ref().is_none_or(|issuer| *issuer == link.issuer)
            && self.subject.as_ref().is_none_or(|subject| *subject == link.subject)
    }
}

contains_refused!(IdentitiesError);

impl Directory<'_> {
    /// A page of the links of a user, by issuer and subject.
    pub fn identities(
        &self,
        context: &Context,
        user: &UserIdentifier,
        page: &Page,
    ) -> Result<Paged<IdentityLink>, IdentitiesError> {
        let mut links = self.links(context, user)?;
        let total = links.len() as u64;
        if let Some(position) = page.position() {
            links.retain(|link| position.precedes(&link.place()));
        }
        let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let items = links.into_iter().skip(count(page.offset())).take(count(page.lookahead())).collect();
        Ok(Paged::new(page, total, items, IdentityLink::place))
    }

    /// The links of a user: in one round trip to the store, unless the permission depends on more than the actor's account.
    fn links(&self, context: &Context, user: &UserIdentifier) -> Result<Vec<IdentityLink>, IdentitiesError> {
        if let Actor::Caller(caller) = context.actor() {
            let found = self.store.identities_for(context.cancellation(), caller.user, user).map_err(Refused::from)?;
            let actor = self.admit_account(context, caller, found.accounts.caller)?;
            let id = found.accounts.user.map(|(id, _)| id);
            // Users do not manage their own links.
            let decided = actor
                .authorise_at_once(Permission::ReadUsers, id)
                .and_then(|on_user| Some(on_user.and(actor.authorise_at_once(Permission::ReadUsers, None)?)));
            if let Some(decided) = decided {
                decided.map_err(Refused::from)?;
                return id.map(|_| found.links).ok_or(IdentitiesError::UserNotFound);
            }
        }
        self.read_user(context, Permission::ReadUsers, user, |work, user| {
            let user = subject(work, Permission::ReadUsers, user)?;
            Ok(work.identities_of(user.id)?)
        })
    }

    /// Removes links of a user. The next token of such a subject counts as its first.
    pub fn remove_identities(
        &self,
        context: &Context,
        user: &UserIdentifier,
        selection: &IdentitySelection,
    ) -> Result<(), IdentitiesError> {
        self.write_user(context, (Turn::Once, Permission::ManageUsers), user, |work, user| {
            let user = subject(work, Permission::ManageUsers, user)?;
            let links = work.identities_of(user.id)?;
            let selected: Vec<_> = links.into_iter().filter(|link| selection.includes(link)).collect();
            if selected.is_empty() {
                return Err(IdentitiesError::NotLinked);
            }
            work.delete_identities(user.id, &selected)?;
            Ok(Finish::Commit(()))
        })
    }
}

/// The user, if the actor has the permission on all users: users do not manage their own links.
fn subject<S: Reader + ?Sized>(
    work: &mut Work<'_, S>,
    permission: Permission,
    user: Option<Subject>,
) -> Result<Subject, IdentitiesError> {
    work.authorise(permission, Target::All)?;
    user.ok_or(IdentitiesError::UserNotFound)
}
