//! Links to external issuers, in the accounts of their users.

use guildhall_domain::external::IdentityLink;
use guildhall_domain::ports::{IdentityReader, IdentityWriter, StoreError};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::UnitOfWork;
use super::tables::{Changes, Rows, Tables};

/// The user of a pair of issuer and subject.
pub(super) const OWNERS: Rows<(&str, &str), Uuid> = Rows::new("identities");

#[derive(Serialize, Deserialize)]
pub(super) struct IdentityRow {
    pub(super) issuer: String,
    pub(super) subject: String,
    linked: i64,
    latest_token: Option<i64>,
}

impl IdentityRow {
    fn is(&self, issuer: &str, subject: &str) -> bool {
        self.issuer == issuer && self.subject == subject
    }

    fn link(self, user: UserId) -> IdentityLink {
        IdentityLink {
            issuer: self.issuer,
            subject: self.subject,
            user,
            linked: Timestamp::from_milliseconds(self.linked),
            latest_token: self.latest_token.map(Timestamp::from_milliseconds),
        }
    }
}

impl<T: Tables> IdentityReader for UnitOfWork<T> {
    fn identity(&mut self, issuer: &str, subject: &str) -> Result<Option<IdentityLink>, StoreError> {
        let Some(user) = OWNERS.get(&self.0, (issuer, subject))? else { return Ok(None) };
        Ok(self.identities_of(UserId(user))?.into_iter().find(|link| link.issuer == issuer && link.subject == subject))
    }

    fn identities_of(&mut self, user: UserId) -> Result<Vec<IdentityLink>, StoreError> {
        let mut rows = self.account(user)?.map(|account| account.identities).unwrap_or_default();
        rows.sort_by(|one, other| (&one.issuer, &one.subject).cmp(&(&other.issuer, &other.subject)));
        Ok(rows.into_iter().map(|row| row.link(user)).collect())
    }
}

impl IdentityWriter for UnitOfWork<Changes> {
    fn insert_identity(&mut self, link: &IdentityLink) -> Result<(), StoreError> {
        let row = IdentityRow {
            issuer: link.issuer.clone(),
            subject: link.subject.clone(),
            linked: link.linked.milliseconds(),
            latest_token: link.latest_token.map(Timestamp::milliseconds),
        };
        OWNERS.insert(&self.0, (link.issuer.as_str(), link.subject.as_str()), &link.user.0)?;
        self.change_account(link.user, |account| account.identities.push(row))
    }

    fn set_latest_token(&mut self, issuer: &str, subject: &str, at: Timestamp) -> Result<(), StoreError> {
        let Some(user) = OWNERS.get(&self.0, (issuer, subject))? else { return Ok(()) };
        self.change_account(UserId(user), |account| {
            for row in account.identities.iter_mut().filter(|row| row.is(issuer, subject)) {
                row.latest_token = Some(at.milliseconds());
            }
        })
    }

    fn delete_identities(&mut self, user: UserId, links: &[IdentityLink]) -> Result<(), StoreError> {
        for IdentityLink { issuer, subject, .. } in links.iter().filter(|link| link.user == user) {
            OWNERS.remove(&self.0, (issuer.as_str(), subject.as_str()))?;
            self.change_account(user, |account| account.identities.retain(|row| !row.is(issuer, subject)))?;
        }
        Ok(())
    }
}
