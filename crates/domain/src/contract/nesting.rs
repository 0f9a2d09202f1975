//! Groups below groups.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Fixture;
use super::fixture::{Outcome, must};
use crate::directory::AddChildError;
use crate::group::GroupId;
use crate::identifier::GroupIdentifier;
use crate::ports::Store;

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
    let nest = || -> Outcome<bool> { fixture.store.write_alone(|directory| directory.insert_child(parent, child)) };
    assert_eq!((must(nest()), must(nest())), (true, false));
    assert_eq!(fixture.read(parent).child_group_count, 1);
    let add = |parent, child| {
        fixture.directory.add_child(&fixture.admin, &GroupIdentifier::Id(parent), &GroupIdentifier::Id(child))
    };
    assert!(matches!(add(parent, parent), Err(AddChildError::Itself)));
    assert!(matches!(add(child, parent), Err(AddChildError::Cycle)));
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
    let below: Outcome<bool> = fixture.store.read(|directory| directory.is_at_or_below(groups[3], groups[0]));
    assert!(must(below));
}

/// After any edges, a group is below another exactly if there is a path.
pub fn the_closure_is_what_a_walk_finds(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let groups: Vec<GroupId> = (0..14).map(|number| fixture.group(&format!("group {number}"))).collect();
    let mut edges: BTreeMap<GroupId, BTreeSet<GroupId>> = BTreeMap::new();
    let mut random = 7_u64;
    for _ in 0..60 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (parent, child) = (groups[(random >> 33) as usize % 14], groups[(random >> 45) as usize % 14]);
        let added =
            fixture.directory.add_child(&fixture.admin, &GroupIdentifier::Id(parent), &GroupIdentifier::Id(child));
        let closes_cycle = walk(&edges, child).contains(&parent);
        assert_eq!(added.is_err(), closes_cycle);
        if !closes_cycle {
            edges.entry(parent).or_default().insert(child);
        }
    }
    for above in &groups {
        let found: Outcome<BTreeSet<GroupId>> = fixture.store.read(|directory| {
            let mut found = BTreeSet::new();
            for below in &groups {
                if directory.is_at_or_below(*below, *above)? {
                    found.insert(*below);
                }
            }
            Ok(found)
        });
        assert_eq!(must(found), walk(&edges, *above));
    }
}

fn walk(edges: &BTreeMap<GroupId, BTreeSet<GroupId>>, from: GroupId) -> BTreeSet<GroupId> {
    let mut found = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(group) = open.pop() {
        open.extend(edges.get(&group).into_iter().flatten().copied().filter(|child| found.insert(*child)));
    }
    found
}
