//! Patches made up at random, against a model that goes through them one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::Fixture;
use super::fixture::{Outcome, must};
use super::patches::{ATOMIC, PARTIAL};
use crate::directory::{
    Contradiction, MemberList, Patch, PatchChildrenError, PatchMembersError, PatchMode, PatchOptions, PatchReport,
    PatchedList, Place, Refusal, RefusalReason,
};
use crate::group::GroupId;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Page;
use crate::ports::{Reach, Store};
use crate::user::UserId;

/// How many users or groups there are, and how many names and ids that nobody has.
const KNOWN: usize = 7;
const UNKNOWN: usize = 2;

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % end
    }
}

/// Something by its number, and whether it is named by its id.
type Named = (usize, bool);

/// The lists of a patch.
#[derive(Debug)]
enum Lists {
    Change(Vec<Named>, Vec<Named>),
    Set(Vec<Named>),
}

/// What the model makes of a patch.
#[derive(Debug, PartialEq, Eq)]
enum Expected<Id> {
    Contradiction(Contradiction),
    NotFound(Vec<Place>),
    Cycle,
    Done(PatchReport<Id>),
}

impl Lists {
    fn random(random: &mut Random) -> Self {
        let list = |random: &mut Random| -> Vec<Named> {
            let length = random.below(5);
            // Few of them name what is not there, so that many patches are made.
            (0..length)
                .map(|_| {
                    let most = if random.below(6) == 0 { KNOWN + UNKNOWN } else { KNOWN };
                    (random.below(most), random.below(2) == 0)
                })
                .collect()
        };
        if random.below(3) == 0 {
            return Self::Set(list(random));
        }
        let (add, mut remove) = (list(random), list(random));
        if random.below(8) > 0 {
            remove.retain(|(number, _)| !add.iter().any(|(added, _)| added == number));
        }
        Self::Change(add, remove)
    }

    fn patch<Id, I>(&self, identifier: impl Fn(Named) -> I) -> Patch<Id>
    where
        MemberList<Id>: FromIterator<I>,
    {
        let list = |named: &[Named]| named.iter().map(|named| identifier(*named)).collect::<MemberList<Id>>();
        match self {
            Self::Change(add, remove) => Patch::Change { add: list(add), remove: list(remove) },
            Self::Set(set) => Patch::Set(list(set)),
        }
    }

    fn elements(&self) -> Vec<(Place, Named)> {
        let places = |list, elements: &[Named]| -> Vec<_> {
            elements.iter().enumerate().map(|(index, named)| (Place { list, index }, *named)).collect()
        };
        match self {
            Self::Change(add, remove) => [places(PatchedList::Add, add), places(PatchedList::Remove, remove)].concat(),
            Self::Set(set) => places(PatchedList::Set, set),
        }
    }

    /// What becomes of `members`, where those of `forbidden` cannot join.
    fn apply<Id: Copy>(
        &self,
        mode: PatchMode,
        group: GroupId,
        members: &mut BTreeSet<usize>,
        forbidden: &BTreeSet<usize>,
        id: impl Fn(usize) -> Id,
    ) -> Expected<Id> {
        if let Self::Change(add, remove) = self {
            // What is not there is the same if it is named the same way.
            let is_same = |one: &Named, other: &Named| one.0 == other.0 && (one.0 < KNOWN || one.1 == other.1);
            for (index, leaving) in remove.iter().enumerate() {
                if let Some(joins) = add.iter().position(|joining| is_same(joining, leaving)) {
                    return Expected::Contradiction(Contradiction { add: joins, remove: index });
                }
            }
        }
        let elements = self.elements();
        let not_found: Vec<Place> =
            elements.iter().filter(|(_, (number, _))| *number >= KNOWN).map(|(place, _)| *place).collect();
        if mode == PatchMode::Atomic && !not_found.is_empty() {
            return Expected::NotFound(not_found);
        }
        let (before, mut refused, mut named) = (members.clone(), BTreeMap::new(), BTreeSet::new());
        if let Self::Set(set) = self {
            members.retain(|member| set.iter().any(|(number, _)| number == member));
        }
        for (place, (number, _)) in elements.iter().filter(|(_, (number, _))| *number < KNOWN) {
            let joins = place.list != PatchedList::Remove;
            if joins && !members.contains(number) && forbidden.contains(number) {
                refused.entry(*number).or_insert(*place);
                continue;
            }
            named.insert(*number);
            if joins {
                members.insert(*number)
            } else {
                members.remove(number)
            };
        }
        if mode == PatchMode::Atomic && !refused.is_empty() {
            *members = before;
            return Expected::Cycle;
        }
        let (added, removed) = ((&*members - &before).len() as u64, (&before - members).len() as u64);
        let touched = match self {
            Self::Change(..) => added + removed,
            Self::Set(_) => added,
        };
        let mut refused: Vec<Refusal<Id>> = refused
            .into_iter()
            .map(|(number, place)| Refusal { place: Some(place), id: id(number), reason: RefusalReason::Cycle })
            .collect();
        refused.sort_by_key(|refusal| refusal.place);
        Expected::Done(PatchReport {
            group,
            added,
            updated: 0,
            removed,
            unchanged: named.len() as u64 - touched,
            count: members.len() as u64,
            not_found,
            refused,
        })
    }
}

/// After any patches, the members, the counts and the reports are those of the model.
pub fn patches_of_members_come_to_what_the_model_says(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let name = |number: usize| format!("u{number}@fightclub.com");
    let users: Vec<UserId> = (0..KNOWN).map(|number| fixture.user(&name(number))).collect();
    let id = |number: usize| users.get(number).copied().unwrap_or(UserId(Uuid::from_u128(0xdead + number as u128)));
    let identifier = |(number, by_id): Named| {
        if by_id { UserIdentifier::Id(id(number)) } else { UserIdentifier::from(&*name(number)) }
    };
    let group = fixture.group("Soap");
    let (mut members, mut random) = (BTreeSet::new(), Random(5));
    let all = fixture.all(must(Page::new(0, 1000)));
    for step in 0..150 {
        let lists = Lists::random(&mut random);
        let options = if step % 2 == 0 { ATOMIC } else { PARTIAL };
        let expected = lists.apply(options.mode, group, &mut members, &BTreeSet::new(), id);
        let patch = lists.patch(identifier);
        let patched =
            fixture.directory.patch_members(&fixture.by(&fixture.admin), &GroupIdentifier::Id(group), &patch, options);
        let found = match patched {
            Err(PatchMembersError::Contradiction(contradiction)) => Expected::Contradiction(contradiction),
            Err(PatchMembersError::UsersNotFound(places)) => Expected::NotFound(places),
            outcome => Expected::Done(must(outcome)),
        };
        assert_eq!(found, expected, "{lists:?}");
        let wanted: BTreeSet<UserId> = members.iter().map(|number| id(*number)).collect();
        let listed: Outcome<_> =
            fixture.store.read(|reader| reader.members(group, Reach::Direct, &BTreeSet::new(), &all));
        let listed = must(listed);
        assert_eq!(listed.items.iter().map(|user| user.id).collect::<BTreeSet<_>>(), wanted, "{lists:?}");
        assert_eq!((listed.total, fixture.read(group).user_count), (wanted.len() as u64, wanted.len() as u64));
    }
}

/// The same of groups below groups, where some edges would close a cycle.
pub fn patches_of_children_come_to_what_the_model_says(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let name = |number: usize| format!("group {number}");
    let groups: Vec<GroupId> = (0..KNOWN).map(|number| fixture.group(&name(number))).collect();
    let id = |number: usize| groups.get(number).copied().unwrap_or(GroupId(Uuid::from_u128(0xdead + number as u128)));
    let identifier = |(number, by_id): Named| {
        if by_id { GroupIdentifier::Id(id(number)) } else { GroupIdentifier::from(&*name(number)) }
    };
    let (mut children, mut random) = (vec![BTreeSet::new(); KNOWN], Random(11));
    let all = groups.iter().copied().collect();
    for step in 0..150 {
        let (parent, lists) = (random.below(KNOWN), Lists::random(&mut random));
        let options: PatchOptions = if step % 2 == 0 { ATOMIC } else { PARTIAL };
        let forbidden = (0..KNOWN).filter(|group| at_or_below(&children, *group).contains(&parent)).collect();
        let expected = lists.apply(options.mode, id(parent), &mut children[parent], &forbidden, id);
        let patch = lists.patch(identifier);
        let patched = fixture.directory.patch_children(
            &fixture.by(&fixture.admin),
            &GroupIdentifier::Id(id(parent)),
            &patch,
            options,
        );
        let found = match patched {
            Err(PatchChildrenError::Contradiction(contradiction)) => Expected::Contradiction(contradiction),
            Err(PatchChildrenError::ChildrenNotFound(places)) => Expected::NotFound(places),
            Err(PatchChildrenError::Cycle(_)) => Expected::Cycle,
            outcome => Expected::Done(must(outcome)),
        };
        assert_eq!(found, expected, "{lists:?}");
        for group in 0..KNOWN {
            let above: BTreeSet<GroupId> =
                (0..KNOWN).filter(|other| at_or_below(&children, *other).contains(&group)).map(id).collect();
            let found: Outcome<_> = fixture.store.read(|reader| reader.at_or_above_among(id(group), &all));
            assert_eq!(must(found), above, "{lists:?}");
        }
        assert_eq!(fixture.read(id(parent)).child_group_count, children[parent].len() as u64);
    }
}

fn at_or_below(children: &[BTreeSet<usize>], group: usize) -> BTreeSet<usize> {
    let (mut found, mut open) = (BTreeSet::from([group]), vec![group]);
    while let Some(next) = open.pop() {
        open.extend(children[next].iter().filter(|child| found.insert(**child)));
    }
    found
}
