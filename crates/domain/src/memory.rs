//! A store in memory: for tests, for trying things out, and for programs whose directory is small.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

use crate::group::{Group, GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::name::NameKey;
use crate::page::{Page, Paged};
use crate::password::PasswordHash;
use crate::ports::{Children, Reach, Reader, Secrets, Standing, Store, StoreError, Undo, Writer};
use crate::time::Timestamp;
use crate::user::{SecurityStamp, User, UserId};

/// Keeps the directory in memory. Writers take turns, and each works on a copy that becomes the directory if it succeeds.
#[derive(Debug, Default)]
pub struct Memory {
    state: RwLock<State>,
}

impl Memory {
    /// An empty directory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for Memory {
    fn reading(&self, work: &mut dyn FnMut(&mut dyn Reader)) -> Result<(), StoreError> {
        let mut snapshot = self.state.read().unwrap_or_else(PoisonError::into_inner).clone();
        work(&mut snapshot);
        Ok(())
    }

    fn writing(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut draft = state.clone();
        if work(&mut draft).is_ok() {
            *state = draft;
        }
        Ok(())
    }

    fn writing_alone(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.writing(work)
    }
}

#[derive(Clone, Debug)]
struct Account {
    user: User,
    password: Option<PasswordHash>,
    stamp: SecurityStamp,
}

#[derive(Clone, Debug, Default)]
struct State {
    accounts: BTreeMap<UserId, Account>,
    usernames: BTreeMap<NameKey, UserId>,
    identifiers: BTreeMap<NameKey, UserId>,
    groups: BTreeMap<GroupId, Group>,
    group_names: BTreeMap<NameKey, GroupId>,
    members: BTreeMap<GroupId, BTreeSet<UserId>>,
    children: BTreeMap<GroupId, BTreeSet<GroupId>>,
}

impl State {
    /// `group` and every group below it, by a plain walk.
    fn at_or_below(&self, group: GroupId) -> BTreeSet<GroupId> {
        let mut found = BTreeSet::from([group]);
        let mut open = vec![group];
        while let Some(next) = open.pop() {
            for child in self.children.get(&next).into_iter().flatten() {
                if found.insert(*child) {
                    open.push(*child);
                }
            }
        }
        found
    }

    fn members_of(&self, groups: &BTreeSet<GroupId>) -> BTreeSet<UserId> {
        groups.iter().filter_map(|group| self.members.get(group)).flatten().copied().collect()
    }

    /// The effective members of a system group.
    fn effective(&self, group: SystemGroup) -> BTreeSet<UserId> {
        let group = self.group_names.get(&group.key());
        group.map(|group| self.members_of(&self.at_or_below(*group))).unwrap_or_default()
    }

    /// The groups within reach of `group`, itself left out.
    fn below(&self, group: GroupId, reach: Reach) -> BTreeSet<GroupId> {
        match reach {
            Reach::Direct => self.children.get(&group).cloned().unwrap_or_default(),
            Reach::Effective => self.at_or_below(group).into_iter().filter(|below| *below != group).collect(),
        }
    }

    fn within(&self, group: GroupId, reach: Reach) -> BTreeSet<UserId> {
        match reach {
            Reach::Direct => self.members_of(&BTreeSet::from([group])),
            Reach::Effective => self.members_of(&self.at_or_below(group)),
        }
    }

    fn page_of_users(&self, wanted: &BTreeSet<UserId>, page: Page) -> Paged<User> {
        let ordered = self.usernames.values().filter(|id| wanted.contains(id));
        let items = ordered.skip(saturating(page.offset())).take(saturating(page.size()));
        let items = items.filter_map(|id| self.accounts.get(id)).map(|account| account.user.clone()).collect();
        Paged { page, total: wanted.len() as u64, items }
    }

    fn page_of_groups(&self, wanted: &BTreeSet<GroupId>, page: Page) -> Paged<Group> {
        let ordered = self.group_names.values().filter(|id| wanted.contains(id));
        let items = ordered.skip(saturating(page.offset())).take(saturating(page.size()));
        let items = items.filter_map(|id| self.counted(*id)).collect();
        Paged { page, total: wanted.len() as u64, items }
    }

    fn counted(&self, id: GroupId) -> Option<Group> {
        self.groups.get(&id).map(|group| Group {
            user_count: self.members.get(&id).map_or(0, BTreeSet::len) as u64,
            child_group_count: self.children.get(&id).map_or(0, BTreeSet::len) as u64,
            ..group.clone()
        })
    }

    fn without_below(
        &self,
        groups: &BTreeSet<GroupId>,
        excluded: &BTreeSet<GroupId>,
        reach: Reach,
    ) -> BTreeSet<GroupId> {
        let dropped: BTreeSet<GroupId> = excluded.iter().flat_map(|group| self.below(*group, reach)).collect();
        groups - &dropped
    }

    fn forget_names(&mut self, id: UserId) {
        self.usernames.retain(|_, named| *named != id);
        self.identifiers.retain(|_, named| *named != id);
    }

    fn remember_names(&mut self, user: &User) {
        self.usernames.insert(user.username.key(), user.id);
        self.identifiers.insert(user.username.key(), user.id);
        self.identifiers.extend(user.email.iter().map(|email| (email.key(), user.id)));
    }
}

impl Reader for State {
    fn ping(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn standing(&mut self, user: UserId) -> Result<Option<Standing>, StoreError> {
        let standing = self.accounts.get(&user).map(|account| Standing {
            stamp: account.stamp,
            suspended: account.user.suspended,
            locked: account.user.locked,
            expiry: account.user.expiry,
            password_reset_required: account.user.password_reset_required,
            password_change_frequency: account.user.password_change_frequency,
            password_changed: account.user.password_changed,
            system_administrator: self.effective(SystemGroup::SystemAdministrators).contains(&user),
            user_administrator: self.effective(SystemGroup::UserAdministrators).contains(&user),
            group_administrator: self.effective(SystemGroup::GroupAdministrators).contains(&user),
        });
        Ok(standing)
    }

    fn user_id(&mut self, identifier: &UserIdentifier) -> Result<Option<UserId>, StoreError> {
        Ok(match identifier {
            UserIdentifier::Current => None,
            UserIdentifier::Id(id) => self.accounts.get(id).map(|account| account.user.id),
            UserIdentifier::Name(key) => self.identifiers.get(key).copied(),
        })
    }

    fn group_id(&mut self, identifier: &GroupIdentifier) -> Result<Option<GroupId>, StoreError> {
        Ok(match identifier {
            GroupIdentifier::Id(id) => self.groups.get(id).map(|group| group.id),
            GroupIdentifier::Name(key) => self.group_names.get(key).copied(),
        })
    }

    fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.accounts.get(&id).map(|account| account.user.clone()))
    }

    fn group(&mut self, id: GroupId) -> Result<Option<Group>, StoreError> {
        Ok(self.counted(id))
    }

    fn unknown_users(&mut self, ids: &BTreeSet<UserId>) -> Result<BTreeSet<UserId>, StoreError> {
        Ok(ids.iter().filter(|id| !self.accounts.contains_key(id)).copied().collect())
    }

    fn is_effective_member(&mut self, group: GroupId, user: UserId) -> Result<bool, StoreError> {
        Ok(self.members_of(&self.at_or_below(group)).contains(&user))
    }

    fn unknown_groups(&mut self, ids: &BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError> {
        Ok(ids.iter().filter(|id| !self.groups.contains_key(id)).copied().collect())
    }

    fn group_ids(&mut self, identifiers: &[GroupIdentifier]) -> Result<BTreeSet<GroupId>, StoreError> {
        identifiers.iter().filter_map(|identifier| self.group_id(identifier).transpose()).collect()
    }

    fn is_effective_member_of_any(&mut self, groups: &BTreeSet<GroupId>, user: UserId) -> Result<bool, StoreError> {
        Ok(groups.iter().any(|group| self.within(*group, Reach::Effective).contains(&user)))
    }

    fn password(&mut self, user: UserId) -> Result<Option<PasswordHash>, StoreError> {
        Ok(self.accounts.get(&user).and_then(|account| account.password.clone()))
    }

    fn users(&mut self, page: Page) -> Result<Paged<User>, StoreError> {
        Ok(self.page_of_users(&self.accounts.keys().copied().collect(), page))
    }

    fn groups(&mut self, page: Page) -> Result<Paged<Group>, StoreError> {
        Ok(self.page_of_groups(&self.groups.keys().copied().collect(), page))
    }

    fn members(
        &mut self,
        group: GroupId,
        reach: Reach,
        excluded: &BTreeSet<GroupId>,
        page: Page,
    ) -> Result<Paged<User>, StoreError> {
        let dropped: BTreeSet<UserId> = excluded.iter().flat_map(|group| self.within(*group, reach)).collect();
        Ok(self.page_of_users(&(&self.within(group, reach) - &dropped), page))
    }

    fn children(&mut self, group: GroupId, children: &Children, page: Page) -> Result<Paged<Group>, StoreError> {
        let mut wanted = self.below(group, children.reach);
        wanted.extend(children.include_self.then_some(group));
        Ok(self.page_of_groups(&self.without_below(&wanted, &children.excluded, children.reach), page))
    }

    fn groups_of(
        &mut self,
        user: UserId,
        reach: Reach,
        excluded: &BTreeSet<GroupId>,
        page: Page,
    ) -> Result<Paged<Group>, StoreError> {
        let direct = self.groups.keys().filter(|group| self.within(**group, reach).contains(&user));
        let wanted = direct.copied().collect();
        Ok(self.page_of_groups(&self.without_below(&wanted, excluded, reach), page))
    }

    fn child_towards(&mut self, from: GroupId, to: GroupId) -> Result<Option<GroupId>, StoreError> {
        let children = self.children.get(&from).into_iter().flatten();
        Ok(children.copied().find(|child| self.at_or_below(*child).contains(&to)))
    }

    fn at_or_above_among(
        &mut self,
        below: GroupId,
        groups: &BTreeSet<GroupId>,
    ) -> Result<BTreeSet<GroupId>, StoreError> {
        Ok(groups.iter().filter(|group| self.at_or_below(**group).contains(&below)).copied().collect())
    }

    fn groups_for_domain(&mut self, domain: &str) -> Result<BTreeSet<GroupId>, StoreError> {
        let joined = self.groups.values().filter(|group| group.auto_membership_email_domains.contains(domain));
        Ok(joined.map(|group| group.id).collect())
    }

    fn has_active_administrator(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let administrators = self.effective(SystemGroup::SystemAdministrators);
        let mut accounts = administrators.iter().filter_map(|id| self.accounts.get(id));
        Ok(accounts.any(|account| !account.user.is_suspended(now) && !account.user.locked))
    }

    fn has_users(&mut self) -> Result<bool, StoreError> {
        Ok(!self.accounts.is_empty())
    }
}

impl Writer for State {
    fn insert_user(
        &mut self,
        user: &User,
        password: Option<&PasswordHash>,
        stamp: SecurityStamp,
    ) -> Result<(), StoreError> {
        self.remember_names(user);
        self.accounts.insert(user.id, Account { user: user.clone(), password: password.cloned(), stamp });
        Ok(())
    }

    fn insert_group(&mut self, group: &Group) -> Result<(), StoreError> {
        self.group_names.insert(group.name.key(), group.id);
        self.groups.insert(group.id, group.clone());
        Ok(())
    }

    fn insert_members(&mut self, group: GroupId, users: &BTreeSet<UserId>, _at: Timestamp) -> Result<u64, StoreError> {
        let members = self.members.entry(group).or_default();
        let before = members.len();
        members.extend(users);
        Ok((members.len() - before) as u64)
    }

    fn remove_member(&mut self, group: GroupId, user: UserId) -> Result<bool, StoreError> {
        Ok(self.members.get_mut(&group).is_some_and(|members| members.remove(&user)))
    }

    fn insert_children(&mut self, parent: GroupId, children: &BTreeSet<GroupId>) -> Result<u64, StoreError> {
        let present = self.children.entry(parent).or_default();
        let before = present.len();
        present.extend(children);
        Ok((present.len() - before) as u64)
    }

    fn remove_child(&mut self, parent: GroupId, child: GroupId) -> Result<bool, StoreError> {
        Ok(self.children.get_mut(&parent).is_some_and(|children| children.remove(&child)))
    }

    fn user_to_change(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        self.user(id)
    }

    fn group_to_change(&mut self, id: GroupId) -> Result<Option<Group>, StoreError> {
        self.group(id)
    }

    fn update_user(&mut self, user: &User, secrets: &Secrets) -> Result<(), StoreError> {
        self.forget_names(user.id);
        self.remember_names(user);
        if let Some(account) = self.accounts.get_mut(&user.id) {
            account.user = User { version: user.version.next(), ..user.clone() };
            account.stamp = secrets.stamp.unwrap_or(account.stamp);
            account.password = secrets.password.clone().or(account.password.take());
        }
        Ok(())
    }

    fn update_group(&mut self, group: &Group) -> Result<(), StoreError> {
        self.group_names.retain(|_, named| *named != group.id);
        self.group_names.insert(group.name.key(), group.id);
        self.groups.insert(group.id, Group { version: group.version.next(), ..group.clone() });
        Ok(())
    }

    fn delete_user(&mut self, id: UserId) -> Result<(), StoreError> {
        self.forget_names(id);
        self.accounts.remove(&id);
        for members in self.members.values_mut() {
            members.remove(&id);
        }
        Ok(())
    }

    fn delete_group(&mut self, id: GroupId) -> Result<(), StoreError> {
        self.group_names.retain(|_, named| *named != id);
        self.groups.remove(&id);
        self.members.remove(&id);
        self.children.remove(&id);
        for children in self.children.values_mut() {
            children.remove(&id);
        }
        Ok(())
    }
}

fn saturating(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
