//! What a change would do, as it is found out while the change is made and undone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::group::{GroupId, GroupName, SystemGroup};
use crate::ports::{Person, Reader, StoreError};
use crate::time::Timestamp;
use crate::user::UserId;

/// What a change would do to effective memberships.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// The groups whose effective members would change: first the largest change, then by name.
    pub groups: Vec<GroupEffect>,
    /// Whether there are more than these.
    pub truncated: bool,
    /// How many other groups would change, which the actor does not manage. `None`: the actor may read all groups.
    pub other_groups: Option<u64>,
    /// The first of those who could administer afterwards and cannot now, by username.
    pub administrators_gained: Vec<Person>,
    /// The first of those who can administer now and could not afterwards, by username.
    pub administrators_lost: Vec<Person>,
}

impl Effects {
    /// The most groups that are named.
    pub const MOST_GROUPS: usize = 1000;
    /// The most users that are named for each group, of those who would come and of those who would go.
    pub const MOST_USERS: usize = 20;
}

/// What a change would do to the effective members of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupEffect {
    /// The group.
    pub id: GroupId,
    /// Its name.
    pub name: GroupName,
    /// How many would become effective members.
    pub users_gained: u64,
    /// How many would be effective members no more.
    pub users_lost: u64,
    /// The first of those who would come, by username.
    pub gained: Vec<Person>,
    /// The first of those who would go, by username.
    pub lost: Vec<Person>,
}

/// Whether users come or go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Gained,
    Lost,
}

/// Users who join a group.
#[derive(Clone, Debug)]
pub(crate) enum Joining {
    /// These users.
    Users(BTreeSet<UserId>),
    /// The effective members of these groups.
    MembersOf(BTreeSet<GroupId>),
}

/// Collects the effects of changes. All that add come before all that take away, so what is gained by one is not lost by another.
#[derive(Debug)]
pub(crate) struct PreviewLog {
    now: Timestamp,
    /// The actor who is told of the groups alone that they manage, if it is such a one.
    manager: Option<UserId>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Looked at after the change was undone: who is not in a group that they join would be gained by it.
    joins: Vec<(GroupId, Joining)>,
    groups: BTreeMap<GroupId, GroupEffect>,
    others: BTreeSet<GroupId>,
    truncated: bool,
    administrators: [BTreeMap<UserId, Person>; 2],
}

impl PreviewLog {
    pub(crate) fn at(now: Timestamp, manager: Option<UserId>) -> Self {
        Self { now, manager, state: Mutex::default() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Forgets everything: the change is made again from the start.
    pub(crate) fn clear(&self) {
        *self.state() = State::default();
    }

    /// Notes that users join `group`.
    pub(crate) fn joins(&self, group: GroupId, who: Joining) {
        self.state().joins.push((group, who));
    }

    /// Notes that `person` comes into `groups` or goes from them, and whether their account is open.
    pub(crate) fn moves(
        &self,
        store: &mut dyn Reader,
        direction: Direction,
        (person, is_open): (&Person, bool),
        groups: BTreeMap<GroupId, GroupName>,
    ) -> Result<(), StoreError> {
        let administrators = administrators(store)?;
        if is_open && administrators.is_some_and(|group| groups.contains_key(&group)) {
            self.administers(direction, [person.clone()]);
        }
        let shown = self.shown(store, groups.keys().copied().collect())?;
        for (group, name) in groups.into_iter().filter(|(group, _)| shown.contains(group)) {
            self.state().add(direction, (group, name), 1, vec![person.clone()]);
        }
        Ok(())
    }

    /// Notes those of `users` who are not effective members of each of `groups`.
    pub(crate) fn outsiders(
        &self,
        store: &mut dyn Reader,
        direction: Direction,
        groups: BTreeMap<GroupId, GroupName>,
        users: &BTreeSet<UserId>,
    ) -> Result<(), StoreError> {
        if users.is_empty() {
            return Ok(());
        }
        if let Some(group) = administrators(store)?.filter(|group| groups.contains_key(group)) {
            let open = store.open_accounts_among(users, self.now)?;
            let found = store.first_outsiders(&BTreeSet::from([group]), &open, Effects::MOST_USERS)?;
            self.administers(direction, found.into_values().flatten());
        }
        let inside = store.count_effective_members_among(&groups.keys().copied().collect(), users)?;
        let outside = |group: &GroupId| users.len() as u64 - inside.get(group).copied().unwrap_or_default();
        let mut changed: Vec<_> = groups.into_iter().map(|(id, name)| (outside(&id), id, name)).collect();
        changed.retain(|(count, ..)| *count > 0);
        let shown = self.shown(store, changed.iter().map(|(_, id, _)| *id).collect())?;
        changed.retain(|(_, id, _)| shown.contains(id));
        changed.sort_by_cached_key(|(count, _, name)| (std::cmp::Reverse(*count), name.key()));
        self.state().truncated |= changed.len() > Effects::MOST_GROUPS;
        changed.truncate(Effects::MOST_GROUPS);
        // Of all groups that nobody of them is in, the first outsiders are the same.
        let nobody_in = changed.iter().find(|(count, ..)| *count == users.len() as u64).map(|(_, id, _)| *id);
        let some_in = changed.iter().filter(|(count, ..)| *count < users.len() as u64).map(|(_, id, _)| *id);
        let asked: BTreeSet<GroupId> = some_in.chain(nobody_in).collect();
        let found = store.first_outsiders(&asked, users, Effects::MOST_USERS)?;
        for (count, id, name) in changed {
            let like = found.get(&id).or_else(|| found.get(&nobody_in?));
            self.state().add(direction, (id, name), count, like.cloned().unwrap_or_default());
        }
        Ok(())
    }

    /// Those of `groups`, which would change, that the actor is told of. The others are counted.
    fn shown(&self, store: &mut dyn Reader, groups: BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError> {
        let Some(manager) = self.manager.filter(|_| !groups.is_empty()) else { return Ok(groups) };
        let shown: BTreeSet<_> = store.managed_among(manager, &groups)?.into_keys().collect();
        self.state().others.extend(&groups - &shown);
        Ok(shown)
    }

    /// Notes that all of `users` go from `group`, which is there no more.
    pub(crate) fn loses_all(&self, (group, name): (GroupId, GroupName), count: u64, first: Vec<Person>) {
        if count > 0 {
            self.state().add(Direction::Lost, (group, name), count, first);
        }
    }

    /// Notes who comes to administer, or does so no more.
    pub(crate) fn administers(&self, direction: Direction, people: impl IntoIterator<Item = Person>) {
        if self.manager.is_some() {
            return;
        }
        let mut state = self.state();
        state.administrators[direction as usize].extend(people.into_iter().map(|person| (person.id, person)));
    }

    /// All effects. `store` is as it was before the change.
    pub(crate) fn effects(&self, store: &mut dyn Reader) -> Result<Effects, StoreError> {
        let joins = std::mem::take(&mut self.state().joins);
        for (group, who) in joins {
            let users = match who {
                Joining::Users(users) => users,
                Joining::MembersOf(groups) => store.effective_members_of_any(&groups)?,
            };
            let above = store.groups_at_or_above(&BTreeSet::from([group]))?;
            self.outsiders(store, Direction::Gained, above, &users)?;
        }
        let State { groups, others, mut truncated, administrators, .. } = std::mem::take(&mut *self.state());
        let mut groups: Vec<_> = groups.into_values().collect();
        let size = |group: &GroupEffect| group.users_gained + group.users_lost;
        groups.sort_by_cached_key(|group| (std::cmp::Reverse(size(group)), group.name.key()));
        truncated |= groups.len() > Effects::MOST_GROUPS;
        groups.truncate(Effects::MOST_GROUPS);
        let [administrators_gained, administrators_lost] =
            administrators.map(|people| first(people.into_values().collect()));
        let other_groups = self.manager.map(|_| others.len() as u64);
        Ok(Effects { groups, truncated, other_groups, administrators_gained, administrators_lost })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, direction: Direction, (id, name): (GroupId, GroupName), count: u64, people: Vec<Person>) {
        let effect = self.groups.entry(id).or_insert_with(|| GroupEffect {
            id,
            name,
            users_gained: 0,
            users_lost: 0,
            gained: Vec::new(),
            lost: Vec::new(),
        });
        let (number, named) = match direction {
            Direction::Gained => (&mut effect.users_gained, &mut effect.gained),
            Direction::Lost => (&mut effect.users_lost, &mut effect.lost),
        };
        *number += count;
        named.extend(people);
        *named = first(std::mem::take(named));
    }
}

/// The first of these people, by username.
fn first(mut people: Vec<Person>) -> Vec<Person> {
    people.sort_by_cached_key(|person| crate::name::NameKey::of(&person.username));
    people.truncate(Effects::MOST_USERS);
    people
}

/// The group whose effective members administer.
pub(crate) fn administrators(store: &mut dyn Reader) -> Result<Option<GroupId>, StoreError> {
    store.group_id(&SystemGroup::SystemAdministrators.identifier())
}
