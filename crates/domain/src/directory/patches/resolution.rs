//! Whom and what the elements of a patch name.

use std::collections::{BTreeMap, BTreeSet};

use super::{Contradiction, Element, MemberList, Named, Patch, PatchedList, Place, Refusal, RefusalReason};
use crate::name::NameKey;
use crate::validity::ValidityChange;

/// Whom the elements of a patch name.
pub(in crate::directory) struct Resolution<'p, Id> {
    /// Who has the names of the patch.
    pub(in crate::directory) named: BTreeMap<&'p NameKey, Id>,
    /// The caller.
    pub(in crate::directory) oneself: Option<Id>,
}

impl<Id: Copy + Ord> Resolution<'_, Id> {
    fn id(&self, element: Element<'_, Id>) -> Option<Id> {
        match element {
            Element::Id(id) => Some(id),
            Element::Named(Named::Oneself) => self.oneself,
            Element::Named(Named::Name(name)) => self.named.get(name).copied(),
        }
    }

    /// The ids of a list. That there is something that has them is not said.
    pub(in crate::directory) fn ids(&self, list: &MemberList<Id>) -> BTreeSet<Id> {
        list.elements().filter_map(|element| self.id(element)).collect()
    }

    /// What the elements of the patch say of the dates of each, where they say something, and the last element that does. It counts more than those before.
    pub(in crate::directory) fn dates(&self, patch: &Patch<Id>) -> BTreeMap<Id, (Place, ValidityChange)> {
        let mut dates: BTreeMap<Id, (Place, ValidityChange)> = BTreeMap::new();
        let lists = [PatchedList::Add, PatchedList::Set].into_iter();
        for (list, members) in lists.filter_map(|list| Some((list, patch.list(list)?))) {
            for (index, change) in &members.dates {
                if let Some(id) = members.element(*index).and_then(|element| self.id(element)) {
                    let before = dates.get(&id).map_or_else(ValidityChange::default, |(_, before)| *before);
                    dates.insert(id, (Place { list, index: *index }, before.then(*change)));
                }
            }
        }
        dates
    }

    /// The places that name nobody and nothing: by a name that was not found, or by one of the ids `unknown`.
    pub(in crate::directory) fn not_found(&self, patch: &Patch<Id>, unknown: &BTreeSet<Id>) -> Vec<Place> {
        let is_known = |element| self.id(element).is_some_and(|id| !unknown.contains(&id));
        patch.elements().filter(|(_, element)| !is_known(*element)).map(|(place, _)| place).collect()
    }

    /// The refusals of what has these ids.
    pub(in crate::directory) fn refusals(
        &self,
        patch: &Patch<Id>,
        mut ids: BTreeSet<Id>,
        reason: RefusalReason,
    ) -> Vec<Refusal<Id>> {
        let mut refusals = Vec::new();
        for (place, element) in patch.elements() {
            if ids.is_empty() {
                break;
            }
            if let Some(id) = self.id(element).filter(|id| ids.remove(id)) {
                refusals.push(Refusal { place: Some(place), id, reason });
            }
        }
        refusals.extend(ids.into_iter().map(|id| Refusal { place: None, id, reason }));
        refusals
    }

    /// Fails if something is in both lists, whose ids are `added` and `removed`. Names that nobody has are compared, too.
    pub(in crate::directory) fn check(
        &self,
        (add, added): (&MemberList<Id>, &BTreeSet<Id>),
        (remove, removed): (&MemberList<Id>, &BTreeSet<Id>),
    ) -> Result<(), Contradiction> {
        let unknown = |list: &'_ MemberList<Id>| -> BTreeSet<Named> {
            let is_unknown = |named: &&Named| self.id(Element::Named(named)).is_none();
            list.named.values().filter(is_unknown).cloned().collect()
        };
        let (added_names, removed_names) = (unknown(add), unknown(remove));
        if added.is_disjoint(removed) && added_names.is_disjoint(&removed_names) {
            return Ok(());
        }
        let is_added = |element| match (self.id(element), element) {
            (Some(id), _) => added.contains(&id),
            (None, Element::Named(named)) => added_names.contains(named),
            (None, Element::Id(_)) => false,
        };
        let is_same = |one, other| match (self.id(one), self.id(other), one, other) {
            (Some(one), Some(other), ..) => one == other,
            (None, None, Element::Named(one), Element::Named(other)) => one == other,
            _ => false,
        };
        let found = remove.elements().enumerate().find(|(_, element)| is_added(*element));
        let both =
            found.and_then(|(index, element)| Some((index, add.elements().position(|one| is_same(one, element))?)));
        both.map_or(Ok(()), |(remove, add)| Err(Contradiction { add, remove }))
    }
}
