//! A store in memory: for tests, for trying things out, and for programs whose directory is small.

mod reader;
mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use crate::api_key::{ApiKey, ApiKeyId};
use crate::external::IdentityLink;
use crate::group::{Group, GroupId, GroupKind, SystemGroup};
use crate::name::NameKey;
use crate::page::Paged;
use crate::password::PasswordHash;
use crate::ports::{
    Cancellation, KnownAddress, NameSource, Reach, Reader, RefreshGrant, Store, StoreError, Undo, Writer,
};
use crate::search::{Field, GroupListing, Listing, UserListing};
use crate::secret::SecretDigest;
use crate::user::{Email, Lockout, SecurityStamp, User, UserId};

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
    fn reading(&self, _: &Cancellation, work: &mut dyn FnMut(&mut dyn Reader)) -> Result<(), StoreError> {
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

/// A copy shares every map until one of the two changes it: reading costs nothing, writing a copy of what it touches.
#[derive(Clone, Debug, Default)]
struct State {
    accounts: Arc<BTreeMap<UserId, Account>>,
    usernames: Arc<BTreeMap<NameKey, UserId>>,
    identifiers: Arc<BTreeMap<NameKey, (UserId, NameSource)>>,
    groups: Arc<BTreeMap<GroupId, Group>>,
    group_names: Arc<BTreeMap<NameKey, GroupId>>,
    members: Arc<BTreeMap<GroupId, BTreeSet<UserId>>>,
    children: Arc<BTreeMap<GroupId, BTreeSet<GroupId>>>,
    api_keys: Arc<BTreeMap<ApiKeyId, (ApiKey, SecretDigest)>>,
    refresh_tokens: Arc<BTreeMap<SecretDigest, RefreshGrant>>,
    identities: Arc<BTreeMap<(String, String), IdentityLink>>,
    addresses: Arc<BTreeMap<(UserId, SecretDigest), KnownAddress>>,
    /// By place, of which there is a bounded number.
    unknown_lockouts: Arc<BTreeMap<[u8; 2], (SecretDigest, Lockout)>>,
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

    fn page_of_users<'a>(&self, of: impl IntoIterator<Item = &'a UserId>, listing: &UserListing) -> Paged<User> {
        let accounts = of.into_iter().filter_map(|id| self.accounts.get(id));
        page(accounts.map(|account| account.user.clone()), listing)
    }

    fn page_of_groups<'a>(&self, of: impl IntoIterator<Item = &'a GroupId>, listing: &GroupListing) -> Paged<Group> {
        page(of.into_iter().filter_map(|id| self.counted(*id)), listing)
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

    /// The key as it is with its user, whose name and state it has.
    fn with_its_user(&self, key: &ApiKey) -> Option<ApiKey> {
        let user = &self.accounts.get(&key.user)?.user;
        Some(ApiKey { name: user.username.clone(), enabled: !user.suspended, ..key.clone() })
    }

    fn is_external(&self, group: GroupId) -> bool {
        self.groups.get(&group).is_some_and(|group| group.kind == GroupKind::External)
    }

    fn forget_names(&mut self, id: UserId) {
        Arc::make_mut(&mut self.usernames).retain(|_, named| *named != id);
        Arc::make_mut(&mut self.identifiers).retain(|_, (named, _)| *named != id);
    }

    /// Names that are the user's already keep their source.
    fn remember_names(&mut self, user: &User, source: NameSource) {
        let before = Arc::clone(&self.identifiers);
        self.forget_names(user.id);
        Arc::make_mut(&mut self.usernames).insert(user.username.key(), user.id);
        let keys = [Some(user.username.key()), user.email.as_ref().map(Email::key)];
        for key in keys.into_iter().flatten() {
            let kept = before.get(&key).filter(|(named, _)| *named == user.id);
            let source = kept.map_or(source, |(_, source)| *source);
            Arc::make_mut(&mut self.identifiers).insert(key, (user.id, source));
        }
    }
}

/// The page of those that are wanted.
fn page<F: Field>(items: impl Iterator<Item = F::Item>, listing: &Listing<F>) -> Paged<F::Item> {
    let mut wanted: Vec<_> = items.filter(|item| listing.filter.lets_pass(item, listing.now)).collect();
    wanted.sort_by(|one, other| listing.compare(one, other));
    let total = wanted.len() as u64;
    let items = wanted.into_iter().skip(saturating(listing.page.offset())).take(saturating(listing.page.size()));
    Paged { page: listing.page, total, items: items.collect() }
}

/// The place of a name that nobody has, by its digest.
fn place(name: &SecretDigest) -> [u8; 2] {
    [name.0[0], name.0[1]]
}

fn saturating(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
