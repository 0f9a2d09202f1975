//! A store in memory: for tests, for trying things out, and for programs whose directory is small.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

use crate::group::{Group, GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::name::NameKey;
use crate::page::{Page, Paged};
use crate::password::PasswordHash;
use crate::ports::{Reach, Reader, Standing, Store, StoreError, Undo, Writer};
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
    _password: Option<PasswordHash>,
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

    fn administrators(&self) -> BTreeSet<UserId> {
        let group = self.group_names.get(&SystemGroup::SystemAdministrators.key());
        group.map(|group| self.members_of(&self.at_or_below(*group))).unwrap_or_default()
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
            system_administrator: self.administrators().contains(&user),
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
        let counted = self.groups.get(&id).map(|group| Group {
            user_count: self.members.get(&id).map_or(0, BTreeSet::len) as u64,
            child_group_count: self.children.get(&id).map_or(0, BTreeSet::len) as u64,
            ..group.clone()
        });
        Ok(counted)
    }

    fn unknown_users(&mut self, ids: &BTreeSet<UserId>) -> Result<BTreeSet<UserId>, StoreError> {
        Ok(ids.iter().filter(|id| !self.accounts.contains_key(id)).copied().collect())
    }

    fn is_effective_member(&mut self, group: GroupId, user: UserId) -> Result<bool, StoreError> {
        Ok(self.members_of(&self.at_or_below(group)).contains(&user))
    }

    fn members(&mut self, group: GroupId, reach: Reach, page: Page) -> Result<Paged<User>, StoreError> {
        let members = match reach {
            Reach::Direct => self.members_of(&BTreeSet::from([group])),
            Reach::Effective => self.members_of(&self.at_or_below(group)),
        };
        let ordered = self.usernames.values().filter(|id| members.contains(id));
        let wanted = ordered.skip(saturating(page.offset())).take(saturating(page.size()));
        let items = wanted.filter_map(|id| self.accounts.get(id)).map(|account| account.user.clone()).collect();
        Ok(Paged { page, total: members.len() as u64, items })
    }

    fn is_at_or_below(&mut self, below: GroupId, above: GroupId) -> Result<bool, StoreError> {
        Ok(self.at_or_below(above).contains(&below))
    }

    fn groups_for_domain(&mut self, domain: &str) -> Result<BTreeSet<GroupId>, StoreError> {
        let joined = self.groups.values().filter(|group| group.auto_membership_email_domains.contains(domain));
        Ok(joined.map(|group| group.id).collect())
    }

    fn has_active_administrator(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let administrators = self.administrators();
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
        self.usernames.insert(user.username.key(), user.id);
        self.identifiers.insert(user.username.key(), user.id);
        self.identifiers.extend(user.email.iter().map(|email| (email.key(), user.id)));
        self.accounts.insert(user.id, Account { user: user.clone(), _password: password.cloned(), stamp });
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

    fn insert_child(&mut self, parent: GroupId, child: GroupId) -> Result<bool, StoreError> {
        Ok(self.children.entry(parent).or_default().insert(child))
    }
}

fn saturating(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
