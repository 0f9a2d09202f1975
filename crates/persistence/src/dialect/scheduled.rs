//! What is reached by edges that count and by those that begin later, for both databases.
//!
//! A statement begins with the recursive table `targets` or `sources`, which this module ends. A group is above one of those that `targets` begins with, by
//! edges of both kinds, if one of the targets is the group or below it by edges that count; and below one of those that `sources` begins with if one of the
//! sources is the group or above it. SQLite joins the tables of a CROSS JOIN in their order. Without edges that begin later, nothing is added to either.

/// Adds to `targets` the parents of edges that begin later and lead to one of them. It goes from a target up to the groups above it, which are few, in either
/// database: `OFFSET 0` keeps PostgreSQL from beginning with an edge, whose child may have very many groups below it.
pub(crate) const TARGETS_POSTGRES: &str = " UNION SELECT d.group_id FROM targets CROSS JOIN LATERAL \
     (SELECT ancestor_id FROM group_closure WHERE descendant_id = targets.id OFFSET 0) c \
     JOIN membership_dates d ON d.child_id = c.ancestor_id AND d.next_at = d.valid_from)";
/// The same in SQLite.
pub(crate) const TARGETS_SQLITE: &str = " UNION SELECT d.group_id FROM targets CROSS JOIN group_closure c CROSS JOIN membership_dates d \
     WHERE c.descendant_id = targets.id AND d.child_id = c.ancestor_id AND d.next_at = d.valid_from)";

/// Adds to `sources` the children of edges that begin later and come from one of them.
pub(crate) const SOURCES: &str = " UNION SELECT d.child_id FROM sources CROSS JOIN membership_dates d WHERE d.child_id IS NOT NULL AND d.next_at = d.valid_from \
     AND EXISTS (SELECT 1 FROM group_closure c WHERE c.ancestor_id = sources.id AND c.descendant_id = d.group_id))";
