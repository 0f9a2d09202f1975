//! The paths of a graph without cycles, counted and in order, without looking at all of them.
//!
//! The places of groups are in the order of their names, so an order of places is one of names.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::MembershipPath;
use crate::group::{GroupId, GroupName};
use crate::name::NameKey;
use crate::ports::{MembershipGraph, PathMembership};
use crate::time::Timestamp;

/// The paths down from a group to the groups that the user is directly in.
pub(super) struct Paths<'g> {
    groups: Vec<Group<'g>>,
    /// The place of the group where all paths begin, if there is any.
    start: Option<usize>,
    /// Places, each before those below it.
    downwards: Vec<usize>,
}

/// A group, and what is known of the paths that begin there.
struct Group<'g> {
    id: GroupId,
    name: &'g GroupName,
    membership: Option<&'g PathMembership>,
    /// The places of the children, in order, and until when each is there.
    children: Vec<(usize, Option<Timestamp>)>,
    /// The number of groups on the shortest path.
    shortest: usize,
    /// The first paths, in order.
    found: Vec<Path>,
    /// The next path by each child, and the direct membership. `None`: they were not looked at yet.
    candidates: Option<BinaryHeap<Reverse<Path>>>,
    /// The child whose next path is not among the candidates yet, and the number of that path.
    successor: Option<(usize, usize)>,
}

/// A path. Paths are in the order of the fields: the shortest first, then by the name of the second group, and by the order of what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Path {
    length: usize,
    /// The place of the next group, and the number of the path from there on. `None`: the path ends here.
    next: Option<(usize, usize)>,
}

impl<'g> Paths<'g> {
    /// The paths down from `start`.
    pub(super) fn of(graph: &'g MembershipGraph, start: GroupId) -> Self {
        let mut sorted: Vec<(NameKey, GroupId, &GroupName)> =
            graph.groups.iter().map(|(id, name)| (name.key(), *id, name)).collect();
        sorted.sort_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
        let places: BTreeMap<GroupId, usize> =
            sorted.iter().enumerate().map(|(place, (_, id, _))| (*id, place)).collect();
        let group = |(_, id, name): (NameKey, GroupId, &'g GroupName)| Group {
            id,
            name,
            membership: graph.memberships.get(&id),
            children: Vec::new(),
            shortest: usize::MAX,
            found: Vec::new(),
            candidates: None,
            successor: None,
        };
        let mut groups: Vec<Group<'g>> = sorted.into_iter().map(group).collect();
        for edge in &graph.edges {
            if let (Some(parent), Some(child)) = (places.get(&edge.parent), places.get(&edge.child))
                && let Some(group) = groups.get_mut(*parent)
            {
                group.children.push((*child, edge.until));
            }
        }
        for group in &mut groups {
            group.children.sort_unstable();
        }
        let downwards = downwards(&groups);
        let mut paths = Self { groups, start: places.get(&start).copied(), downwards };
        paths.measure();
        paths
    }

    /// Finds the shortest path of each group.
    fn measure(&mut self) {
        for place in self.downwards.iter().rev() {
            let Some(group) = self.groups.get(*place) else { continue };
            let below =
                group.children.iter().filter_map(|(child, _)| self.groups.get(*child)).map(|group| group.shortest);
            let own = if group.membership.is_some() { Some(1) } else { None };
            let shortest = below.map(|length| length.saturating_add(1)).chain(own).min().unwrap_or(usize::MAX);
            if let Some(group) = self.groups.get_mut(*place) {
                group.shortest = shortest;
            }
        }
    }

    /// How many paths there are, `most` at most.
    pub(super) fn count(&self, most: u64) -> u64 {
        let mut counts = vec![0_u64; self.groups.len()];
        for place in self.downwards.iter().rev() {
            let Some(group) = self.groups.get(*place) else { continue };
            let below = group.children.iter().filter_map(|(child, _)| counts.get(*child));
            let own = u64::from(group.membership.is_some());
            let count = below.fold(own, |sum, count| sum.saturating_add(*count).min(most));
            if let Some(known) = counts.get_mut(*place) {
                *known = count;
            }
        }
        self.start.and_then(|start| counts.get(start)).copied().unwrap_or_default()
    }

    /// The first `most` paths: shortest first, then by name.
    pub(super) fn first(&mut self, most: usize) -> Vec<MembershipPath> {
        let Some(start) = self.start else { return Vec::new() };
        (0..most)
            .map_while(|number| self.has_path(start, number).then(|| self.follow(start, number)))
            .flatten()
            .collect()
    }

    /// Finds the path of this number from the group at `place`. Returns whether there is one. What it needs of the groups below is found first, by a
    /// stack of its own: the graph may be deep.
    fn has_path(&mut self, place: usize, number: usize) -> bool {
        // Each entry is a group of which one more path is wanted.
        let mut wanted = vec![place];
        while let Some(place) = wanted.last().copied() {
            match self.next_path(place) {
                Next::First(child) => wanted.push(child),
                Next::Found | Next::Exhausted => _ = wanted.pop(),
            }
        }
        self.groups.get(place).is_some_and(|group| group.found.len() > number)
    }

    /// Finds one more path from the group at `place`, or tells of which group below one more must be known first.
    fn next_path(&mut self, place: usize) -> Next {
        let Some(group) = self.groups.get(place) else { return Next::Exhausted };
        let mut candidates = Vec::new();
        if group.candidates.is_none() {
            candidates.extend(group.membership.map(|_| Path { length: 1, next: None }));
            let by_child = |(child, _): &(usize, Option<Timestamp>)| {
                let shortest = self.groups.get(*child)?.shortest;
                Some(Path { length: shortest.checked_add(1)?, next: Some((*child, 0)) })
            };
            candidates.extend(group.children.iter().filter_map(by_child));
        }
        if let Some((child, number)) = group.successor {
            let Some(below) = self.groups.get(child) else { return Next::Exhausted };
            match below.found.get(number) {
                Some(path) => candidates.push(Path { length: path.length + 1, next: Some((child, number)) }),
                None if below.is_exhausted() => {}
                None => return Next::First(child),
            }
        }
        let Some(group) = self.groups.get_mut(place) else { return Next::Exhausted };
        group.successor = None;
        let heap = group.candidates.get_or_insert_default();
        heap.extend(candidates.into_iter().map(Reverse));
        match heap.pop() {
            Some(Reverse(path)) => {
                group.found.push(path);
                group.successor = path.next.map(|(child, number)| (child, number + 1));
                Next::Found
            }
            None => Next::Exhausted,
        }
    }

    /// The groups of a path that was found.
    fn follow(&mut self, start: usize, number: usize) -> Option<MembershipPath> {
        let (mut groups, mut until) = (Vec::new(), None);
        let (mut place, mut number) = (start, number);
        loop {
            // The shortest path of a child counts as known before it is found.
            if self.groups.get(place)?.found.len() <= number && !self.has_path(place, number) {
                return None;
            }
            let group = self.groups.get(place)?;
            groups.push((group.id, group.name.clone()));
            let Some((child, of_child)) = group.found.get(number)?.next else {
                let membership = group.membership?.clone();
                let until = earlier(until, membership.until);
                return Some(MembershipPath { groups, membership, until });
            };
            let edge = group.children.binary_search_by_key(&child, |(place, _)| *place).ok();
            until = earlier(until, edge.and_then(|edge| group.children.get(edge)?.1));
            (place, number) = (child, of_child);
        }
    }
}

impl Group<'_> {
    /// Whether all paths are found.
    fn is_exhausted(&self) -> bool {
        self.candidates.as_ref().is_some_and(BinaryHeap::is_empty) && self.successor.is_none()
    }
}

/// How the search for one more path of a group went.
enum Next {
    Found,
    Exhausted,
    /// One more path of this group must be found before.
    First(usize),
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// The places, each before those below it.
fn downwards(groups: &[Group<'_>]) -> Vec<usize> {
    let mut parents = vec![0_usize; groups.len()];
    for (child, _) in groups.iter().flat_map(|group| &group.children) {
        if let Some(count) = parents.get_mut(*child) {
            *count += 1;
        }
    }
    let mut order: Vec<usize> = (0..groups.len()).filter(|place| parents.get(*place) == Some(&0)).collect();
    let mut done = 0;
    while let Some(place) = order.get(done).copied() {
        done += 1;
        for (child, _) in groups.get(place).into_iter().flat_map(|group| &group.children) {
            if let Some(count) = parents.get_mut(*child) {
                *count -= 1;
                if *count == 0 {
                    order.push(*child);
                }
            }
        }
    }
    order
}
