//! What a user belongs to (contract 4.11 and 4.12).

use super::{Directory, ReadUserError};
use crate::access::{Grant, Permission};
use crate::context::Context;
use crate::group::Group;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Paged;
use crate::ports::{CheckedGroups, Reach};
use crate::search::GroupListing;

impl Directory<'_> {
    /// A page of the groups of a user, by name; effective are the direct ones and every group above them. Groups below an
    /// `excluded` one are left out (contract 5.2).
    pub fn groups_of_user(
        &self,
        context: &Context,
        user: &UserIdentifier,
        reach: Reach,
        excluded: &[GroupIdentifier],
        listing: &GroupListing,
    ) -> Result<Paged<Group>, ReadUserError> {
        self.read_user(context, Permission::ReadUsers, user, |work, user| {
            let user = user.ok_or(ReadUserError::UserNotFound)?;
            let excluded = work.excluded_groups(excluded, Grant::Whole)?;
            Ok(work.groups_of(user.id, reach, &excluded, listing)?)
        })
    }

    /// Whether a user belongs to any of the groups that `names` lists, separated by commas; the whole text is tried first, as
    /// the name of one group. Unknown groups have no members.
    pub fn is_member_of_any(
        &self,
        context: &Context,
        user: &UserIdentifier,
        names: &str,
    ) -> Result<bool, ReadUserError> {
        let whole = GroupIdentifier::from(names);
        let listed = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        let listed: Vec<_> = listed.map(GroupIdentifier::from).collect();
        let groups = CheckedGroups::FirstOf { whole: &whole, listed: &listed };
        let answer: Result<_, ReadUserError> = self.check(context, Permission::CheckMemberships, user, &groups);
        let answer = answer?;
        if answer.user.is_none() {
            return Err(ReadUserError::UserNotFound);
        }
        Ok(answer.is_member)
    }
}
