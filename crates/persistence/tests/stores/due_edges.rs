//! Edges between groups that begin and end by a date: whatever is due at one moment, the groups below are those that a walk finds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use guildhall_domain::contract::{Fixture, Given, TestClock};
use guildhall_domain::group::GroupId;
use guildhall_domain::ports::{Clock as _, StoreError};
use guildhall_domain::provenance::Provenance;
use guildhall_domain::user::UserId;
use guildhall_domain::validity::Validity;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::databases;

/// Few enough for many paths between the same two.
const GROUPS: usize = 8;
const CASES: u32 = 40;
/// At how many moments something is due.
const MOMENTS: u32 = 4;

/// An edge from a group to one of a higher number: whether it is there from the beginning, and the moments at which it begins and ends.
#[derive(Clone, Copy, Debug)]
struct DatedEdge {
    parent: usize,
    child: usize,
    from: Option<u32>,
    until: Option<u32>,
}

impl DatedEdge {
    fn counts(self, moment: u32) -> bool {
        self.from.is_none_or(|from| from <= moment) && self.until.is_none_or(|until| moment < until)
    }
}

/// A pair of groups, with a number, a beginning and an end.
type Chosen<'a> = (&'a (usize, usize), (u8, Option<u32>, Option<u32>));

/// Edges between all pairs of groups, most of which are there at one time or another.
fn edges() -> impl Strategy<Value = Vec<DatedEdge>> {
    let date = || prop_oneof![2 => Just(None), 3 => (1..=MOMENTS).prop_map(Some)];
    let pairs: Vec<(usize, usize)> =
        (0..GROUPS).flat_map(|parent| (parent + 1..GROUPS).map(move |child| (parent, child))).collect();
    vec((0..4_u8, date(), date()), pairs.len()).prop_map(move |chosen| {
        let chosen = pairs.iter().zip(chosen).filter(|(_, (number, ..))| *number > 0);
        let edge = |(&(parent, child), (_, from, until)): Chosen<'_>| {
            // What would end before it begins has no beginning.
            let from = from.filter(|from| until.is_none_or(|until| *from < until));
            DatedEdge { parent, child, from, until }
        };
        chosen.map(edge).collect()
    })
}

/// The groups at or below each group.
fn walked(edges: &[DatedEdge], moment: u32) -> BTreeSet<(usize, usize)> {
    let mut found: BTreeSet<(usize, usize)> = (0..GROUPS).map(|group| (group, group)).collect();
    // Children have higher numbers, so that those below a child are known before.
    for parent in (0..GROUPS).rev() {
        for edge in edges.iter().filter(|edge| edge.parent == parent && edge.counts(moment)) {
            let below: Vec<usize> =
                found.iter().filter(|(above, _)| *above == edge.child).map(|(_, below)| *below).collect();
            found.extend(below.into_iter().map(|below| (parent, below)));
        }
    }
    found
}

/// What the store says of it: which groups are at or below which, by the members of each, and how many children each has.
fn stored(fixture: &Fixture, groups: &[GroupId], users: &[UserId]) -> (BTreeSet<(usize, usize)>, Vec<u64>) {
    let pairs = (0..GROUPS).flat_map(|above| (0..GROUPS).map(move |below| (above, below)));
    let pairs: BTreeMap<(UserId, GroupId), (usize, usize)> =
        pairs.map(|(above, below)| ((users[below], groups[above]), (above, below))).collect();
    let asked: BTreeSet<(UserId, GroupId)> = pairs.keys().copied().collect();
    let found: Result<_, StoreError> = fixture.store.read(|reader| reader.effective_memberships_among(&asked));
    let below = found.expect("memberships").iter().map(|pair| pairs[pair]).collect();
    (below, groups.iter().map(|group| fixture.read(*group).child_group_count).collect())
}

/// Gives these edges their dates, lets the moments come one after the other, and compares.
fn follows(fixture: &Fixture, prefix: &str, edges: &[DatedEdge]) -> Result<(), TestCaseError> {
    let groups: Vec<GroupId> = (0..GROUPS).map(|number| fixture.group(&format!("{prefix} {number}"))).collect();
    let users: Vec<UserId> = (0..GROUPS).map(|number| fixture.user(&format!("{prefix} {number}"))).collect();
    for (group, user) in groups.iter().zip(&users) {
        fixture.join(*group, &[*user]);
    }
    let begin = fixture.clock.now();
    let at = |moment: u32| begin.plus(Duration::from_secs(u64::from(moment)));
    for edge in edges {
        if edge.from.is_none() {
            fixture.nest(groups[edge.parent], groups[edge.child]);
        }
        let validity = Validity { from: edge.from.map(at), until: edge.until.map(at) };
        let dates = BTreeMap::from([(groups[edge.child], validity)]);
        let set: Result<(), StoreError> = fixture.store.write_alone(|writer| {
            writer.set_validity_of_children(groups[edge.parent], &dates, Provenance::at(begin), begin)
        });
        set.expect("dates");
    }
    for moment in 0..=MOMENTS {
        fixture.clock.set(at(moment));
        fixture.directory.authenticate(&fixture.by(&fixture.admin)).expect("settled");
        let children = (0..GROUPS)
            .map(|group| edges.iter().filter(|edge| edge.parent == group && edge.counts(moment)).count() as u64);
        let expected = (walked(edges, moment), children.collect::<Vec<u64>>());
        prop_assert_eq!(stored(fixture, &groups, &users), expected, "at moment {}", moment);
    }
    Ok(())
}

/// Each case has groups of its own.
fn groups_below_are_those_that_a_walk_finds(given: Given) {
    let fixture = Fixture::given(given);
    let case = AtomicU32::new(0);
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&edges(), |edges| {
        follows(&fixture, &format!("case {} number", case.fetch_add(1, Ordering::Relaxed)), &edges)
    });
    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
}

#[test]
fn on_sqlite_groups_below_are_those_that_a_walk_finds_whatever_is_due() {
    let clock = TestClock::new();
    let (database, _, _folder) = databases::sqlite_by(clock.clone());
    groups_below_are_those_that_a_walk_finds(Given { store: database.store(), clock });
}

#[test]
fn on_postgres_groups_below_are_those_that_a_walk_finds_whatever_is_due() {
    let clock = TestClock::new();
    let (database, _, _dropped) = databases::postgres_by(clock.clone());
    groups_below_are_those_that_a_walk_finds(Given { store: database.store(), clock });
}
