//! Links to external issuers in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::State;
use crate::external::IdentityLink;
use crate::ports::{IdentityReader, IdentityWriter, StoreError};
use crate::time::Timestamp;
use crate::user::UserId;

/// Links by issuer and subject.
#[derive(Clone, Debug, Default)]
pub(super) struct Identities {
    links: Arc<BTreeMap<(String, String), IdentityLink>>,
}

impl Identities {
    pub(super) fn remove_user(&mut self, user: UserId) {
        Arc::make_mut(&mut self.links).retain(|_, link| link.user != user);
    }
}

impl IdentityReader for State {
    fn identity(&mut self, issuer: &str, subject: &str) -> Result<Option<IdentityLink>, StoreError> {
        Ok(self.identities.links.get(&(issuer.to_owned(), subject.to_owned())).cloned())
    }

    fn identities_of(&mut self, user: UserId) -> Result<Vec<IdentityLink>, StoreError> {
        Ok(self.identities.links.values().filter(|link| link.user == user).cloned().collect())
    }
}

impl IdentityWriter for State {
    fn insert_identity(&mut self, link: &IdentityLink) -> Result<(), StoreError> {
        let key = (link.issuer.clone(), link.subject.clone());
        if self.identities.links.contains_key(&key) {
            return Err(self.refuse("the subject is linked already"));
        }
        Arc::make_mut(&mut self.identities.links).insert(key, link.clone());
        Ok(())
    }

    fn set_latest_token(&mut self, issuer: &str, subject: &str, at: Timestamp) -> Result<(), StoreError> {
        let key = (issuer.to_owned(), subject.to_owned());
        if let Some(link) = Arc::make_mut(&mut self.identities.links).get_mut(&key) {
            link.latest_token = Some(at);
        }
        Ok(())
    }

    fn delete_identities(&mut self, user: UserId, links: &[IdentityLink]) -> Result<(), StoreError> {
        let stored = Arc::make_mut(&mut self.identities.links);
        stored.retain(|_, stored| {
            stored.user != user
                || links.iter().all(|link| (&link.issuer, &link.subject) != (&stored.issuer, &stored.subject))
        });
        Ok(())
    }
}
