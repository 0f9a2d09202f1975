//! What others than administrators see of a user.

use super::{Email, User, UserId, Username};

/// What a manager of groups sees of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSummary {
    /// The id.
    pub id: UserId,
    /// The username.
    pub username: Username,
    /// The email address.
    pub email: Option<Email>,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
}

impl From<User> for UserSummary {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            username: user.username,
            email: user.email,
            first_name: user.first_name,
            last_name: user.last_name,
        }
    }
}

/// A user, as far as somebody may see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShownUser {
    /// Everything.
    Whole(Box<User>),
    /// Names and address.
    Summary(UserSummary),
}
