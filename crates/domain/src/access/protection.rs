//! Targets that a delegate's permission does not extend to.

use std::collections::BTreeSet;

use super::policy::Protected;
use super::target::Target;
use crate::group::{GroupId, SystemGroup};
use crate::ports::{Reader, StoreError};
use crate::user::UserId;

/// Whether `protected` keeps the permission of the delegate `caller` from `target`.
pub(super) fn is_protected<R: Reader + ?Sized>(
    store: &mut R,
    caller: UserId,
    protected: Protected,
    target: Target<'_>,
) -> Result<bool, StoreError> {
    let mut status = || match target {
        Target::User(user) | Target::Membership(_, Some(user)) => store.account_status(user),
        Target::Account(_, status) => Ok(Some(status.clone())),
        Target::All | Target::Group(_) | Target::Groups(_) | Target::Membership(_, None) => Ok(None),
    };
    Ok(match (protected, target) {
        (
            Protected::AdministratorsAndApiKeys,
            Target::User(user) | Target::Account(user, _) | Target::Membership(_, Some(user)),
        ) if user != caller => status()?.is_some_and(|status| status.administers() || status.api_key.is_some()),
        (Protected::AdministeringApiKeys, Target::User(_) | Target::Account(..)) => status()?.is_some_and(|status| {
            status.system_administrator || status.user_administrator || status.group_administrator
        }),
        (Protected::AdministratorsGroups, Target::Group(group)) => !group.administrators.is_empty(),
        (Protected::GroupsAboveAdministrators, Target::Groups(groups)) => are_above_administrators(store, groups)?,
        _ => false,
    })
}

/// Whether any of `groups` is an administrators' group or above one.
fn are_above_administrators<R: Reader + ?Sized>(store: &mut R, groups: &BTreeSet<GroupId>) -> Result<bool, StoreError> {
    for group in store.group_ids(&SystemGroup::ADMINISTRATORS.map(SystemGroup::identifier))? {
        if !store.at_or_above_among(group, groups)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}
