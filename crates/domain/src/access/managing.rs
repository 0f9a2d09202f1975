//! The groups that a caller manages, as far as they were asked about in a unit of work.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::policy::Managers;
use super::target::Target;
use crate::group::GroupId;
use crate::manager::Management;
use crate::ports::{Reader, StoreError};
use crate::user::UserId;

/// No group has this id, so nobody manages it.
pub(crate) const NO_GROUP: GroupId = GroupId(Uuid::nil());

/// What the store said of each group that it was asked about: how the caller manages it, if they do.
#[derive(Clone, Debug, Default)]
pub(super) struct ManagedGroups(BTreeMap<GroupId, Option<Management>>);

impl ManagedGroups {
    /// Whether `managers` gives `user` a permission on `target`. Asks the store at most once, and not again about the same group.
    pub(super) fn allow<R: Reader + ?Sized>(
        &mut self,
        store: &mut R,
        user: UserId,
        managers: Managers,
        target: Target<'_>,
    ) -> Result<bool, StoreError> {
        let one = |group: Option<GroupId>| BTreeSet::from([group.unwrap_or(NO_GROUP)]);
        // What does not exist costs what is refused otherwise.
        let (groups, others, may_be) = match target {
            Target::Group(group) => (one(group.id), group.other, group.administrators.is_empty()),
            Target::Groups(groups) => (groups.clone(), None, true),
            Target::Membership(group, _) => (one(group), None, true),
            Target::All | Target::User(_) | Target::Account(..) => return Ok(false),
        };
        if managers == Managers::No {
            return Ok(false);
        }
        self.ask(store, user, groups.iter().copied().chain(others))?;
        Ok(may_be
            && groups.iter().all(|group| match self.0.get(group).copied().flatten() {
                Some(Management::FromAbove) => true,
                Some(Management::OfItself) => managers == Managers::AtOrBelow,
                None => false,
            }))
    }

    fn ask<R: Reader + ?Sized>(
        &mut self,
        store: &mut R,
        user: UserId,
        groups: impl Iterator<Item = GroupId>,
    ) -> Result<(), StoreError> {
        let unknown: BTreeSet<GroupId> = groups.filter(|group| !self.0.contains_key(group)).collect();
        if !unknown.is_empty() {
            let managed = store.managed_among(user, &unknown)?;
            self.0.extend(unknown.into_iter().map(|group| (group, managed.get(&group).copied())));
        }
        Ok(())
    }
}
