//! Many checks of memberships at once.

use std::collections::BTreeSet;

use super::Directory;
use super::unit_of_work::Reading;
use crate::access::{Denied, Permission, Refused, Target};
use crate::context::Context;
use crate::group::GroupId;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::name::NameKey;
use crate::ports::StoreError;
use crate::user::UserId;

/// The question whether a user belongs to a group or to any group below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipCheck {
    /// The user.
    pub user: UserIdentifier,
    /// The group.
    pub group: GroupIdentifier,
}

/// The answer to a [`MembershipCheck`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckedMembership {
    /// Whether the user is an effective member of the group.
    pub member: bool,
    /// Whether there is such a user.
    pub user_found: bool,
    /// Whether there is such a group.
    pub group_found: bool,
}

/// The ids that a check is about; `None` for a name that nobody has. An id was not looked up.
type Pair = (Option<UserId>, Option<GroupId>);

impl Directory<'_> {
    /// Whether each user belongs to the group or to any group below it, in the order of `checks`. Unknown users belong to no group,
    /// and unknown groups have no members. All answers are about one state.
    ///
    /// System Administrators may ask about anybody, managers about anybody in the groups that they manage, and everybody about themselves: by
    /// `@current`, their id, username or email address.
    ///
    /// # Errors
    ///
    /// When the actor lacks the permission, or the store failed.
    pub fn check_memberships(&self, context: &Context, checks: &[MembershipCheck]) -> Result<Vec<bool>, Refused> {
        self.read(context, |work| {
            authorise(work, checks)?;
            let pairs = pairs_of(work, checks)?;
            Ok(are_members(work, &pairs)?)
        })
    }

    /// The same, with whether each user and each group exists.
    ///
    /// # Errors
    ///
    /// As for [`check_memberships`](Self::check_memberships).
    pub fn check_memberships_in_detail(
        &self,
        context: &Context,
        checks: &[MembershipCheck],
    ) -> Result<Vec<CheckedMembership>, Refused> {
        self.read(context, |work| {
            authorise(work, checks)?;
            let pairs = pairs_of(work, checks)?;
            let members = are_members(work, &pairs)?;
            let unknown_users = work.unknown_users(&pairs.iter().filter_map(|(user, _)| *user).collect())?;
            let unknown_groups = work.unknown_groups(&pairs.iter().filter_map(|(_, group)| *group).collect())?;
            let answer = |((user, group), member): (&Pair, bool)| CheckedMembership {
                member,
                user_found: user.is_some_and(|user| !unknown_users.contains(&user)),
                group_found: group.is_some_and(|group| !unknown_groups.contains(&group)),
            };
            Ok(pairs.iter().zip(members).map(answer).collect())
        })
    }
}

/// Fails unless the actor may ask all of `checks`. Managers ask about the groups that they manage, and like everybody about themselves. What a
/// caller may not ask about costs them the same, whether it exists or not.
fn authorise(work: &mut Reading<'_>, checks: &[MembershipCheck]) -> Result<(), Refused> {
    match work.authorise(Permission::CheckManyMemberships, Target::All) {
        Err(Refused::Denied(Denied::NotPermitted)) => {}
        outcome => return outcome.map(drop),
    }
    let others = about_others(work, checks)?;
    if others.is_empty() {
        let oneself = work.actor.user();
        return work.authorise(Permission::CheckManyMemberships, oneself.into()).map(drop);
    }
    let groups = work.each_group(others.into_iter().map(|check| &check.group))?;
    work.authorise(Permission::CheckManyMemberships, Target::Groups(&groups)).map(drop)
}

/// Those of `checks` that do not name the actor. Names are compared with the actor's own, and looked up nowhere else.
fn about_others<'c>(
    work: &mut Reading<'_>,
    checks: &'c [MembershipCheck],
) -> Result<Vec<&'c MembershipCheck>, StoreError> {
    let Some(oneself) = work.actor.user() else { return Ok(checks.iter().collect()) };
    let has_names = checks.iter().any(|check| check.user.name().is_some());
    let own = if has_names { work.user(oneself)?.map(|user| user.name_keys()) } else { None };
    let own = own.unwrap_or_default();
    let is_of_another = |check: &&MembershipCheck| match &check.user {
        UserIdentifier::Current => false,
        UserIdentifier::Id(id) => *id != oneself,
        UserIdentifier::Name(name) => !own.contains(name),
    };
    Ok(checks.iter().filter(is_of_another).collect())
}

/// The ids that `checks` are about, in their order.
fn pairs_of(work: &mut Reading<'_>, checks: &[MembershipCheck]) -> Result<Vec<Pair>, StoreError> {
    let users = work.users_named(&names(checks.iter().filter_map(|check| check.user.name())))?;
    let groups = work.groups_named(&names(checks.iter().filter_map(|check| check.group.name())))?;
    let oneself = work.actor.user();
    let pair = |check: &MembershipCheck| {
        let user = match &check.user {
            UserIdentifier::Current => oneself,
            UserIdentifier::Id(id) => Some(*id),
            UserIdentifier::Name(name) => users.get(name).copied(),
        };
        let group = match &check.group {
            GroupIdentifier::Id(id) => Some(*id),
            GroupIdentifier::Name(name) => groups.get(name).copied(),
        };
        (user, group)
    };
    Ok(checks.iter().map(pair).collect())
}

/// The names that somebody or something could have.
fn names<'n>(names: impl Iterator<Item = &'n NameKey>) -> BTreeSet<&'n NameKey> {
    names.filter(|name| !name.is_empty() && !name.is_too_long()).collect()
}

/// Whether each of `pairs` is an effective membership.
fn are_members(work: &mut Reading<'_>, pairs: &[Pair]) -> Result<Vec<bool>, StoreError> {
    let known = pairs.iter().filter_map(|(user, group)| user.zip(*group)).collect();
    let members = work.effective_memberships_among(&known)?;
    Ok(pairs.iter().map(|(user, group)| user.zip(*group).is_some_and(|pair| members.contains(&pair))).collect())
}
