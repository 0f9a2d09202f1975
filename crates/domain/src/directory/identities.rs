//! The links between users and their identities at outside issuers (contract 2.5).

use super::{Directory, user_id};
use crate::access::{Admitted, Caller, Denied, Permission};
use crate::external::IdentityLink;
use crate::identifier::UserIdentifier;
use crate::page::{Page, Paged};
use crate::ports::{Reader, StoreError};
use crate::time::Timestamp;
use crate::user::UserId;

/// Why links were not listed or removed.
#[derive(Debug, thiserror::Error)]
pub enum IdentitiesError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// The user has no such link.
    #[error("the user has no such identity")]
    NotLinked,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Which links of a user are meant; what is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentitySelection {
    /// Those to this issuer.
    pub issuer: Option<String>,
    /// Those of this subject.
    pub subject: Option<String>,
}

impl IdentitySelection {
    fn includes(&self, link: &IdentityLink) -> bool {
        self.issuer.as_ref().is_none_or(|issuer| *issuer == link.issuer)
            && self.subject.as_ref().is_none_or(|subject| *subject == link.subject)
    }
}

impl Directory {
    /// A page of the links of a user, by issuer and subject.
    pub fn identities(
        &self,
        caller: &Caller,
        user: &UserIdentifier,
        page: Page,
    ) -> Result<Paged<IdentityLink>, IdentitiesError> {
        let now = self.clock.now();
        self.read(|directory| {
            let target = self.user_with_identities(directory, caller, user, Permission::ReadUsers, now)?;
            let links = directory.identities_of(target)?;
            let total = links.len() as u64;
            let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
            let items = links.into_iter().skip(count(page.offset())).take(count(page.size())).collect();
            Ok(Paged { page, total, items })
        })
    }

    /// Removes links of a user. Their subjects are unknown from then on: the next token of one is the first of a stranger.
    pub fn remove_identities(
        &self,
        caller: &Caller,
        user: &UserIdentifier,
        selection: &IdentitySelection,
    ) -> Result<(), IdentitiesError> {
        let now = self.clock.now();
        self.store.write(|directory| {
            let target = self.user_with_identities(directory, caller, user, Permission::ManageUsers, now)?;
            let links = directory.identities_of(target)?;
            let selected: Vec<_> = links.into_iter().filter(|link| selection.includes(link)).collect();
            if selected.is_empty() {
                return Err(IdentitiesError::NotLinked);
            }
            for link in &selected {
                directory.delete_identity(&link.issuer, &link.subject)?;
            }
            Ok(())
        })
    }

    fn user_with_identities(
        &self,
        directory: &mut dyn Reader,
        caller: &Caller,
        user: &UserIdentifier,
        permission: Permission,
        now: Timestamp,
    ) -> Result<UserId, IdentitiesError> {
        let admitted: Admitted = self.admit(directory, caller, now)??;
        admitted.may(permission)?;
        let target = user_id(directory, caller, user)?.ok_or(IdentitiesError::UserNotFound)?;
        admitted.may_touch_user(directory, permission, target)??;
        Ok(target)
    }
}
