//! Which pairs of the closure go with edges between groups, for both databases.

/// The child of the one edge that goes.
pub(crate) const ONE_CHILD: &str = "= $2";
/// Edges other than the one from `$1` to `$2`.
pub(crate) const NOT_THE_EDGE: &str = "(edge.parent_id <> $1 OR edge.child_id <> $2)";
/// Edges that do not touch `$1`, which is also `$2`.
pub(crate) const NOT_OF_THE_GROUP: &str = "edge.parent_id <> $1 AND edge.child_id <> $2";

/// Selects the pairs that no path connects any more when the edges from `$1` to the groups go of which `ended` holds; or, where it is the one
/// group `$1` of which it holds, all edges of that group. Only edges of which `remain` holds remain. It reads the closure as it was, and the
/// edges as they were or as they remain.
///
/// Let A be the groups at or above `$1`, and D those at or below one of the children: the pairs of A with D are in doubt. A path from A to D
/// leaves A by a last edge (u, v). No group of A is in D, because that would be a cycle; so the pair of the path's start with u is not in
/// doubt. v is not in A, so the pair of v with the path's end is not in doubt either. Every remaining path is found as such a pair, an edge,
/// and such a pair. Where the child is the same group as `$1`, its own pairs are among the lost ones.
pub(crate) fn lost_pairs(ended: &str, remain: &str) -> String {
    format!(
        "SELECT above.ancestor_id, below.descendant_id FROM group_closure AS above CROSS JOIN group_closure AS below \
         WHERE above.descendant_id = $1 AND below.ancestor_id {ended} \
         EXCEPT SELECT above.ancestor_id, below.descendant_id \
         FROM group_closure AS leaving \
         JOIN group_closure AS above ON above.descendant_id = leaving.ancestor_id \
         JOIN group_children AS edge ON edge.parent_id = leaving.ancestor_id \
         JOIN group_closure AS below ON below.ancestor_id = edge.child_id \
         JOIN group_closure AS doubted ON doubted.descendant_id = below.descendant_id \
         WHERE leaving.descendant_id = $1 AND doubted.ancestor_id {ended} AND {remain} \
         AND NOT EXISTS (SELECT 1 FROM group_closure AS inside \
                         WHERE inside.ancestor_id = edge.child_id AND inside.descendant_id = $1)"
    )
}
