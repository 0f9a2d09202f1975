//! Changes of many members or children in one request: what is asked for, and the report of what was done.

mod attempt;
mod resolution;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::group::GroupId;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::name::NameKey;
use crate::user::UserId;
use crate::validity::ValidityChange;

pub(super) use attempt::{Attempt, Attempted, Staying};
pub(super) use resolution::Resolution;

/// What is to become of the direct members or children of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patch<Id> {
    /// These join, and those leave.
    Change {
        /// Who or what joins.
        add: MemberList<Id>,
        /// Who or what leaves.
        remove: MemberList<Id>,
    },
    /// Exactly these belong to it afterwards.
    Set(MemberList<Id>),
}

/// Users or groups as a request names them, in its order. An id takes 16 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberList<Id> {
    /// The ids; in the place of a name there is one that counts for nothing.
    ids: Vec<Id>,
    /// What is named otherwise, by its index.
    named: BTreeMap<usize, Named>,
    /// The dates that are said, by the index of the element.
    dates: BTreeMap<usize, ValidityChange>,
}

/// A user or a group that is not named by its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    /// The caller.
    Oneself,
    Name(NameKey),
}

/// An element of a list.
#[derive(Clone, Copy)]
enum Element<'l, Id> {
    Id(Id),
    Named(&'l Named),
}

/// A list of a [`Patch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PatchedList {
    /// Who or what joins.
    Add,
    /// Who or what leaves.
    Remove,
    /// Who or what belongs to the group afterwards.
    Set,
}

/// Where a patch names somebody or something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The list.
    pub list: PatchedList,
    /// The index in it, from 0.
    pub index: usize,
}

/// What is done if something of a patch cannot be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PatchMode {
    /// Nothing.
    #[default]
    Atomic,
    /// The rest.
    Partial,
}

/// Whether a patch is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PatchEffect {
    /// It is.
    #[default]
    Lasting,
    /// It is undone, and only its report is wanted.
    DryRun,
}

/// How a patch is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PatchOptions {
    /// What is done if something of it cannot be done.
    pub mode: PatchMode,
    /// Whether it is made.
    pub effect: PatchEffect,
}

/// What a patch did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchReport<Id> {
    /// The group.
    pub group: GroupId,
    /// How many joined, or are scheduled to.
    pub added: u64,
    /// How many belonged to it already or were scheduled to, and do so from or until another moment.
    pub updated: u64,
    /// How many left, or are no more scheduled to join.
    pub removed: u64,
    /// How many that the patch names needed no change. Who is named twice in a list counts once.
    pub unchanged: u64,
    /// How many direct members or children the group has afterwards.
    pub count: u64,
    /// What names nobody and nothing, in the order of the request.
    pub not_found: Vec<Place>,
    /// What was not done, in the order of the request; at the end, in the order of their ids, who was to leave without being named.
    pub refused: Vec<Refusal<Id>>,
}

/// A part of a patch that was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal<Id> {
    /// Where the patch names them first. `None`: they were to leave because [`Patch::Set`] does not name them.
    pub place: Option<Place>,
    /// The user or the group.
    pub id: Id,
    /// Why.
    pub reason: RefusalReason,
}

/// Why a part of a patch was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// Nobody can be removed from `Everyone` (contract 10 row 11).
    Everyone,
    /// There would be no active System Administrator (contract 10 row 12).
    LastAdministrator,
    /// The group is the parent, or has the parent below it.
    Cycle,
}

/// A patch adds and removes the same. The indices are those of the first element of `remove` that is in `add` too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("element {remove} of the removals is element {add} of the additions")]
pub struct Contradiction {
    /// The index in [`Patch::Change`]'s `add`.
    pub add: usize,
    /// The index in its `remove`.
    pub remove: usize,
}

impl<Id> Default for MemberList<Id> {
    fn default() -> Self {
        Self { ids: Vec::new(), named: BTreeMap::new(), dates: BTreeMap::new() }
    }
}

impl<Id> MemberList<Id> {
    /// How many elements it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether it has no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Says from when until when the element that was added last belongs to the group. Of what is named twice, the later element counts.
    pub fn date_last(&mut self, change: ValidityChange) {
        if let Some(last) = self.ids.len().checked_sub(1).filter(|_| !change.is_empty()) {
            self.dates.insert(last, change);
        }
    }

    /// Whether it says any dates.
    fn is_dated(&self) -> bool {
        !self.dates.is_empty()
    }
}

impl Extend<UserIdentifier> for MemberList<UserId> {
    fn extend<T: IntoIterator<Item = UserIdentifier>>(&mut self, users: T) {
        for user in users {
            match user {
                UserIdentifier::Id(id) => self.ids.push(id),
                UserIdentifier::Current => self.push_named(Named::Oneself, UserId(Uuid::nil())),
                UserIdentifier::Name(name) => self.push_named(Named::Name(name), UserId(Uuid::nil())),
            }
        }
    }
}

impl Extend<GroupIdentifier> for MemberList<GroupId> {
    fn extend<T: IntoIterator<Item = GroupIdentifier>>(&mut self, groups: T) {
        for group in groups {
            match group {
                GroupIdentifier::Id(id) => self.ids.push(id),
                GroupIdentifier::Name(name) => self.push_named(Named::Name(name), GroupId(Uuid::nil())),
            }
        }
    }
}

impl<I, Id> FromIterator<I> for MemberList<Id>
where
    Self: Extend<I>,
{
    fn from_iter<T: IntoIterator<Item = I>>(members: T) -> Self {
        let mut list = Self::default();
        list.extend(members);
        list
    }
}

impl<Id: Copy> MemberList<Id> {
    /// The id at this index. `None`: the element is named otherwise, or there is none.
    #[must_use]
    pub fn id_at(&self, index: usize) -> Option<Id> {
        self.ids.get(index).filter(|_| !self.named.contains_key(&index)).copied()
    }

    fn push_named(&mut self, named: Named, placeholder: Id) {
        self.named.insert(self.ids.len(), named);
        self.ids.push(placeholder);
    }

    fn element(&self, index: usize) -> Option<Element<'_, Id>> {
        let id = self.ids.get(index)?;
        Some(self.named.get(&index).map_or(Element::Id(*id), Element::Named))
    }

    fn elements(&self) -> impl Iterator<Item = Element<'_, Id>> {
        let element = |(index, id): (usize, &Id)| self.named.get(&index).map_or(Element::Id(*id), Element::Named);
        self.ids.iter().enumerate().map(element)
    }
}

impl<Id: Copy> Patch<Id> {
    /// A patch that only adds.
    #[must_use]
    pub fn adding(add: MemberList<Id>) -> Self {
        Self::Change { add, remove: MemberList::default() }
    }

    /// The list, if the patch has it.
    #[must_use]
    pub fn list(&self, list: PatchedList) -> Option<&MemberList<Id>> {
        match (self, list) {
            (Self::Change { add, .. }, PatchedList::Add) => Some(add),
            (Self::Change { remove, .. }, PatchedList::Remove) => Some(remove),
            (Self::Set(set), PatchedList::Set) => Some(set),
            _ => None,
        }
    }

    /// Whether it says from when until when anybody or anything belongs to the group.
    pub(super) fn is_dated(&self) -> bool {
        match self {
            Self::Change { add, .. } => add.is_dated(),
            Self::Set(set) => set.is_dated(),
        }
    }

    /// Whether anybody or anything may have to leave.
    pub(super) fn removes(&self) -> bool {
        match self {
            Self::Change { remove, .. } => !remove.is_empty(),
            Self::Set(_) => true,
        }
    }

    /// The names that somebody or something could have.
    pub(super) fn names(&self) -> BTreeSet<&NameKey> {
        let lists = [PatchedList::Add, PatchedList::Remove, PatchedList::Set].into_iter();
        let elements = lists.filter_map(|list| self.list(list)).flat_map(|list| list.named.values());
        let names = elements.filter_map(|element| match element {
            Named::Name(name) => Some(name),
            Named::Oneself => None,
        });
        names.filter(|name| !name.is_empty() && !name.is_too_long()).collect()
    }

    fn elements(&self) -> impl Iterator<Item = (Place, Element<'_, Id>)> {
        let lists = [PatchedList::Add, PatchedList::Remove, PatchedList::Set].into_iter();
        lists.filter_map(|list| Some((list, self.list(list)?))).flat_map(|(list, elements)| {
            elements.elements().enumerate().map(move |(index, element)| (Place { list, index }, element))
        })
    }
}
