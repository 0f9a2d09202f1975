//! Links between users and the subjects of external issuers.

use super::{Accounts, StoreError, UserReader};
use crate::external::IdentityLink;
use crate::identifier::UserIdentifier;
use crate::time::Timestamp;
use crate::user::UserId;

/// Reads links to external issuers.
pub trait IdentityReader {
    /// The link of a subject of an issuer.
    fn identity(&mut self, issuer: &str, subject: &str) -> Result<Option<IdentityLink>, StoreError>;
    /// The links of a user, sorted by issuer and subject.
    fn identities_of(&mut self, user: UserId) -> Result<Vec<IdentityLink>, StoreError>;
}

/// The accounts of a caller and of a user, with the links of the user. All of it is of one state of the store. If the caller does not
/// exist, the rest may be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedAccount {
    /// The accounts.
    pub accounts: Accounts,
    /// The links of the user, sorted by issuer and subject.
    pub links: Vec<IdentityLink>,
}

impl LinkedAccount {
    /// Reads all of it by the methods of a reader, which defines what the answer of a store has to be.
    pub fn by_reading<R: UserReader + IdentityReader + ?Sized>(
        reader: &mut R,
        caller: Option<UserId>,
        user: &UserIdentifier,
    ) -> Result<Self, StoreError> {
        let accounts = reader.accounts(caller, user)?;
        let links = accounts.user.as_ref().map(|(user, _)| reader.identities_of(*user)).transpose()?;
        Ok(Self { accounts, links: links.unwrap_or_default() })
    }
}

/// Changes links to external issuers.
pub trait IdentityWriter {
    /// Links a subject of an issuer, which is not linked yet, to a user.
    fn insert_identity(&mut self, link: &IdentityLink) -> Result<(), StoreError>;
    /// Stores when the latest token of a subject was issued.
    fn set_latest_token(&mut self, issuer: &str, subject: &str, issued: Timestamp) -> Result<(), StoreError>;
    /// Removes the links of `user` to these issuers and subjects. One change.
    fn delete_identities(&mut self, user: UserId, links: &[IdentityLink]) -> Result<(), StoreError>;
}
