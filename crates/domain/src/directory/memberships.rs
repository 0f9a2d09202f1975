//! What a user belongs to (contract 4.11 and 4.12).

use std::collections::BTreeSet;

use super::{CheckMemberError, Directory, ReadUserError, user_id};
use crate::access::{Caller, Permission};
use crate::group::Group;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Paged;
use crate::ports::Reach;
use crate::search::GroupListing;

impl Directory {
    /// A page of the groups of a user, by name; effective are the direct ones and every group above them. Groups below an
    /// `excluded` one are left out (contract 5.2).
    pub fn groups_of_user(
        &self,
        caller: &Caller,
        user: &UserIdentifier,
        reach: Reach,
        excluded: &[GroupIdentifier],
        listing: &GroupListing,
    ) -> Result<Paged<Group>, ReadUserError> {
        let now = self.clock.now();
        self.read(|directory| {
            let target = user_id(directory, caller, user)?;
            let admitted = self.admit(directory, caller, now)??;
            admitted.may_about_even_before_reset(Permission::ReadUsers, target)?;
            let target = target.ok_or(ReadUserError::UserNotFound)?;
            admitted.may_touch_user(directory, Permission::ReadUsers, target)??;
            let excluded = directory.group_ids(excluded)?;
            Ok(directory.groups_of(target, reach, &excluded, listing)?)
        })
    }

    /// Whether a user belongs to any of the groups that `names` lists, separated by commas; the whole text comes first, as
    /// the name of one group. Unknown groups have no members.
    pub fn is_member_of_any(
        &self,
        caller: &Caller,
        user: &UserIdentifier,
        names: &str,
    ) -> Result<bool, CheckMemberError> {
        let now = self.clock.now();
        self.read(|directory| {
            let target = user_id(directory, caller, user)?;
            let admitted = self.admit(directory, caller, now)??;
            admitted.may_about(Permission::ReadUsers, target)?;
            let target = target.ok_or(CheckMemberError::UserNotFound)?;
            admitted.may_touch_user(directory, Permission::ReadUsers, target)??;
            let whole = directory.group_id(&GroupIdentifier::from(names))?;
            let groups = if let Some(group) = whole {
                BTreeSet::from([group])
            } else {
                let listed = names.split(',').map(str::trim).filter(|name| !name.is_empty());
                directory.group_ids(&listed.map(GroupIdentifier::from).collect::<Vec<_>>())?
            };
            Ok(directory.is_effective_member_of_any(&groups, target)?)
        })
    }
}
