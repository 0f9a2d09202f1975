//! Links between users and the subjects of external issuers.

use super::StoreError;
use crate::external::IdentityLink;
use crate::time::Timestamp;
use crate::user::UserId;

/// Reads links to external issuers.
pub trait IdentityReader {
    /// The link of a subject of an issuer.
    fn identity(&mut self, issuer: &str, subject: &str) -> Result<Option<IdentityLink>, StoreError>;
    /// The links of a user, sorted by issuer and subject.
    fn identities_of(&mut self, user: UserId) -> Result<Vec<IdentityLink>, StoreError>;
}

/// Changes links to external issuers.
pub trait IdentityWriter {
    /// Links a subject of an issuer, which is not linked yet, to a user.
    fn insert_identity(&mut self, link: &IdentityLink) -> Result<(), StoreError>;
    /// Stores when the latest token of a subject was issued.
    fn set_latest_token(&mut self, issuer: &str, subject: &str, issued: Timestamp) -> Result<(), StoreError>;
    /// Removes a link.
    fn delete_identity(&mut self, issuer: &str, subject: &str) -> Result<(), StoreError>;
}
