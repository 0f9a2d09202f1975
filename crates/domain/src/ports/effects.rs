//! What a preview asks: who would be in which groups.

use std::collections::{BTreeMap, BTreeSet};

use super::StoreError;
use crate::group::{GroupId, GroupName};
use crate::time::Timestamp;
use crate::user::{User, UserId};

/// A user, as far as a preview names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The id.
    pub id: UserId,
    /// The username.
    pub username: String,
    /// The email address.
    pub email: Option<String>,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
}

impl From<&User> for Person {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            username: user.username.as_str().to_owned(),
            email: user.email.as_ref().map(|email| email.as_str().to_owned()),
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
        }
    }
}

/// Reads what decides about the effects of a change. Each method is a constant number of statements, however many groups and users there are.
pub trait EffectReader {
    /// `groups` and all groups above them, with their names.
    fn groups_at_or_above(&mut self, groups: &BTreeSet<GroupId>) -> Result<BTreeMap<GroupId, GroupName>, StoreError>;
    /// The groups that `user` is an effective member of, with their names.
    fn effective_groups_of(&mut self, user: UserId) -> Result<BTreeMap<GroupId, GroupName>, StoreError>;
    /// The effective members of any of `groups`.
    fn effective_members_of_any(&mut self, groups: &BTreeSet<GroupId>) -> Result<BTreeSet<UserId>, StoreError>;
    /// How many of `users` are effective members of each of `groups`. Groups of which none is are left out.
    fn count_effective_members_among(
        &mut self,
        groups: &BTreeSet<GroupId>,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<GroupId, u64>, StoreError>;
    /// The first `most` of `users`, by username, who are not effective members of each of `groups`. Groups that have all of them as members
    /// are left out.
    fn first_outsiders(
        &mut self,
        groups: &BTreeSet<GroupId>,
        users: &BTreeSet<UserId>,
        most: usize,
    ) -> Result<BTreeMap<GroupId, Vec<Person>>, StoreError>;
    /// Those of `users` whose account is neither suspended nor expired at `now`.
    fn open_accounts_among(&mut self, users: &BTreeSet<UserId>, now: Timestamp)
    -> Result<BTreeSet<UserId>, StoreError>;
}
