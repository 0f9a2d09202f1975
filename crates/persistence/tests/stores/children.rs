//! Groups below groups in a database, after any sequence of changes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use guildhall_domain::contract::Fixture;
use guildhall_domain::contract::graph::{Step, follows};
use guildhall_domain::group::GroupId;
use guildhall_domain::identifier::GroupIdentifier;
use guildhall_domain::ports::{Store, StoreError};
use guildhall_domain::version::Precondition;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// Few enough for many paths between the same two.
const GROUPS: usize = 8;
const CASES: u32 = 24;

/// Makes a test of each function, over both databases.
macro_rules! over_both {
    ($($name:ident),+ $(,)?) => {
        $(
            mod $name {
                #[test]
                fn in_sqlite() {
                    let (database, _, _folder) = crate::databases::sqlite();
                    super::$name(database.store());
                }

                #[test]
                fn in_postgres() {
                    let (database, _, _dropped) = crate::databases::postgres();
                    super::$name(database.store());
                }
            }
        )+
    };
}

over_both! {
    membership_is_what_a_walk_finds_after_any_sequence_of_changes,
    taking_edges_from_between_many_paths_leaves_the_others,
    a_chain_of_two_hundred_groups_is_cut_and_joined,
    three_hundred_children_above_one_group_are_as_many_paths_to_it,
}

fn any_step() -> impl Strategy<Value = Step> {
    let pair = || (0..GROUPS, 0..GROUPS);
    prop_oneof![
        6 => pair().prop_map(|(parent, child)| Step::Add(parent, child)),
        3 => pair().prop_map(|(parent, child)| Step::Remove(parent, child)),
        1 => (0..GROUPS).prop_map(Step::Delete),
    ]
}

/// Takes steps from `strategy` in one database, each time with groups of their own.
fn hold(store: Arc<dyn Store>, strategy: &impl Strategy<Value = Vec<Step>>) {
    let fixture = Fixture::over(store);
    let case = AtomicU32::new(0);
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(strategy, |steps| {
        follows(&fixture, &format!("case {} group", case.fetch_add(1, Ordering::Relaxed)), GROUPS, &steps);
        Ok(())
    });
    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
}

fn membership_is_what_a_walk_finds_after_any_sequence_of_changes(store: Arc<dyn Store>) {
    hold(store, &vec(any_step(), 0..50));
}

fn taking_edges_from_between_many_paths_leaves_the_others(store: Arc<dyn Store>) {
    let edges = || (0..GROUPS).flat_map(|parent| (parent + 1..GROUPS).map(move |child| (parent, child)));
    let strategy = vec(any::<bool>(), edges().count()).prop_map(move |kept| {
        let removed = edges().zip(kept).filter(|(_, kept)| !kept);
        let added = edges().map(|(parent, child)| Step::Add(parent, child));
        added.chain(removed.map(|((parent, child), _)| Step::Remove(parent, child))).collect()
    });
    hold(store, &strategy);
}

fn a_chain_of_two_hundred_groups_is_cut_and_joined(store: Arc<dyn Store>) {
    let nested = Nested::over(store, 200);
    let groups = &nested.groups;
    groups.windows(2).for_each(|pair| nested.fixture.nest(pair[0], pair[1]));
    assert_eq!(nested.above(199), groups.iter().copied().collect());
    nested.take(99, 100);
    assert_eq!(nested.above(199), groups[100..].iter().copied().collect());
    assert_eq!(nested.above(99), groups[..100].iter().copied().collect());
    nested.fixture.nest(groups[99], groups[100]);
    assert_eq!(nested.above(199), groups.iter().copied().collect());
    let closing = nested.fixture.directory.add_child(
        &nested.fixture.by(&nested.fixture.admin),
        &GroupIdentifier::Id(groups[199]),
        &GroupIdentifier::Id(groups[0]),
    );
    assert!(closing.is_err());
    nested.delete(150);
    assert_eq!(nested.above(199), groups[151..].iter().copied().collect());
}

fn three_hundred_children_above_one_group_are_as_many_paths_to_it(store: Arc<dyn Store>) {
    const CHILDREN: usize = 300;
    let nested = Nested::over(store, CHILDREN + 2);
    let (fixture, groups) = (&nested.fixture, &nested.groups);
    let (top, bottom) = (0, CHILDREN + 1);
    let children: BTreeSet<GroupId> = groups[1..=CHILDREN].iter().copied().collect();
    let added =
        fixture.directory.add_children(&fixture.by(&fixture.admin), &GroupIdentifier::Id(groups[top]), &children);
    assert!(added.is_ok(), "{added:?}");
    for child in &children {
        fixture.nest(*child, groups[bottom]);
    }
    let mut above: BTreeSet<GroupId> = groups.iter().copied().collect();
    assert_eq!(nested.above(bottom), above);
    for (child, id) in (1..=CHILDREN).zip(&groups[1..]) {
        match child % 3 {
            0 => nested.delete(child),
            1 => nested.take(child, bottom),
            _ => nested.take(top, child),
        }
        if child % 3 != 2 {
            above.remove(id);
        }
        if child % 50 == 0 && child < CHILDREN {
            assert_eq!(nested.above(bottom), above, "after {child}");
        }
    }
    above.remove(&groups[top]);
    assert_eq!(nested.above(bottom), above);
}

/// Groups and what stands above them.
struct Nested {
    fixture: Fixture,
    groups: Vec<GroupId>,
}

impl Nested {
    fn over(store: Arc<dyn Store>, count: usize) -> Self {
        let fixture = Fixture::over(store);
        let groups = (0..count).map(|number| fixture.group(&format!("group {number}"))).collect();
        Self { fixture, groups }
    }

    /// The groups that stand at or above one.
    fn above(&self, group: usize) -> BTreeSet<GroupId> {
        let all = self.groups.iter().copied().collect();
        let found: Result<_, StoreError> =
            self.fixture.store.read(|directory| directory.at_or_above_among(self.groups[group], &all));
        found.expect("the groups above")
    }

    fn take(&self, parent: usize, child: usize) {
        let (parent, child) = (GroupIdentifier::Id(self.groups[parent]), GroupIdentifier::Id(self.groups[child]));
        self.fixture.directory.remove_child(&self.fixture.by(&self.fixture.admin), &parent, &child).expect("a child");
    }

    fn delete(&self, group: usize) {
        let group = GroupIdentifier::Id(self.groups[group]);
        self.fixture
            .directory
            .delete_group(&self.fixture.by(&self.fixture.admin), &group, &Precondition::default())
            .expect("a group");
    }
}
