//! The past: what ended, and who was deleted. Questions read all of it: an example has little.

use std::collections::BTreeSet;

use guildhall_domain::group::{GroupId, GroupName};
use guildhall_domain::manager::ManagerId;
use guildhall_domain::page::{Page, Paged};
use guildhall_domain::ports::{
    Deleted, Former, FormerGroup, FormerUser, MembershipGraph, PastReader, PastWriter, PathEdge, PathMembership, Reach,
    StoreError,
};
use guildhall_domain::position::Position;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::children::{CHILDREN, walk};
use super::dates::{DatesKey, key};
use super::events::CHECKPOINT;
use super::memberships::MEMBERS;
use super::relation::Relation;
use super::tables::{Changes, Rows, Tables};
use super::{UnitOfWork, window};

/// A group, the kind of a member, its id, and when it ended and began.
type PastKey = (Uuid, u8, Uuid, i64, i64);

/// Memberships and edges that ended.
pub(super) const PAST: Rows<PastKey, PastRow> = Rows::new("what ended");
/// When what counts began, where that was by a date.
pub(super) const BEGUN: Rows<DatesKey, i64> = Rows::new("what began by a date");
pub(super) const DELETED_USERS: Rows<Uuid, DeletedRow> = Rows::new("deleted users");
pub(super) const DELETED_GROUPS: Rows<Uuid, DeletedRow> = Rows::new("deleted groups");

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct PastRow {
    group: Uuid,
    kind: u8,
    member: Uuid,
    began: i64,
    ended: Option<i64>,
    by: Option<Uuid>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct DeletedRow {
    id: Uuid,
    name: String,
    at: i64,
}

impl DeletedRow {
    fn with<Id>(self, id: Id) -> Deleted<Id> {
        Deleted { id, name: self.name, at: Timestamp::from_milliseconds(self.at) }
    }
}

impl PastRow {
    fn key(&self) -> PastKey {
        (self.group, self.kind, self.member, self.ended.unwrap_or(i64::MAX), self.began)
    }

    fn group(&self) -> GroupId {
        GroupId(self.group)
    }

    fn ended(&self) -> Option<Timestamp> {
        self.ended.map(Timestamp::from_milliseconds)
    }
}

/// The relation that a member of this kind is in.
fn relation(member: ManagerId) -> Relation {
    match member {
        ManagerId::User(_) => MEMBERS,
        ManagerId::Group(_) => CHILDREN,
    }
}

impl<T: Tables> UnitOfWork<T> {
    /// What counts at present.
    fn present(&self, group: GroupId, member: ManagerId) -> Result<Option<PastRow>, StoreError> {
        let (group, kind, member_id) = key(group, member);
        let Some(pair) = relation(member).pair(&self.0, group, member_id)? else { return Ok(None) };
        let begun = BEGUN.get(&self.0, (group, kind, member_id))?;
        let added = pair.added.map_or(Timestamp::EARLIEST, |added| added.at).milliseconds();
        let by = pair.added.and_then(|added| added.by).map(|user| user.0);
        Ok(Some(PastRow { group, kind, member: member_id, began: begun.unwrap_or(added), ended: None, by }))
    }

    /// The memberships, or the edges, that counted at this moment.
    fn counted(&self, of_users: bool, at: Timestamp) -> Result<Vec<PastRow>, StoreError> {
        let member = |id| if of_users { ManagerId::User(UserId(id)) } else { ManagerId::Group(GroupId(id)) };
        let (_, kind, _) = key(GroupId(Uuid::nil()), member(Uuid::nil()));
        let mut rows = PAST.all(&self.0)?;
        rows.retain(|row| row.kind == kind);
        for (group, id) in relation(member(Uuid::nil())).all(&self.0)? {
            rows.extend(self.present(GroupId(group), member(id))?);
        }
        let at = at.milliseconds();
        rows.retain(|row| row.began <= at && row.ended.is_none_or(|ended| at < ended));
        Ok(rows)
    }

    fn former_user(&self, id: Uuid) -> Result<Option<FormerUser>, StoreError> {
        if let Some(user) = self.load_user(UserId(id))? {
            return Ok(Some(Former::Existing(user)));
        }
        Ok(DELETED_USERS.get(&self.0, id)?.map(|row| Former::Deleted(row.with(UserId(id)))))
    }

    fn former_group(&self, id: Uuid) -> Result<Option<FormerGroup>, StoreError> {
        if let Some(group) = self.load_group(GroupId(id))? {
            return Ok(Some(Former::Existing(group)));
        }
        Ok(DELETED_GROUPS.get(&self.0, id)?.map(|row| Former::Deleted(row.with(GroupId(id)))))
    }
}

impl UnitOfWork<Changes> {
    /// Notes that a membership or an edge began at a date.
    pub(super) fn keep_beginning(&self, group: GroupId, member: ManagerId, at: Timestamp) -> Result<(), StoreError> {
        BEGUN.put(&self.0, key(group, member), &at.milliseconds()).map(drop)
    }

    /// Keeps a membership or an edge that ends at this moment, before it is removed.
    pub(super) fn keep_past(&self, group: GroupId, member: ManagerId, at: Timestamp) -> Result<(), StoreError> {
        let Some(row) = self.present(group, member)? else { return Ok(()) };
        BEGUN.remove(&self.0, key(group, member))?;
        self.keep_row(&PastRow { ended: Some(at.milliseconds()), ..row })
    }

    /// Keeps one that ended before anybody could see it begin.
    pub(super) fn keep_term(
        &self,
        group: GroupId,
        member: ManagerId,
        (began, ended): (Timestamp, Timestamp),
        by: Option<UserId>,
    ) -> Result<(), StoreError> {
        let (group, kind, member) = key(group, member);
        let (began, ended) = (began.milliseconds(), Some(ended.milliseconds()));
        self.keep_row(&PastRow { group, kind, member, began, ended, by: by.map(|user| user.0) })
    }

    fn keep_row(&self, row: &PastRow) -> Result<(), StoreError> {
        if row.ended.is_some_and(|ended| row.began < ended) {
            PAST.put(&self.0, row.key(), row)?;
        }
        Ok(())
    }

    /// Keeps the name and the memberships of a user who is deleted.
    pub(super) fn keep_user(&self, id: UserId, name: &str, at: Timestamp) -> Result<(), StoreError> {
        let row = DeletedRow { id: id.0, name: name.to_owned(), at: at.milliseconds() };
        DELETED_USERS.put(&self.0, id.0, &row)?;
        let mut groups = MEMBERS.flipped().of(&self.0, id.0)?.into_iter();
        groups.try_for_each(|group| self.keep_past(GroupId(group), ManagerId::User(id), at))
    }

    /// Keeps the name, the memberships and the edges of a group that is deleted.
    pub(super) fn keep_group(&self, id: GroupId, name: &str, at: Timestamp) -> Result<(), StoreError> {
        let row = DeletedRow { id: id.0, name: name.to_owned(), at: at.milliseconds() };
        DELETED_GROUPS.put(&self.0, id.0, &row)?;
        for user in MEMBERS.of(&self.0, id.0)? {
            self.keep_past(id, ManagerId::User(UserId(user)), at)?;
        }
        for child in CHILDREN.of(&self.0, id.0)? {
            self.keep_past(id, ManagerId::Group(GroupId(child)), at)?;
        }
        for parent in CHILDREN.flipped().of(&self.0, id.0)? {
            self.keep_past(GroupId(parent), ManagerId::Group(id), at)?;
        }
        Ok(())
    }
}

fn deleted<T, Id>(former: Option<Former<T, Id>>) -> Option<Deleted<Id>> {
    if let Some(Former::Deleted(deleted)) = former { Some(deleted) } else { None }
}

fn page<I>(items: Vec<I>, page: &Page, place: fn(&I) -> Position) -> Paged<I> {
    let mut items: Vec<_> = items.into_iter().map(|item| (place(&item), item)).collect();
    items.sort_by(|(one, _), (other, _)| one.values().cmp(other.values()));
    let total = items.len() as u64;
    if let Some(position) = page.position() {
        items.retain(|(place, _)| position.precedes(place));
    }
    let items = window(items, page).into_iter().map(|(_, item)| item).collect();
    Paged::new(page, total, items, place)
}

/// The groups that a walk along `edges` reaches, down or up.
fn reached(start: GroupId, edges: &[PastRow], is_down: bool) -> Result<BTreeSet<GroupId>, StoreError> {
    walk(BTreeSet::from([start]), |next| {
        let ways = edges.iter().map(|edge| if is_down { (edge.group, edge.member) } else { (edge.member, edge.group) });
        Ok(ways.filter(|(from, _)| *from == next.0).map(|(_, to)| GroupId(to)).collect())
    })
}

impl<T: Tables> PastReader for UnitOfWork<T> {
    fn known_from(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(CHECKPOINT.get(&self.0, 0)?.and_then(|row| row.known_from).map(Timestamp::from_milliseconds))
    }

    fn deleted_user(&mut self, id: UserId) -> Result<Option<Deleted<UserId>>, StoreError> {
        Ok(deleted(self.former_user(id.0)?))
    }

    fn deleted_group(&mut self, id: GroupId) -> Result<Option<Deleted<GroupId>>, StoreError> {
        Ok(deleted(self.former_group(id.0)?))
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
            Reach::Effective => reached(group, &self.counted(false, at)?, true)?,
        };
        let members = self.counted(true, at)?.into_iter().filter(|row| groups.contains(&row.group()));
        let members: BTreeSet<Uuid> = members.map(|row| row.member).collect();
        let users: Result<_, _> = members.into_iter().filter_map(|id| self.former_user(id).transpose()).collect();
        Ok(page(users?, wanted, FormerUser::place))
    }

    fn groups_at(
        &mut self,
        user: UserId,
        reach: Reach,
        at: Timestamp,
        wanted: &Page,
    ) -> Result<Paged<FormerGroup>, StoreError> {
        let direct = self.counted(true, at)?.into_iter().filter(|row| row.member == user.0);
        let mut groups: BTreeSet<GroupId> = direct.map(|row| row.group()).collect();
        if reach == Reach::Effective {
            let edges = self.counted(false, at)?;
            for group in groups.clone() {
                groups.extend(reached(group, &edges, false)?);
            }
        }
        let groups: Result<_, _> = groups.into_iter().filter_map(|id| self.former_group(id.0).transpose()).collect();
        Ok(page(groups?, wanted, FormerGroup::place))
    }

    fn membership_graph_at(
        &mut self,
        group: GroupId,
        user: UserId,
        at: Timestamp,
    ) -> Result<MembershipGraph, StoreError> {
        let edges = self.counted(false, at)?;
        let below = reached(group, &edges, true)?;
        let (mut graph, mut leading) = (MembershipGraph::default(), BTreeSet::new());
        for row in self.counted(true, at)? {
            if row.member == user.0 && below.contains(&row.group()) {
                leading.extend(&reached(row.group(), &edges, false)? & &below);
                let (added, until) = (Timestamp::from_milliseconds(row.began), row.ended());
                let added_by = self.author(row.by.map(UserId))?;
                graph.memberships.insert(row.group(), PathMembership { added, added_by, from: None, until });
            }
        }
        for edge in edges {
            let (parent, child, until) = (edge.group(), GroupId(edge.member), edge.ended());
            if leading.contains(&parent) && leading.contains(&child) {
                graph.edges.push(PathEdge { parent, child, until });
            }
        }
        for id in leading {
            graph.groups.extend(self.former_group(id.0)?.map(|group| match group {
                Former::Existing(group) => (id, group.name),
                Former::Deleted(group) => (id, GroupName::stored(group.name)),
            }));
        }
        Ok(graph)
    }
}

impl PastWriter for UnitOfWork<Changes> {
    fn prune_past(&mut self, most: u32) -> Result<u64, StoreError> {
        let Some(known_from) = self.known_from()? else { return Ok(0) };
        let known_from = known_from.milliseconds();
        let ended = PAST.all(&self.0)?.into_iter().filter(|row| row.ended.is_some_and(|ended| ended <= known_from));
        let keys: Vec<PastKey> = ended.take(most as usize).map(|row| row.key()).collect();
        for key in &keys {
            PAST.remove(&self.0, *key)?;
        }
        if keys.len() < most as usize {
            for names in [DELETED_USERS, DELETED_GROUPS] {
                for row in names.all(&self.0)?.into_iter().filter(|row| row.at < known_from) {
                    names.remove(&self.0, row.id)?;
                }
            }
        }
        Ok(keys.len() as u64)
    }
}
