//! Groups below groups.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Fixture;
use super::fixture::{Outcome, must};
use super::graph::{self, Step};
use crate::directory::{AddChildrenError, RemoveChildError};
use crate::group::GroupId;
use crate::identifier::GroupIdentifier;
use crate::ports::Store;
use crate::provenance::Provenance;

/// A member of the lowest of 60 groups, one below the other, is a member of all; one of the highest is not.
pub fn membership_flows_up_through_any_depth(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let chain: Vec<GroupId> = (0..60).map(|depth| fixture.group(&format!("depth {depth}"))).collect();
    // From both ends and the middle, so that pieces are joined as well as lengthened.
    for step in (0..59).filter(|step| step % 2 == 0).chain((0..59).filter(|step| step % 2 == 1).rev()) {
        fixture.nest(chain[step], chain[step + 1]);
    }
    let (low, high) = (fixture.user("low"), fixture.user("high"));
    fixture.join(chain[59], &[low]);
    fixture.join(chain[0], &[high]);
    assert!(chain.iter().all(|group| fixture.is_in(*group, low)));
    assert!(!chain[1..].iter().any(|group| fixture.is_in(*group, high)));
}

/// A second time, nothing changes.
pub fn an_edge_is_added_once(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (parent, child) = (fixture.group("parent"), fixture.group("child"));
    let added = Provenance::at(fixture.now());
    let nest = || -> Outcome<bool> {
        fixture
            .store
            .write_alone(|directory| Ok(directory.insert_children(parent, &BTreeSet::from([child]), added)?.len() == 1))
    };
    assert_eq!((must(nest()), must(nest())), (true, false));
    assert_eq!(fixture.read(parent).child_group_count, 1);
    let add = |parent, child| {
        fixture.directory.add_child(
            &fixture.by(&fixture.admin),
            &GroupIdentifier::Id(parent),
            &GroupIdentifier::Id(child),
        )
    };
    assert!(matches!(add(parent, parent), Err(AddChildrenError::Cycle(_))));
    assert!(matches!(add(child, parent), Err(AddChildrenError::Cycle(_))));
    must(add(parent, child));
}

/// Two paths to the same group make one membership.
pub fn a_diamond_is_one_membership(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let groups = ["top", "left", "right", "bottom"].map(|name| fixture.group(name));
    for (parent, child) in [(0, 1), (0, 2), (1, 3), (2, 3)] {
        fixture.nest(groups[parent], groups[child]);
    }
    let user = fixture.user("user");
    fixture.join(groups[3], &[user]);
    assert!(groups.iter().all(|group| fixture.is_in(*group, user)));
    let all = BTreeSet::from(groups);
    let above: Outcome<_> = fixture.store.read(|directory| directory.at_or_above_among(groups[3], &all));
    assert_eq!(must(above), all);
}

/// One of two paths goes: who came by it still comes by the other. The last one goes: nobody comes.
pub fn a_diamond_survives_the_loss_of_one_path(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let groups = ["top", "left", "right", "bottom"].map(|name| fixture.group(name));
    for (parent, child) in [(0, 1), (0, 2), (1, 3), (2, 3), (0, 3)] {
        fixture.nest(groups[parent], groups[child]);
    }
    let user = fixture.user("user");
    fixture.join(groups[3], &[user]);
    let remove = |parent: usize, child: usize| {
        let (parent, child) = (GroupIdentifier::Id(groups[parent]), GroupIdentifier::Id(groups[child]));
        must(fixture.directory.remove_child(&fixture.by(&fixture.admin), &parent, &child));
    };
    let is_in = || groups.map(|group| fixture.is_in(group, user));
    remove(0, 3);
    assert_eq!(is_in(), [true, true, true, true]);
    remove(1, 3);
    assert_eq!(is_in(), [true, false, true, true]);
    remove(2, 3);
    assert_eq!(is_in(), [false, false, false, true]);
}

/// A refusal says which groups would form a cycle, from the parent down to it again.
pub fn a_cycle_is_named_by_its_groups(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let groups = ["a", "b", "c", "d"].map(|name| fixture.group(name));
    groups.windows(2).for_each(|pair| fixture.nest(pair[0], pair[1]));
    let add = |parent: GroupId, child: GroupId| {
        fixture.directory.add_child(
            &fixture.by(&fixture.admin),
            &GroupIdentifier::Id(parent),
            &GroupIdentifier::Id(child),
        )
    };
    let Err(AddChildrenError::Cycle(cycle)) = add(groups[3], groups[0]) else {
        unreachable!("the edge closes a cycle")
    };
    let named: Vec<_> = cycle.iter().map(|(id, name)| (*id, name.as_str())).collect();
    assert_eq!(named, [(groups[3], "d"), (groups[0], "a"), (groups[1], "b"), (groups[2], "c")]);
}

/// A group further below cannot be taken away from above, and the refusal names a child on the way to it.
pub fn an_indirect_child_tells_by_which_child(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let groups = ["top", "middle", "bottom", "aside"].map(|name| fixture.group(name));
    fixture.nest(groups[0], groups[1]);
    fixture.nest(groups[1], groups[2]);
    let remove = |parent: usize, child: usize| {
        let (parent, child) = (GroupIdentifier::Id(groups[parent]), GroupIdentifier::Id(groups[child]));
        fixture.directory.remove_child(&fixture.by(&fixture.admin), &parent, &child)
    };
    let named = |refused| match refused {
        Err(RemoveChildError::IndirectChild(id, name)) => Some((id, name.as_str().to_owned())),
        _ => None,
    };
    assert_eq!(named(remove(0, 2)), Some((groups[1], "middle".to_owned())));
    for (parent, child) in [(0, 3), (2, 0), (1, 1)] {
        assert!(matches!(remove(parent, child), Err(RemoveChildError::NotAChild)), "{parent} {child}");
    }
    must(remove(1, 2));
    assert!(matches!(remove(0, 2), Err(RemoveChildError::NotAChild)));
}

/// All of a list become children, or, if one is unknown or would close a cycle, none.
pub fn many_children_are_added_or_none(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (top, parent) = (fixture.group("top"), fixture.group("parent"));
    fixture.nest(top, parent);
    let mut children: BTreeSet<GroupId> = (0..30).map(|number| fixture.group(&format!("child {number}"))).collect();
    let add = |children: &BTreeSet<GroupId>| {
        fixture.directory.add_children(&fixture.by(&fixture.admin), &GroupIdentifier::Id(parent), children)
    };
    let with = |id: GroupId| children.iter().copied().chain([id]).collect::<BTreeSet<_>>();
    let unknown = GroupId(uuid::Uuid::from_u128(0xdead));
    assert!(
        matches!(add(&with(unknown)), Err(AddChildrenError::ChildrenNotFound(ids)) if ids == BTreeSet::from([unknown]))
    );
    assert!(matches!(add(&with(parent)), Err(AddChildrenError::Cycle(_))));
    assert!(matches!(add(&with(top)), Err(AddChildrenError::Cycle(cycle)) if cycle.len() == 2));
    assert_eq!(fixture.read(parent).child_group_count, 0);
    must(add(&children));
    children.insert(fixture.group("one more"));
    must(add(&children));
    assert_eq!(fixture.read(parent).child_group_count, 31);
    let user = fixture.user("user");
    fixture.join(*children.iter().next_back().unwrap_or(&parent), &[user]);
    assert!(fixture.is_in(top, user));
}

/// After any changes, a group is below another exactly if there is a path.
pub fn the_closure_is_what_a_walk_finds(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let mut random = 7_u64;
    let mut below = |end: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap_or_default() % end
    };
    let steps: Vec<Step> = (0..120)
        .map(|_| match below(10) {
            0..6 => Step::Add(below(14), below(14)),
            6..9 => Step::Remove(below(14), below(14)),
            _ => Step::Delete(below(40)),
        })
        .filter(|step| !matches!(step, Step::Delete(14..)))
        .collect();
    graph::follows(&fixture, "group", 14, &steps);
}
