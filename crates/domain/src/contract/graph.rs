//! Groups below groups after any sequence of changes, against a plain walk over the edges.

use std::collections::{BTreeMap, BTreeSet};

use super::Fixture;
use super::fixture::{Outcome, must};
use crate::group::GroupId;
use crate::identifier::GroupIdentifier;
use crate::user::UserId;
use crate::version::Precondition;

/// A change of the graph; groups go by their place in a list that never shrinks.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Put the second below the first.
    Add(usize, usize),
    /// Take the second from below the first.
    Remove(usize, usize),
    /// Delete the group.
    Delete(usize),
}

/// Makes `count` groups with a member each, takes the steps, and compares everything that depends on the graph.
pub fn follows(fixture: &Fixture, prefix: &str, count: usize, steps: &[Step]) {
    let groups: Vec<GroupId> = (0..count).map(|number| fixture.group(&format!("{prefix} {number}"))).collect();
    let users: Vec<UserId> = (0..count).map(|number| fixture.user(&format!("{prefix} {number}"))).collect();
    groups.iter().zip(&users).for_each(|(group, user)| assert_eq!(fixture.join(*group, &[*user]), 1));
    let mut graph = Graph { alive: groups.iter().copied().collect(), edges: BTreeSet::new() };
    for step in steps {
        take(fixture, &groups, &mut graph, *step);
    }
    for (group, user) in groups.iter().zip(&users) {
        if !graph.alive.contains(group) {
            continue;
        }
        let above = graph.walk(*group, |(parent, child)| (*child, *parent));
        let found: Outcome<_> = fixture.store.read(|directory| directory.at_or_above_among(*group, &graph.alive));
        assert_eq!(must(found), above, "{steps:?}");
        for other in &graph.alive {
            assert_eq!(fixture.is_in(*other, *user), above.contains(other), "{steps:?}");
        }
        let children = graph.edges.iter().filter(|(parent, _)| parent == group).count();
        assert_eq!(fixture.read(*group).child_group_count, children as u64, "{steps:?}");
    }
}

fn take(fixture: &Fixture, groups: &[GroupId], graph: &mut Graph, step: Step) {
    let (directory, admin) = (&fixture.directory, &fixture.admin);
    match step {
        Step::Add(parent, child) => {
            let edge = (groups[parent], groups[child]);
            let is_possible = graph.has(edge) && !graph.walk(edge.1, |edge| *edge).contains(&edge.0);
            let added =
                directory.add_child(&fixture.by(admin), &GroupIdentifier::Id(edge.0), &GroupIdentifier::Id(edge.1));
            assert_eq!(added.is_ok(), is_possible, "{added:?}");
            graph.edges.extend(is_possible.then_some(edge));
        }
        Step::Remove(parent, child) => {
            let edge = (groups[parent], groups[child]);
            let removed =
                directory.remove_child(&fixture.by(admin), &GroupIdentifier::Id(edge.0), &GroupIdentifier::Id(edge.1));
            assert_eq!(removed.is_ok(), graph.edges.remove(&edge), "{removed:?}");
        }
        Step::Delete(group) => {
            let deleted = directory.delete_group(
                &fixture.by(admin),
                &GroupIdentifier::Id(groups[group]),
                &Precondition::default(),
            );
            assert_eq!(deleted.is_ok(), graph.alive.remove(&groups[group]), "{deleted:?}");
            graph.edges.retain(|(parent, child)| *parent != groups[group] && *child != groups[group]);
        }
    }
}

struct Graph {
    alive: BTreeSet<GroupId>,
    edges: BTreeSet<(GroupId, GroupId)>,
}

impl Graph {
    fn has(&self, (parent, child): (GroupId, GroupId)) -> bool {
        self.alive.contains(&parent) && self.alive.contains(&child)
    }

    /// `from` and everything that edges, turned as `direction` says, lead to.
    fn walk(&self, from: GroupId, direction: impl Fn(&(GroupId, GroupId)) -> (GroupId, GroupId)) -> BTreeSet<GroupId> {
        let mut next: BTreeMap<GroupId, Vec<GroupId>> = BTreeMap::new();
        for (start, end) in self.edges.iter().map(direction) {
            next.entry(start).or_default().push(end);
        }
        let mut found = BTreeSet::from([from]);
        let mut open = vec![from];
        while let Some(group) = open.pop() {
            open.extend(next.get(&group).into_iter().flatten().copied().filter(|end| found.insert(*end)));
        }
        found
    }
}
