//! What responses say of users, groups and memberships, for whoever shows them elsewhere in the same form.

use guildhall_domain::directory::Explanation;
use guildhall_domain::group::Group;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::User;
use serde_json::{Value, to_value};

use crate::security::explanations::body::ExplanationBody;
use crate::security::groups::body::GroupBody;
use crate::security::users::body::UserBody;

/// A user, with the status at `now` (contract 3.3).
///
/// # Errors
///
/// A custom property that JSON cannot say.
pub fn user(user: &User, now: Timestamp) -> serde_json::Result<Value> {
    to_value(UserBody::new(user, now))
}

/// A group (contract 3.5).
///
/// # Errors
///
/// A custom property that JSON cannot say.
pub fn group(group: &Group) -> serde_json::Result<Value> {
    to_value(GroupBody::from(group))
}

/// Why a user is in a group (contract 5.7 of the service's own routes).
///
/// # Errors
///
/// None is known: everything in it is text, numbers and moments.
pub fn explanation(explanation: &Explanation) -> serde_json::Result<Value> {
    to_value(ExplanationBody::from(explanation))
}
