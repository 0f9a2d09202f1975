//! Memberships and edges that begin and end by a date, and the listings that show the dates.
//!
//! What counts is in the memberships and edges themselves. Beside them are the dates of those that have some: when the next of them has come, what it
//! says is made so before anything else is read.

use std::collections::{BTreeMap, BTreeSet};

use super::{ChildScope, Person, StoreError};
use crate::group::{GroupId, GroupName};
use crate::manager::{Author, ManagerId};
use crate::name::NameKey;
use crate::page::{Page, Paged};
use crate::position::Position;
use crate::provenance::Provenance;
use crate::search::{Filter, GroupField, UserField, Value};
use crate::time::Timestamp;
use crate::user::UserId;
use crate::validity::{Validity, ValidityState};

/// How a user or a group belongs to a group directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberStanding {
    /// Whether they belong to it, or will.
    pub state: ValidityState,
    /// From when until when. One who came in sooner than was scheduled has no beginning.
    pub validity: Validity,
}

/// The order of a listing of memberships. Those with the same value come by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MembershipOrder {
    /// By the name of the member, or of the group in a listing of one user's memberships.
    #[default]
    Name,
    /// By when they were added. What is older than the record of that comes first.
    Added,
    /// By the beginning. What has none comes first.
    From,
    /// By the end. What has none comes last.
    Until,
}

/// Which memberships or edges are listed, and how. `F` are the fields of what is named: users, or groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipListing<F> {
    /// Those that count, or those that begin later. `None`: both.
    pub state: Option<ValidityState>,
    /// Only those that end before this moment.
    pub expiring_before: Option<Timestamp>,
    /// What the member has to pass; in a listing of one user's memberships, the group.
    pub filter: Filter<F>,
    /// The order.
    pub order: MembershipOrder,
    /// Whether the order is reversed.
    pub is_descending: bool,
    /// Which page.
    pub page: Page,
    /// The present moment, on which a filter may depend.
    pub now: Timestamp,
}

/// A membership or an edge in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedMember<M> {
    /// Who or what belongs to the group.
    pub member: M,
    /// The group.
    pub group: NamedGroup,
    /// When they were added or scheduled. `None`: it is older than the record of that.
    pub added: Option<Timestamp>,
    /// Who added them. `None`: nobody who has an account.
    pub added_by: Option<Author>,
    /// From when until when.
    pub validity: Validity,
    /// Whether it counts already.
    pub state: ValidityState,
}

/// A group, as a listing of memberships names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedGroup {
    /// The id.
    pub id: GroupId,
    /// The name.
    pub name: GroupName,
}

impl<M> ListedMember<M> {
    /// The place in a listing in this order, where `name` and `id` are those of what is named: the value of the order, the name, the id. It is ascending in
    /// all of them, or descending.
    #[must_use]
    pub fn place(&self, order: MembershipOrder, name: Value, id: Value) -> Position {
        let first = match order {
            MembershipOrder::Name => return Position::after(vec![name, id]),
            MembershipOrder::Added => self.added.unwrap_or(Timestamp::EARLIEST),
            MembershipOrder::From => self.validity.from.unwrap_or(Timestamp::EARLIEST),
            MembershipOrder::Until => self.validity.until.unwrap_or(Timestamp::LATEST),
        };
        Position::after(vec![Value::Moment(first), name, id])
    }
}

impl ListedMember<Person> {
    /// The place in a listing of a group's members.
    #[must_use]
    pub fn place_of_user(&self, order: MembershipOrder) -> Position {
        self.place(order, Value::Text(NameKey::of(&self.member.username).into()), Value::Id(self.member.id.0))
    }

    /// The place in a listing of a user's memberships.
    #[must_use]
    pub fn place_of_group(&self, order: MembershipOrder) -> Position {
        self.place(order, Value::Text(self.group.name.key().into()), Value::Id(self.group.id.0))
    }
}

impl ListedMember<NamedGroup> {
    /// The place in a listing of a group's children.
    #[must_use]
    pub fn place_of_child(&self, order: MembershipOrder) -> Position {
        self.place(order, Value::Text(self.member.name.key().into()), Value::Id(self.member.id.0))
    }
}

/// Reads dates.
pub trait ValidityReader {
    /// Fails with [`Fault::Due`](super::Fault::Due) if something is due by the store's clock. So do all questions about the account of a caller.
    fn check_due(&mut self) -> Result<(), StoreError>;
    /// How those of `users` belong to `group` directly who do, or will. One statement.
    fn standings_of_members(
        &mut self,
        group: GroupId,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, MemberStanding>, StoreError>;
    /// The same for groups below `parent`.
    fn standings_of_children(
        &mut self,
        parent: GroupId,
        children: &BTreeSet<GroupId>,
    ) -> Result<BTreeMap<GroupId, MemberStanding>, StoreError>;
    /// Who is scheduled to become a direct member of `group`. One statement.
    fn scheduled_members(&mut self, group: GroupId) -> Result<BTreeSet<UserId>, StoreError>;
    /// The groups that are scheduled to become direct children of `parent`. One statement.
    fn scheduled_children(&mut self, parent: GroupId) -> Result<BTreeSet<GroupId>, StoreError>;
    /// A page of the direct memberships of `group`, with those that begin later.
    fn memberships_of_group(
        &mut self,
        group: GroupId,
        listing: &MembershipListing<UserField>,
    ) -> Result<Paged<ListedMember<Person>>, StoreError>;
    /// A page of the direct memberships of `user`, with those that begin later.
    fn memberships_of_user(
        &mut self,
        user: UserId,
        listing: &MembershipListing<GroupField>,
    ) -> Result<Paged<ListedMember<Person>>, StoreError>;
    /// A page of the edges from `parent` to its children, with those that begin later. `scope` leaves out children as it does in other listings.
    fn edges_of_group(
        &mut self,
        parent: GroupId,
        scope: ChildScope,
        listing: &MembershipListing<GroupField>,
    ) -> Result<Paged<ListedMember<NamedGroup>>, StoreError>;
    /// Of how many memberships and edges a date is yet to come of which none was before `author` gave them some. Counting ends at `most`.
    fn count_pending_dates(&mut self, author: UserId, most: u64) -> Result<u64, StoreError>;
    /// Whether there is an effective member of System Administrators who stays one: whose account is neither suspended nor ever expires, and whose membership has
    /// no end, nor has any edge on the way. A lock by wrong passwords does not count.
    fn has_lasting_administrator(&mut self) -> Result<bool, StoreError>;
    /// The first by id of `among` who is a direct member of `group` without an end, and whose account is neither suspended nor ever expires. One statement.
    fn first_lasting_member(&mut self, group: GroupId, among: &BTreeSet<UserId>) -> Result<Option<UserId>, StoreError>;
    /// The first by id of `among` that is a direct child of `parent` without an end, and has such an effective member, by edges and a membership without an
    /// end. One statement.
    fn first_child_with_lasting_member(
        &mut self,
        parent: GroupId,
        among: &BTreeSet<GroupId>,
    ) -> Result<Option<GroupId>, StoreError>;
}

/// What became so because its date had come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueChange {
    /// The group.
    pub group: GroupId,
    /// Who or what joined it or left it.
    pub member: ManagerId,
    /// Whether it is in the group since then.
    pub is_in: bool,
    /// The date.
    pub at: Timestamp,
}

/// Changes dates.
pub trait ValidityWriter {
    /// Sets from when until when `users` are, or will be, direct members of `group`. Who is one at `now` is added or removed by other calls before; a
    /// validity without dates forgets those of before. `added` is kept for those who are scheduled and were not before. A constant number of
    /// statements.
    fn set_validity_of_members(
        &mut self,
        group: GroupId,
        users: &BTreeMap<UserId, Validity>,
        added: Provenance,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// The same for groups below `parent`.
    fn set_validity_of_children(
        &mut self,
        parent: GroupId,
        children: &BTreeMap<GroupId, Validity>,
        added: Provenance,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Makes everything so whose date has come at `now`: what begins is added, as whoever scheduled it would have then, and what ends is removed. What was
    /// added and removed is returned, in the order of the dates. `None`: there are edges among it, which `with_edges` rules out; nothing was changed.
    ///
    /// So that it takes little memory and holds its locks for a short time, a store may leave some of it due; it is called again then. A constant number of
    /// statements for each call, which are few: each makes thousands of memberships so.
    fn make_due(&mut self, now: Timestamp, with_edges: bool) -> Result<Option<Vec<DueChange>>, StoreError>;
}
