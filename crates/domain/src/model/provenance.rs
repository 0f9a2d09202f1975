//! Who made something, and when.

use crate::time::Timestamp;
use crate::user::UserId;

/// Who added a member or a child to a group, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Provenance {
    /// When it was added.
    pub at: Timestamp,
    /// The user who added it, who may be deleted since. `None`: nobody who has an account, such as an operator or an external issuer.
    pub by: Option<UserId>,
}

impl Provenance {
    /// Added at this moment by nobody who has an account.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self { at, by: None }
    }
}
