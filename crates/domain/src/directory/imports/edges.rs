//! Edges between groups that are imported, in any order. None of them closes a cycle.

use std::collections::{BTreeMap, BTreeSet};

use super::placing::{Placing, authors, check_author, unknown};
use super::{Import, ImportError, ImportOutcome};
use crate::group::GroupId;
use crate::ports::StoreError;
use crate::record::EdgeRecord;

/// The groups below each group, now or later.
type Graph = BTreeMap<GroupId, Vec<GroupId>>;

impl Import<'_, '_> {
    pub(super) fn edges(&mut self, records: &[&EdgeRecord]) -> Result<Vec<ImportOutcome>, ImportError> {
        let authors = authors(records.iter().map(|record| record.added));
        let groups = records.iter().flat_map(|record| [&record.parent, &record.child]);
        let named = self.look_up(authors.iter(), groups)?;
        let resolve = |record: &EdgeRecord| {
            let parent = named.group(&record.parent).ok_or_else(|| unknown("parentId", "group"))?;
            let child = named.group(&record.child).ok_or_else(|| unknown("childId", "group"))?;
            check_author(record.added, &named)?;
            Ok((parent, child))
        };
        let placing = |record: &&EdgeRecord| {
            let (added, validity) = (record.added, record.validity);
            Placing { resolved: resolve(record), added, validity }
        };
        let mut edges: Vec<Placing<GroupId>> = records.iter().map(placing).collect();
        self.refuse_cycles(&mut edges)?;
        self.place_all(&edges)
    }

    /// Refuses those edges that would close a cycle with what is there and with the edges before them.
    fn refuse_cycles(&mut self, edges: &mut [Placing<GroupId>]) -> Result<(), StoreError> {
        let mut graph = self.work.all_edges()?;
        let mut whole = graph.clone();
        for (parent, child) in edges.iter().filter_map(|edge| edge.resolved.as_ref().ok()) {
            whole.entry(*parent).or_default().push(*child);
        }
        if is_acyclic(&whole) {
            return Ok(());
        }
        let mut cycles = Vec::new();
        for (index, edge) in edges.iter().enumerate() {
            let Ok((parent, child)) = &edge.resolved else { continue };
            match path(&graph, *child, *parent) {
                Some(path) => cycles.push((index, path)),
                None => graph.entry(*parent).or_default().push(*child),
            }
        }
        let ids = cycles.iter().flat_map(|(_, path)| path.iter().copied()).collect();
        let groups = self.work.groups_of_ids(&ids)?;
        for (index, path) in cycles {
            // The last is the parent, with which the cycle begins.
            let around = path.last().into_iter().chain(&path);
            let names: Vec<String> = around
                .map(|id| groups.get(id).map_or_else(|| id.to_string(), |group| format!("'{}'", group.name.as_str())))
                .collect();
            if let Some(edge) = edges.get_mut(index) {
                let message = format!("The edge would close a cycle: {}", names.join(" > "));
                edge.resolved = Err(ImportOutcome::refused("childId", message));
            }
        }
        Ok(())
    }
}

/// Whether no group is below itself.
fn is_acyclic(graph: &Graph) -> bool {
    let mut above: BTreeMap<GroupId, usize> = BTreeMap::new();
    for (parent, children) in graph {
        above.entry(*parent).or_default();
        for child in children {
            *above.entry(*child).or_default() += 1;
        }
    }
    let mut open: Vec<GroupId> = above.iter().filter(|(_, count)| **count == 0).map(|(group, _)| *group).collect();
    let mut seen = 0;
    while let Some(group) = open.pop() {
        seen += 1;
        for child in graph.get(&group).into_iter().flatten() {
            if let Some(count) = above.get_mut(child) {
                *count -= 1;
                if *count == 0 {
                    open.push(*child);
                }
            }
        }
    }
    seen == above.len()
}

/// The groups from `from` down to `to`, both among them.
fn path(graph: &Graph, from: GroupId, to: GroupId) -> Option<Vec<GroupId>> {
    let mut came_from: BTreeMap<GroupId, GroupId> = BTreeMap::new();
    let mut seen = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(group) = open.pop() {
        if group == to {
            let mut path = vec![to];
            while let Some(before) = path.last().and_then(|last| came_from.get(last)) {
                path.push(*before);
            }
            path.reverse();
            return Some(path);
        }
        for child in graph.get(&group).into_iter().flatten() {
            if seen.insert(*child) {
                came_from.insert(*child, group);
                open.push(*child);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn graph(edges: &[(u128, u128)]) -> Graph {
        let mut graph = Graph::new();
        for (parent, child) in edges {
            graph.entry(group(*parent)).or_default().push(group(*child));
        }
        graph
    }

    fn group(number: u128) -> GroupId {
        GroupId(Uuid::from_u128(number))
    }

    #[test]
    fn a_diamond_is_no_cycle() {
        let diamond = [(1, 2), (1, 3), (2, 4), (3, 4)];
        assert!(is_acyclic(&graph(&diamond)));
        assert!(!is_acyclic(&graph(&[(1, 2), (2, 3), (3, 1)])));
        assert!(!is_acyclic(&graph(&[(1, 1)])));
        assert_eq!(path(&graph(&diamond), group(1), group(4)).map(|path| path.len()), Some(3));
        assert_eq!(path(&graph(&diamond), group(4), group(1)), None);
        assert_eq!(path(&graph(&diamond), group(2), group(2)), Some(vec![group(2)]));
    }
}
