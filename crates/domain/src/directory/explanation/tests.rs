use std::collections::BTreeMap;

use uuid::Uuid;

use super::paths::Paths;
use crate::group::{GroupId, GroupName};
use crate::ports::{MembershipGraph, PathEdge, PathMembership};
use crate::time::Timestamp;

fn group(number: u128) -> GroupId {
    GroupId(Uuid::from_u128(number))
}

fn at(moment: i64) -> Timestamp {
    Timestamp::from_milliseconds(moment)
}

/// Edges with ends, and direct memberships with ends; groups are named by their numbers.
fn graph(edges: &[(u128, u128, Option<i64>)], memberships: &[(u128, Option<i64>)]) -> MembershipGraph {
    let ends = edges.iter().flat_map(|(parent, child, _)| [*parent, *child]);
    let groups = ends.chain(memberships.iter().map(|(place, _)| *place));
    let membership =
        |until: &Option<i64>| PathMembership { added: at(0), added_by: None, from: None, until: until.map(at) };
    MembershipGraph {
        groups: groups.map(|number| (group(number), GroupName::stored(format!("g{number}")))).collect(),
        edges: edges
            .iter()
            .map(|(parent, child, until)| PathEdge {
                parent: group(*parent),
                child: group(*child),
                until: until.map(at),
            })
            .collect(),
        memberships: memberships
            .iter()
            .map(|(place, until)| (group(*place), membership(until)))
            .collect::<BTreeMap<_, _>>(),
    }
}

#[test]
fn a_path_ends_with_the_first_of_its_parts() {
    let graph = graph(
        &[(1, 2, Some(50)), (2, 4, None), (1, 3, None), (3, 4, Some(20)), (1, 4, None)],
        &[(4, Some(30)), (1, None)],
    );
    let paths = Paths::of(&graph, group(1)).first(10);
    let found: Vec<(usize, Option<Timestamp>)> = paths.iter().map(|path| (path.groups.len(), path.until)).collect();
    assert_eq!(found, [(1, None), (2, Some(at(30))), (3, Some(at(30))), (3, Some(at(20)))]);
}

#[test]
fn a_graph_without_the_group_has_no_path() {
    let graph = graph(&[(1, 2, None)], &[(2, None)]);
    let mut paths = Paths::of(&graph, group(3));
    assert_eq!((paths.count(10), paths.first(10)), (0, Vec::new()));
}

#[test]
fn a_chain_of_any_length_is_followed() {
    const LENGTH: u128 = 100_000;
    let edges: Vec<_> = (1..LENGTH).map(|number| (number, number + 1, None)).collect();
    let graph = graph(&edges, &[(LENGTH, None)]);
    let mut paths = Paths::of(&graph, group(1));
    let found = paths.first(100);
    assert_eq!((paths.count(1001), found.len(), found[0].groups.len() as u128), (1, 1, LENGTH));
}
