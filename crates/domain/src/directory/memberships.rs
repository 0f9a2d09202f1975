//! Memberships with their dates, and what a user belongs to (contract 4.11, 4.12 and 5.9).

use super::members::fields_are_shown;
use super::opening::about_group;
use super::{Directory, ReadGroupError, ReadUserError};
use crate::access::{Grant, Permission};
use crate::context::Context;
use crate::group::Group;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Paged;
use crate::ports::{CheckedGroups, ChildScope, ListedMember, Member, MembershipListing, NamedGroup, Person, Reach};
use crate::search::{GroupField, GroupListing, UserField};

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

    /// A page of the direct memberships of `group`, with those that begin later.
    pub fn memberships_of_group(
        &self,
        context: &Context,
        group: &GroupIdentifier,
        listing: &MembershipListing<UserField>,
    ) -> Result<Paged<ListedMember<Person>>, ReadGroupError> {
        self.read_about(context, about_group(group, Member::Unnamed), |work, found| {
            let grant = work.authorise(Permission::ReadGroups, found.target())?;
            let group = found.group.ok_or(ReadGroupError::GroupNotFound)?;
            if grant == Grant::AsManager {
                fields_are_shown(listing.filter.fields().into_iter())?;
            }
            Ok(work.memberships_of_group(group, listing)?)
        })
    }

    /// A page of the direct memberships of a user, with those that begin later.
    pub fn memberships_of_user(
        &self,
        context: &Context,
        user: &UserIdentifier,
        listing: &MembershipListing<GroupField>,
    ) -> Result<Paged<ListedMember<Person>>, ReadUserError> {
        self.read_user(context, Permission::ReadUsers, user, |work, user| {
            let user = user.ok_or(ReadUserError::UserNotFound)?;
            Ok(work.memberships_of_user(user.id, listing)?)
        })
    }

    /// A page of the edges from `group` to its children, with those that begin later. Managers do not see children that make administrators.
    pub fn edges_of_group(
        &self,
        context: &Context,
        group: &GroupIdentifier,
        listing: &MembershipListing<GroupField>,
    ) -> Result<Paged<ListedMember<NamedGroup>>, ReadGroupError> {
        self.read_about(context, about_group(group, Member::Unnamed), |work, found| {
            let grant = work.authorise(Permission::ReadGroups, found.target())?;
            let group = found.group.ok_or(ReadGroupError::GroupNotFound)?;
            let scope = if grant == Grant::AsManager { ChildScope::Managed } else { ChildScope::All };
            Ok(work.edges_of_group(group, scope, listing)?)
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
