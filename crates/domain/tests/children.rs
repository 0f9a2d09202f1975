//! Groups below groups in memory, after any sequence of changes.

use std::sync::Arc;

use guildhall_domain::contract::graph::{Step, follows};
use guildhall_domain::contract::{Fixture, TestClock};
use guildhall_domain::memory::Memory;
use proptest::collection::vec;
use proptest::prelude::*;

/// Few enough for many paths between the same two.
const GROUPS: usize = 10;

fn any_step() -> impl Strategy<Value = Step> {
    let pair = || (0..GROUPS, 0..GROUPS);
    prop_oneof![
        6 => pair().prop_map(|(parent, child)| Step::Add(parent, child)),
        3 => pair().prop_map(|(parent, child)| Step::Remove(parent, child)),
        1 => (0..GROUPS).prop_map(Step::Delete),
    ]
}

fn in_memory() -> Fixture {
    Fixture::over(Arc::new(Memory::new(TestClock::new())))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn membership_is_what_a_walk_finds_after_any_sequence_of_changes(steps in vec(any_step(), 0..60)) {
        follows(&in_memory(), "group", GROUPS, &steps);
    }

    #[test]
    fn taking_edges_from_between_many_paths_leaves_the_others(
        kept in vec(any::<bool>(), GROUPS * GROUPS),
    ) {
        let downwards = |(parent, child): &(usize, usize)| parent < child;
        let edges: Vec<_> = (0..GROUPS).flat_map(|parent| (0..GROUPS).map(move |child| (parent, child))).collect();
        let added = edges.iter().filter(|edge| downwards(edge)).map(|(parent, child)| Step::Add(*parent, *child));
        let removed = edges.iter().zip(&kept).filter(|(edge, kept)| downwards(edge) && !**kept);
        let steps: Vec<Step> = added.chain(removed.map(|((parent, child), _)| Step::Remove(*parent, *child))).collect();
        follows(&in_memory(), "group", GROUPS, &steps);
    }
}

#[test]
fn a_chain_of_two_hundred_groups_is_cut_and_joined_anywhere() {
    const DEPTH: usize = 200;
    let mut steps: Vec<Step> = (1..DEPTH).map(|group| Step::Add(group - 1, group)).collect();
    steps.extend([Step::Remove(99, 100), Step::Add(99, 100), Step::Add(DEPTH - 1, 0), Step::Delete(150)]);
    follows(&in_memory(), "link", DEPTH, &steps);
}

#[test]
fn three_hundred_children_above_one_group_are_as_many_paths_to_it() {
    const CHILDREN: usize = 300;
    let bottom = CHILDREN + 1;
    let mut steps: Vec<Step> =
        (1..=CHILDREN).flat_map(|child| [Step::Add(0, child), Step::Add(child, bottom)]).collect();
    steps.extend((2..=CHILDREN / 2).map(Step::Delete));
    steps.extend((CHILDREN / 2..=CHILDREN).map(|child| Step::Remove(child, bottom)));
    follows(&in_memory(), "branch", CHILDREN + 2, &steps);
}
