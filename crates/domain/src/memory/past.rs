//! The past in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::children::walk;
use super::dated::{ByGroup, Dated};
use super::{State, saturating};
use crate::group::{GroupId, GroupName};
use crate::page::{Page, Paged};
use crate::ports::{
    Deleted, Former, FormerGroup, FormerUser, MembershipGraph, PastReader, PastWriter, PathEdge, PathMembership, Reach,
    StoreError,
};
use crate::position::Position;
use crate::time::Timestamp;
use crate::user::UserId;

/// What counted, and who was deleted.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    pub(super) members: Arc<History<UserId>>,
    pub(super) edges: Arc<History<GroupId>>,
    pub(super) users: Arc<BTreeMap<UserId, Deleted<UserId>>>,
    pub(super) groups: Arc<BTreeMap<GroupId, Deleted<GroupId>>>,
}

/// Memberships or edges that ended, and when those that count began, where that was by a date.
#[derive(Clone, Debug)]
pub(super) struct History<Id> {
    begun: BTreeMap<(GroupId, Id), Timestamp>,
    ended: Vec<Counted<Id>>,
}

impl<Id> Default for History<Id> {
    fn default() -> Self {
        Self { begun: BTreeMap::new(), ended: Vec::new() }
    }
}

/// From when until when somebody or something belonged to a group.
#[derive(Clone, Copy, Debug)]
struct Counted<Id> {
    group: GroupId,
    member: Id,
    began: Timestamp,
    ended: Option<Timestamp>,
    by: Option<UserId>,
}

impl<Id: Copy + Ord> History<Id> {
    /// Notes that it began at a date.
    pub(super) fn begin(&mut self, group: GroupId, member: Id, at: Timestamp) {
        self.begun.insert((group, member), at);
    }

    /// Keeps what counted until `at`.
    pub(super) fn end(&mut self, group: GroupId, member: Id, dated: &impl Dated, at: Timestamp) {
        let counted = Counted { ended: Some(at), ..self.present(group, member, dated) };
        self.begun.remove(&(group, member));
        if counted.began < at {
            self.ended.push(counted);
        }
    }

    fn present(&self, group: GroupId, member: Id, dated: &impl Dated) -> Counted<Id> {
        let added = dated.added();
        let began = self.begun.get(&(group, member)).copied().or(added.map(|added| added.at));
        let (began, by) = (began.unwrap_or(Timestamp::EARLIEST), added.and_then(|added| added.by));
        Counted { group, member, began, ended: None, by }
    }

    /// What counted at this moment, where `present` counts now.
    fn at<T: Dated>(&self, present: &ByGroup<Id, T>, at: Timestamp) -> Vec<Counted<Id>> {
        let of = |(group, members): (&GroupId, &BTreeMap<Id, T>)| {
            members.iter().map(|(member, dated)| self.present(*group, *member, dated)).collect::<Vec<_>>()
        };
        let all = self.ended.iter().copied().chain(present.iter().flat_map(of));
        all.filter(|counted| counted.began <= at && counted.ended.is_none_or(|ended| at < ended)).collect()
    }
}

impl State {
    fn edges_at(&self, at: Timestamp) -> Vec<Counted<GroupId>> {
        self.past.edges.at(&self.children.by_parent, at)
    }

    fn memberships_at(&self, at: Timestamp) -> Vec<Counted<UserId>> {
        self.past.members.at(&self.memberships.members, at)
    }

    fn former_user(&self, id: UserId) -> Option<FormerUser> {
        let existing = self.users.get(id).cloned().map(Former::Existing);
        existing.or_else(|| self.past.users.get(&id).cloned().map(Former::Deleted))
    }

    fn former_group(&self, id: GroupId) -> Option<FormerGroup> {
        let existing = self.with_counts(id).map(Former::Existing);
        existing.or_else(|| self.past.groups.get(&id).cloned().map(Former::Deleted))
    }

    fn former_name(&self, id: GroupId) -> Option<GroupName> {
        Some(match self.former_group(id)? {
            Former::Existing(group) => group.name,
            Former::Deleted(group) => GroupName::stored(group.name),
        })
    }
}

/// The group itself and those that `edges` lead down to.
fn at_or_below(group: GroupId, edges: &[Counted<GroupId>]) -> BTreeSet<GroupId> {
    walk(group, |next| edges.iter().filter(|edge| edge.group == next).map(|edge| edge.member).collect())
}

fn page<T>(items: impl Iterator<Item = T>, page: &Page, place: fn(&T) -> Position) -> Paged<T> {
    let mut items: Vec<_> = items.map(|item| (place(&item), item)).collect();
    items.sort_by(|(one, _), (other, _)| one.values().cmp(other.values()));
    let total = items.len() as u64;
    if let Some(position) = page.position() {
        items.retain(|(place, _)| position.precedes(place));
    }
    let (offset, count) = (saturating(page.offset()), saturating(page.lookahead()));
    Paged::new(page, total, items.into_iter().skip(offset).take(count).map(|(_, item)| item).collect(), place)
}

impl PastReader for State {
    fn known_from(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.events.known_from)
    }

    fn deleted_user(&mut self, id: UserId) -> Result<Option<Deleted<UserId>>, StoreError> {
        Ok(self.past.users.get(&id).filter(|_| self.users.get(id).is_none()).cloned())
    }

    fn deleted_group(&mut self, id: GroupId) -> Result<Option<Deleted<GroupId>>, StoreError> {
        Ok(self.past.groups.get(&id).filter(|_| self.groups.name(id).is_none()).cloned())
    }

    fn members_at(
        &mut self,
        group: GroupId,
        reach: Reach,
        at: Timestamp,
        wanted: &Page,
    ) -> Result<Paged<FormerUser>, StoreError> {
        let groups = match reach {
            Reach::Direct => BTreeSet::from([group]),
            Reach::Effective => at_or_below(group, &self.edges_at(at)),
        };
        let members = self.memberships_at(at).into_iter().filter(|counted| groups.contains(&counted.group));
        let members: BTreeSet<UserId> = members.map(|counted| counted.member).collect();
        Ok(page(members.into_iter().filter_map(|id| self.former_user(id)), wanted, FormerUser::place))
    }

    fn groups_at(
        &mut self,
        user: UserId,
        reach: Reach,
        at: Timestamp,
        wanted: &Page,
    ) -> Result<Paged<FormerGroup>, StoreError> {
        let direct = self.memberships_at(at).into_iter().filter(|counted| counted.member == user);
        let mut groups: BTreeSet<GroupId> = direct.map(|counted| counted.group).collect();
        if reach == Reach::Effective {
            let edges = self.edges_at(at);
            let above = |group: GroupId| {
                walk(group, |next| edges.iter().filter(|edge| edge.member == next).map(|edge| edge.group).collect())
            };
            groups = groups.into_iter().flat_map(above).collect();
        }
        Ok(page(groups.into_iter().filter_map(|id| self.former_group(id)), wanted, FormerGroup::place))
    }

    fn membership_graph_at(
        &mut self,
        group: GroupId,
        user: UserId,
        at: Timestamp,
    ) -> Result<MembershipGraph, StoreError> {
        let mut graph = MembershipGraph::default();
        let edges = self.edges_at(at);
        let below = at_or_below(group, &edges);
        for counted in self.memberships_at(at) {
            if counted.member == user && below.contains(&counted.group) {
                let added_by = self.author(counted.by);
                let membership = PathMembership { added: counted.began, added_by, from: None, until: counted.ended };
                graph.memberships.insert(counted.group, membership);
            }
        }
        let leads = |id: &GroupId| at_or_below(*id, &edges).iter().any(|id| graph.memberships.contains_key(id));
        let groups: BTreeSet<GroupId> = below.into_iter().filter(leads).collect();
        let between = edges.iter().filter(|edge| groups.contains(&edge.group) && groups.contains(&edge.member));
        graph.edges =
            between.map(|edge| PathEdge { parent: edge.group, child: edge.member, until: edge.ended }).collect();
        graph.groups = groups.into_iter().filter_map(|id| Some((id, self.former_name(id)?))).collect();
        Ok(graph)
    }
}

impl PastWriter for State {
    fn prune_past(&mut self, most: u32) -> Result<u64, StoreError> {
        let Some(known_from) = self.events.known_from else { return Ok(0) };
        let mut left = most;
        let mut goes = |is_old: bool| {
            let goes = is_old && left > 0;
            left -= u32::from(goes);
            goes
        };
        let is_old = |ended: Option<Timestamp>| ended.is_some_and(|ended| ended <= known_from);
        Arc::make_mut(&mut self.past.members).ended.retain(|counted| !goes(is_old(counted.ended)));
        Arc::make_mut(&mut self.past.edges).ended.retain(|counted| !goes(is_old(counted.ended)));
        Arc::make_mut(&mut self.past.users).retain(|_, user| !goes(user.at < known_from));
        Arc::make_mut(&mut self.past.groups).retain(|_, group| !goes(group.at < known_from));
        Ok(u64::from(most - left))
    }
}
